"""Small collections whose best order is known, and a server that counts what it is asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from assisters_rerank.evaluate import Candidates, Collection
from assisters_rerank.local import LocalServer
from assisters_rerank.local.http.recorded import RecordedRequest


class LastNumber:
    """A scorer whose scores a test can foresee: the last word of a text, if it is a number."""

    name = "last-number"

    def score(self, query: str, documents: Sequence[str]) -> list[float]:
        return [self._score(document) for document in documents]

    def _score(self, document: str) -> float:
        last = document.split()[-1]
        return float(last) if last.replace(".", "").isdigit() else 0.0


def numbered(queries: int, documents: int = 30) -> tuple[Collection, Candidates]:
    """Queries whose candidates are all documents; the best by `LastNumber` comes last.

    Each query has one relevant document: the first query the last one, and so on.
    """
    names = [f"d{number}" for number in range(documents)]
    collection = Collection(
        "numbered",
        {name: f"text 0.{number:03}" for number, name in enumerate(names)},
        {f"q{number}": f"query {number}" for number in range(queries)},
        {f"q{number}": {names[-1 - number % documents]: 1} for number in range(queries)},
    )
    return collection, dict.fromkeys(collection.queries, names)


def pairs(requests: Iterable[RecordedRequest]) -> Counter[tuple[str, str]]:
    """How often each pair of query and text was scored."""
    return Counter(
        (request.query, document)
        for request in requests
        if request.status == 200
        for document in request.documents
    )


def counts(server: LocalServer) -> set[int]:
    """How often pairs were scored: {1} if each was, once."""
    return set(pairs(server.requests).values())
