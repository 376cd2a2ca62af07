"""Queries from JSONL, one on each line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from ..evaluate.data.fields import QUERY_IDS
from ..evaluate.data.sources import at_line, source_at
from .query_rows import Row, as_id, row

# A topic next to another id is what the query is about.
_IDS = sorted((*QUERY_IDS, "_id", "id"), key=lambda name: name == "topic")


class JsonLines:
    """`{"query_id", "query", "documents": [text or {"id", "text"}]}` on each line.

    Without a query id the line's place counts, without a document's id the document's, both
    from 0. A query's id may have any of its usual names. Documents' ids may also stand in a list of
    their own, `doc_ids`.
    """

    def __init__(self, file: Path) -> None:
        self.files = (file,)

    def query_ids(self) -> Iterator[str]:
        """See `Source`; every line is checked here, before anything is paid for."""
        return (each.query_id for each in self.rows())

    def rows(self) -> Iterator[Row]:
        """See `Source`."""
        file = self.files[0]
        for place, (number, line) in enumerate(source_at(file).lines()):
            try:
                entry = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise at_line(str(file), number, f"malformed JSON: {error}.") from None
            if not isinstance(entry, dict):
                raise at_line(str(file), number, "not a JSON object.")
            yield _row(entry, f"{file}, line {number}", place)


def _row(entry: dict[str, object], where: str, place: int) -> Row:
    given = next((entry[name] for name in _IDS if entry.get(name) is not None), None)
    query_id = str(place) if given is None else as_id(given, where)
    return row(where, query_id, entry.get("query"), entry.get("documents"), entry.get("doc_ids"))
