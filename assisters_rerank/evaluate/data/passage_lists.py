"""Lists of positive and negative passages for each query: MTEB's reranking, Tevatron's, DPR's."""

from __future__ import annotations

from collections.abc import Iterable

from .collection import Collection
from .fields import Record
from .gathered import Gathered
from .nested import listed
from .rows import Rows


def has_passage_lists(rows: Rows, record: Record) -> bool:
    """Whether a record is of this kind."""
    return rows.fields.name("positive", record) is not None


def of_passage_lists(
    files: Iterable[tuple[Rows, Iterable[tuple[int, Record]]]], name: str
) -> Collection:
    """The collection of such records: each query is ranked among its own passages.

    Raises:
        ConfigurationError: naming file and line: no query, or a passage without a text.
    """
    gathered = Gathered()
    for rows, records in files:
        for number, record in records:
            query = gathered.query(rows, number, record)
            positive, negative = (
                gathered.passages(rows, number, listed(rows, number, record, meaning))
                for meaning in ("positive", "negative")
            )
            gathered.judge(query, positive, negative)
    return gathered.collection(name, are_pools=True)
