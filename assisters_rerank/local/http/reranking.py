"""`POST /v1/rerank`: what it takes, what it counts, what it answers."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping

from ...text.tokens import estimate_tokens, tokens_of_pairs
from ..scorers.scorer import Scorer
from ..scorers.windows import windowed
from .checked_output import checked_scores
from .generations import answer
from .latency import published_latency
from .recorded import RecordedRequest
from .rerank_request import RerankRequest, parse_rerank_request
from .server_settings import ServerSettings


class Reranking:
    """The rules of one server's reranks."""

    worker = "scorer"
    counted = "documents"

    def __init__(self, load: Callable[[], Scorer], settings: ServerSettings) -> None:
        self._load = load
        self._settings = settings

    def parse(self, fields: Mapping[str, object]) -> RerankRequest:
        """The request; raises `Refusal`."""
        return parse_rerank_request(
            fields,
            max_documents=self._settings.document_limit,
            returns_documents=self._settings.contract.returns_documents,
            any_model=self._settings.any_model,
        )

    def count(self, asked: RerankRequest) -> int:
        """How many documents it has."""
        return len(asked.documents)

    def tokens(self, asked: RerankRequest) -> int:
        """What it costs."""
        return tokens_of_pairs(estimate_tokens, asked.query, asked.documents)

    def seconds(self, asked: RerankRequest) -> float:
        """How long the service takes for it by its own account."""
        return published_latency(asked.model, len(asked.documents))

    def answer(self, asked: RerankRequest, tokens: int) -> dict[str, object]:
        """The body of a 200."""
        scorer = windowed(self._load(), self._settings.max_tokens)
        scores = checked_scores(scorer.score(asked.query, asked.documents), len(asked.documents))
        return answer(
            self._settings.contract,
            id=f"rerank-{secrets.token_hex(12)}",
            model=scorer.name,
            results=_results(asked, scores),
            documents=len(scores),
            tokens=tokens,
        )

    def recorded(
        self,
        status: int,
        request_id: str,
        headers: Mapping[str, str],
        asked: RerankRequest | None,
        *,
        replayed: bool,
    ) -> RecordedRequest:
        """What is remembered of it; `asked` is `None` when the body was refused."""
        if asked is None:
            return RecordedRequest(status, request_id, headers)
        return RecordedRequest(
            status,
            request_id,
            headers,
            asked.model,
            asked.query,
            asked.documents,
            asked.top_n,
            asked.return_documents,
            replayed,
        )


def _results(asked: RerankRequest, scores: list[float]) -> list[dict[str, object]]:
    ranked = sorted(range(len(scores)), key=scores.__getitem__, reverse=True)
    results: list[dict[str, object]] = []
    for index in ranked[: asked.top_n]:
        result: dict[str, object] = {"index": index, "relevance_score": scores[index]}
        if asked.return_documents:
            result["document"] = {"text": asked.documents[index]}
        results.append(result)
    return results
