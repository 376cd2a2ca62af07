"""`rerank()` and `arerank()` for scripts: a call without a `Reranker` to keep.

They take the key and the address from the environment, and keep one `Reranker` per model and
address, so that repeated calls reuse its connections.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from functools import lru_cache

from .options.rerank_options import RerankOptions
from .options.thresholds import LeastScore
from .ranking import Ranking
from .reranker import Reranker
from .wire.destination import BASE_URL_VARIABLE

_DEFAULT_MODEL: str = RerankOptions.model_fields["model"].default


def rerank(
    query: str,
    documents: Iterable[str | Mapping[str, object]],
    *,
    model: str = _DEFAULT_MODEL,
    top_n: int | None = None,
    score_threshold: LeastScore | None = None,
) -> Ranking:
    """`Reranker.rerank` with the options' defaults.

    Examples:
        >>> from assisters_rerank import rerank
        >>> results = rerank(query="rain", documents=["wet", "dry"], top_n=1)
        >>> context = " ".join([r.document.text for r in results])
    """
    reranker = _reranker(model)
    return reranker.rerank(query, documents, top_n=top_n, score_threshold=score_threshold)


async def arerank(
    query: str,
    documents: Iterable[str | Mapping[str, object]],
    *,
    model: str = _DEFAULT_MODEL,
    top_n: int | None = None,
    score_threshold: LeastScore | None = None,
) -> Ranking:
    """`rerank` for asyncio and trio."""
    reranker = _reranker(model)
    return await reranker.arerank(query, documents, top_n=top_n, score_threshold=score_threshold)


def _reranker(model: str) -> Reranker:
    # A model that is not a string cannot be looked up; the options refuse it.
    kept = _shared if isinstance(model, str) else _shared.__wrapped__
    return kept(model, os.environ.get(BASE_URL_VARIABLE))


@lru_cache(maxsize=16)
def _shared(model: str, address: str | None) -> Reranker:
    # The address is part of the key only: the reranker reads the variable itself.
    return Reranker(model=model)
