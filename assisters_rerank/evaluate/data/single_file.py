"""A collection that is all in one file: which kind it is, by what is in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain

from ...errors import ConfigurationError
from .collection import Collection
from .fields import Fields
from .finetune_dataset import finetune_dataset, of_finetune_dataset
from .passage_lists import has_passage_lists, of_passage_lists
from .question_tables import has_contexts, of_contexts
from .rows import Rows, rows_of
from .sources import Source


def collection_of(sources: Sequence[Source], fields: Fields, name: str) -> Collection:
    """The collection in a file, or in the shards of one.

    Raises:
        ConfigurationError: it is of no known kind, or something is wrong in it, with its line; or
            nothing in it is relevant to any query.
    """
    whole = finetune_dataset(sources[0])
    if whole is not None:
        return of_finetune_dataset(whole, sources[0].label, name)
    files = []
    for source in sources:
        rows = rows_of(source, fields, _NO_COLUMNS)
        first = next(rows.records, None)
        if first is not None:
            files.append((rows, chain([first], rows.records), first[1]))
    if not files:
        raise ConfigurationError(f"{sources[0].label}: there is nothing in it.")
    rows, _, record = files[0]
    pairs = [(each, records) for each, records, _ in files]
    if has_passage_lists(rows, record):
        found = of_passage_lists(pairs, name)
    elif has_contexts(rows, record):
        found = of_contexts(pairs, name)
    else:
        raise ConfigurationError(_unknown(rows, record))
    if not any(grade for grades in found.qrels.values() for grade in grades.values()):
        raise ConfigurationError(f"{rows.label}: no passage is relevant to any query.")
    return found


_NO_COLUMNS: Mapping[int, Sequence[str]] = {}


def _unknown(rows: Rows, record: Mapping[str, object]) -> str:
    has = ", ".join(f"`{name}`" for name in list(record)[:8])
    return (
        f"{rows.label}: a single file needs questions with `contexts` or `reference_contexts`, or "
        f"queries with `positive` and `negative` passages; this has {has}. Name fields with "
        "--field, or give the folder of corpus, queries and judgements."
    )
