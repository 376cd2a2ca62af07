"""Tables of questions and contexts: Ragas', LlamaIndex's LabelledRagDataset, SQuAD's and others."""

from __future__ import annotations

from collections.abc import Iterable

from .collection import Collection
from .fields import Record
from .gathered import Gathered
from .nested import listed
from .rows import Rows

# With both in a record, Ragas' older versions mean by `contexts` what a system has retrieved.
_ANSWERS = ("answer", "response")
_REFERENCES = ("ground_truth", "ground_truths", "reference")


def has_contexts(rows: Rows, record: Record) -> bool:
    """Whether a record is of this kind."""
    return any(
        rows.fields.name(meaning, record) for meaning in ("relevant", "contexts", "retrieved")
    )


def of_contexts(
    files: Iterable[tuple[Rows, Iterable[tuple[int, Record]]]], name: str
) -> Collection:
    """The collection of such records: all contexts are its documents.

    Where the records have retrieved contexts, these are the candidates, in their order.

    Raises:
        ConfigurationError: naming file and line: no question, a context without a text, or
            nothing says which contexts are relevant.
    """
    gathered = Gathered()
    for rows, records in files:
        for number, record in records:
            meaning = _meaning(rows, number, record)
            query = gathered.query(rows, number, record)
            relevant = gathered.passages(rows, number, listed(rows, number, record, meaning))
            gathered.judge(query, relevant)
            if rows.fields.name("retrieved", record) is not None:
                retrieved = listed(rows, number, record, "retrieved")
                found = gathered.candidates.setdefault(query, {})
                found.update(dict.fromkeys(gathered.passages(rows, number, retrieved)))
    return gathered.collection(name)


def _meaning(rows: Rows, number: int, record: Record) -> str:
    fields = rows.fields
    if fields.name("relevant", record) is not None:
        return "relevant"
    name = fields.name("contexts", record)
    is_retrieved = any(each in record for each in _ANSWERS) and any(
        each in record for each in _REFERENCES
    )
    if name is not None and not is_retrieved:
        return "contexts"
    there = name or fields.name("retrieved", record)
    raise rows.at(
        number,
        f"`{there}` is what a system has retrieved, and nothing says which of it is relevant; add "
        "`reference_contexts`, or name the field of the relevant ones with --field relevant=NAME.",
    )
