"""Calls of all kinds, of which the plugins have to tell what they took."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from assisters_rerank import MemoryCache, Reranker

from .cases import KEY, QUERY, TEXTS
from .long import LONG, OTHER, SHORT, SPLIT

BGE, JINA = "bge-reranker-v2", "jina-reranker"


class Case(NamedTuple):
    """The options, the texts, and the figures that no other case has."""

    options: dict[str, Any]
    texts: Sequence[str]
    figures: dict[str, object]
    model: str = BGE
    truncated: int | None = 0


CASES = {
    "one request": Case({}, TEXTS, {"requests": 1, "documents_sent": 8, "tokens_estimated": False}),
    "parts of a list": Case({"max_documents_per_request": 3}, TEXTS, {"requests": 3}),
    "equal texts": Case({}, [*TEXTS, *TEXTS[:2]], {"documents_sent": 8, "documents_duplicate": 2}),
    "auto, short": Case({"model": "auto"}, TEXTS, {"models": (BGE,)}),
    "auto, long": Case({"model": "auto"}, [LONG * 3, *TEXTS], {"models": (JINA,)}, JINA),
    "split": Case(SPLIT, [LONG, OTHER, SHORT], {"requests": 1}),
    "truncated": Case({"max_tokens": 80}, [LONG, OTHER, SHORT], {"documents_sent": 3}, BGE, 2),
    "cached": Case(
        {"cache": MemoryCache()},
        TEXTS,
        {"requests": 0, "documents_cached": 8, "total_tokens": 0, "cost": 0.0},
    ),
    "dear": Case({"prices": {BGE: 1e6}}, TEXTS, {"requests": 1}),
    "no price": Case({"model": "rerank-v1"}, TEXTS, {"cost": None}, "rerank-v1", None),
}


def expected(case: Case, base_url: str) -> tuple[dict[str, object], str]:
    """The figures and the server's model, as the reranker without a framework has them.

    Scores are cached on the way, where the case has a cache.
    """
    with Reranker(base_url=base_url, api_key=KEY, **case.options) as reranker:
        ranking = reranker.rerank(QUERY, case.texts)
        if "cache" in case.options:
            ranking = reranker.rerank(QUERY, case.texts)
    figures = ranking.usage.figures()
    assert figures.items() >= case.figures.items()
    assert ranking.truncated == case.truncated
    return figures, ranking.model
