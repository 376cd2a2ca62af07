"""The web application: `POST /v1/rerank`, `GET /v1/models`, `GET /v1/models/{id}`."""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import math
import secrets
from collections.abc import Callable, Mapping

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from .contract import (
    MAX_DOCUMENTS,
    MODELS,
    Refusal,
    RerankRequest,
    describe_model,
    estimate_tokens,
    parse_request,
)
from .headers import ContractHeaders, RateWindow
from .recorded import RecordedRequest, recorded
from .scorers import Scorer

logger = logging.getLogger(__name__)


def create_app(
    load: Callable[[], Scorer],
    *,
    api_key: str | None = None,
    max_documents: int = MAX_DOCUMENTS,
    record: Callable[[RecordedRequest], None] | None = None,
) -> ASGIApp:
    """The application, to be run by an ASGI server over asyncio.

    Args:
        load: gives the scorer; called in a thread when the first scores are wanted, and for each
            request anew, so it should remember.
        api_key: the only key that is let in; `None` lets everybody in.
        max_documents: documents that one request may carry.
        record: told of every `POST /v1/rerank`, before the answer leaves.
    """
    endpoints = _Endpoints(load, api_key, max_documents, record)
    app = Starlette(
        routes=[
            Route("/v1/rerank", endpoints.rerank, methods=["POST"]),
            Route("/v1/models", endpoints.models),
            Route("/v1/models/{model:path}", endpoints.model),
        ],
        exception_handlers={
            Refusal: _answer_refusal,
            HTTPException: _answer_http_exception,
        },
    )
    app.router.redirect_slashes = False
    return ContractHeaders(app, endpoints.window)


class _Endpoints:
    def __init__(
        self,
        load: Callable[[], Scorer],
        api_key: str | None,
        max_documents: int,
        record: Callable[[RecordedRequest], None] | None,
    ) -> None:
        self.window = RateWindow()
        self._load = load
        self._api_key = api_key
        self._max_documents = max_documents
        self._record = record

    async def rerank(self, request: Request) -> Response:
        asked: RerankRequest | None = None
        status = 500
        try:
            self._authorize(request)
            asked = parse_request(await _body(request), self._max_documents)
            response = await self._score(asked)
            status = response.status_code
        except Refusal as refusal:
            status = refusal.status
            raise
        finally:
            self._tell(request, asked, status)
        return response

    async def models(self, request: Request) -> Response:
        self._authorize(request)
        return _json(
            {
                "object": "list",
                "data": [describe_model(model, self._max_documents) for model in MODELS],
            }
        )

    async def model(self, request: Request) -> Response:
        self._authorize(request)
        model = request.path_params["model"]
        if model not in MODELS:
            raise Refusal(404, "not_found", f"There is no model {model!r}.", "model")
        return _json(describe_model(model, self._max_documents))

    def _authorize(self, request: Request) -> None:
        if self._api_key is None:
            return
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        # Header values arrive as Latin-1, whatever the client meant by its bytes.
        given, expected = key.strip().encode("latin-1"), self._api_key.encode()
        if scheme.lower() != "bearer" or not hmac.compare_digest(given, expected):
            raise Refusal(401, "invalid_api_key", "The API key is missing or wrong.")

    async def _score(self, asked: RerankRequest) -> Response:
        try:
            name, scores = await asyncio.to_thread(self._run_scorer, asked)
        except Exception as error:
            logger.exception("The scorer failed")
            raise Refusal(
                500, "server_error", "The scorer failed; the log has the reason."
            ) from error
        ranked = sorted(range(len(scores)), key=scores.__getitem__, reverse=True)
        results: list[dict[str, object]] = []
        for index in ranked[: asked.top_n]:
            result: dict[str, object] = {"index": index, "relevance_score": scores[index]}
            if asked.return_documents:
                result["document"] = {"text": asked.documents[index]}
            results.append(result)
        # A cross-encoder reads the query again with every document.
        query = estimate_tokens(asked.query)
        tokens = sum(query + estimate_tokens(document) for document in asked.documents)
        self.window.add(tokens=tokens)
        return _json(
            {
                "id": f"rerank-{secrets.token_hex(12)}",
                "model": name,
                "results": results,
                "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
            }
        )

    def _run_scorer(self, asked: RerankRequest) -> tuple[str, list[float]]:
        scorer = self._load()
        # Users' own scorers may give NumPy's numbers, which JSON does not know.
        scores = [float(score) for score in scorer.score(asked.query, asked.documents)]
        if len(scores) != len(asked.documents) or not all(map(math.isfinite, scores)):
            raise ValueError("A scorer has to give one finite number for each document.")
        return scorer.name, scores

    def _tell(self, request: Request, asked: RerankRequest | None, status: int) -> None:
        if self._record is not None:
            request_id: str = request.state.request_id
            self._record(recorded(status, request_id, dict(request.headers), asked))


def _json(content: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    # ASCII, because a document may hold an unpaired surrogate, which has no UTF-8 form.
    body = json.dumps(content, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return Response(body, status, headers, media_type="application/json")


async def _body(request: Request) -> bytes:
    try:
        return await request.body()
    except ClientDisconnect as error:
        raise Refusal(400, "invalid_request", "The body broke off.") from error


async def _answer_refusal(_: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    return _json(error.body(), error.status)


async def _answer_http_exception(_: Request, error: Exception) -> Response:
    """Starlette's own refusals: unknown paths (404) and wrong methods (405)."""
    assert isinstance(error, HTTPException)
    code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "invalid_request")
    body = Refusal(error.status_code, code, f"{error.detail}.").body()
    return _json(body, error.status_code, error.headers)
