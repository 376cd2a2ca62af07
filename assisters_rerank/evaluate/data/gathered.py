"""A collection gathered from records that hold queries and passages themselves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .collection import Collection
from .fields import Record
from .rows import Rows
from .texts import text_of


class Gathered:
    """Documents and queries by id; what has none, and a text that was there, goes by its text."""

    def __init__(self) -> None:
        self.documents: dict[str, str] = {}
        self.queries: dict[str, str] = {}
        self.qrels: dict[str, dict[str, int]] = {}
        self.candidates: dict[str, dict[str, None]] = {}
        self._documents: dict[str, str] = {}
        self._queries: dict[str, str] = {}

    def query(self, rows: Rows, number: int, record: Record) -> str:
        """The id of a record's query, which is added to the collection."""
        fields = rows.fields
        text = fields.value("question", record)
        if not isinstance(text, str) or not text.strip():
            raise rows.at(
                number, "there is no question in it; name its field with --field question=NAME."
            )
        has_id = fields.value("query_id", record) not in (None, text)
        name = rows.id(number, record, "query_id") if has_id else self._queries.get(text)
        name = name or f"q{len(self._queries) + 1}"
        if self.queries.setdefault(name, text) != text:
            raise rows.at(number, f"query {name!r} has another text above.")
        self._queries.setdefault(text, name)
        self.qrels.setdefault(name, {})
        return name

    def passages(self, rows: Rows, number: int, values: Iterable[object]) -> list[str]:
        """The ids of passages: texts, or objects with a text, and perhaps title and id."""
        names = []
        for value in values:
            record: Mapping[str, object] = value if isinstance(value, dict) else {"text": value}
            text = text_of(rows, number, record)
            if not text:
                continue
            has_id = rows.fields.value("document_id", record) not in (None, value)
            name = rows.id(number, record, "document_id") if has_id else self._documents.get(text)
            name = name or f"d{len(self._documents) + 1}"
            if self.documents.setdefault(name, text) != text:
                raise rows.at(number, f"document {name!r} has another text above.")
            self._documents.setdefault(text, name)
            names.append(name)
        return names

    def judge(self, query: str, relevant: Iterable[str], others: Iterable[str] = ()) -> None:
        """Notes which documents answer a query, and which do not."""
        grades = self.qrels[query]
        for document in others:
            grades.setdefault(document, 0)
        for document in relevant:
            grades[document] = 1

    def collection(self, name: str, *, are_pools: bool = False) -> Collection:
        """What was gathered; the documents of each query as its pool, or its candidates if any."""
        found = {query: list(names) for query, names in self.candidates.items()} or None
        pools = {query: list(grades) for query, grades in self.qrels.items()}
        return Collection(
            name,
            self.documents,
            self.queries,
            self.qrels,
            candidates=found,
            pools=pools if are_pools else None,
        )
