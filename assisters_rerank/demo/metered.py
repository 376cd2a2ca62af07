"""A reranker that remembers its latest ranking: frameworks hand on documents, not usage."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import EllipsisType

from pydantic import PrivateAttr

from ..options.thresholds import LeastScore
from ..ranking import Ranking
from ..reranker import Reranker


class Metered(Reranker):
    """To be mixed into a plugin's class, before it: both plugins call `rerank` for their scores."""

    _latest: Ranking = PrivateAttr(default=Ranking((), model=""))

    @property
    def latest(self) -> Ranking:
        """What the last call of `rerank` returned, with model and usage; empty before it."""
        return self._latest

    def rerank(
        self,
        query: str,
        documents: Iterable[str | Mapping[str, object]],
        *,
        top_n: int | EllipsisType | None = ...,
        score_threshold: LeastScore | EllipsisType | None = ...,
    ) -> Ranking:
        """`Reranker.rerank`, remembered."""
        self._latest = super().rerank(
            query, documents, top_n=top_n, score_threshold=score_threshold
        )
        return self._latest
