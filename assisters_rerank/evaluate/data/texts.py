"""The texts of a collection's documents and queries, from files of any kind, by id."""

from __future__ import annotations

from collections.abc import Container, Iterable

from .fields import Fields, Record, lacks
from .rows import Rows, rows_of
from .sources import Source

# Without a heading: MS MARCO's passages and queries, DPR's passages, MS MARCO's documents.
_COLUMNS = {2: ("id", "text"), 3: ("id", "text", "title"), 4: ("id", "", "title", "text")}


def documents_in(sources: Iterable[Source], fields: Fields) -> dict[str, str]:
    """Title and text of each document.

    Raises:
        ConfigurationError: naming file and line: no id, one that was there, no text.
    """
    documents: dict[str, str] = {}
    for source in sources:
        rows = rows_of(source, fields, _COLUMNS)
        for number, record in rows.records:
            name = rows.id(number, record, "id")
            if name in documents:
                raise _twice(rows, number, name)
            documents[name] = text_of(rows, number, record)
    return documents


def queries_in(
    sources: Iterable[Source], fields: Fields, judged: Container[str] | None
) -> dict[str, str]:
    """The text of each query that is judged; of all if None.

    Raises:
        ConfigurationError: naming file and line: no id, one that was there, no text.
    """
    seen: set[str] = set()
    queries = {}
    for source in sources:
        rows = rows_of(source, fields, _COLUMNS)
        for number, record in rows.records:
            name = rows.id(number, record, "id")
            if name in seen:
                raise _twice(rows, number, name)
            seen.add(name)
            if judged is not None and name not in judged:
                continue
            text = _string(rows, number, record, "query")
            if not text.strip():
                raise rows.at(number, f"query {name!r} has an empty text.")
            queries[name] = text
    return queries


def text_of(rows: Rows, number: int, record: Record) -> str:
    """A document's title and text; either may be missing or null."""
    has_title = bool(rows.fields.value("title", record))
    title = _string(rows, number, record, "title") if has_title else ""
    if title and rows.fields.value("text", record) is None:
        return title.strip()
    return f"{title} {_string(rows, number, record, 'text')}".strip()


def _string(rows: Rows, number: int, record: Record, meaning: str) -> str:
    name = rows.fields.name(meaning, record)
    text = None if name is None else record[name]
    if not isinstance(text, str):
        raise rows.at(number, lacks(meaning, record, "a string", name))
    return text


def _twice(rows: Rows, number: int, name: str) -> Exception:
    return rows.at(number, f"the id {name!r} is there a second time.")
