"""Two models with a scale each, and thresholds for both."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from assisters_rerank.local import LocalServer

BGE, JINA = "bge-reranker-v2", "jina-reranker"
BOTH = {BGE: 0.5, JINA: 0.1}
SHORT, LONG = ["Cats eat fish."], ["Cats eat fish.", "word " * 3000]


class TwoScales:
    """A long document moves a call with `auto` to the other model, whose scores are lower."""

    name = "two-scales"

    def score(self, query: str, documents: Sequence[str]) -> list[float]:
        return [0.6 if max(map(len, documents)) < 2000 else 0.2] * len(documents)


@pytest.fixture(scope="module")
def scales() -> Iterator[str]:
    """The address of a server with these scales."""
    with LocalServer(scorer=TwoScales()) as server:
        yield server.base_url
