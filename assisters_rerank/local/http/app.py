"""The web application: its routes, and the one place where refusals become answers."""

from __future__ import annotations

from collections.abc import Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from ..scorers.encoder import Encoder, load_encoder
from ..scorers.scorer import Scorer
from .endpoints import Endpoints, json_response
from .headers import ContractHeaders
from .recorded import RecordedEmbedding, RecordedRequest
from .rerank_request import Refusal
from .server_settings import ServerSettings


def create_app(
    load: Callable[[], Scorer],
    settings: ServerSettings | None = None,
    record: Callable[[RecordedRequest | RecordedEmbedding], None] | None = None,
    encoder: Callable[[], Encoder] = load_encoder,
) -> ASGIApp:
    """The application, to be run by an ASGI server over asyncio.

    Args:
        load: gives the scorer; called in a thread when the first scores are wanted, and for each
            request anew, so it should remember.
        settings: the key, the generation, limits and latency.
        record: called with every `POST` to both endpoints, before it is answered.
        encoder: gives the encoder, as `load` gives the scorer.
    """
    endpoints = Endpoints(load, encoder, settings or ServerSettings(), record)
    app = Starlette(
        routes=[
            Route("/v1/rerank", endpoints.rerank, methods=["POST"]),
            # Cohere's client speaks this dialect too: v1 of it at the path above, v2 here.
            Route("/v2/rerank", endpoints.rerank, methods=["POST"]),
            Route("/v1/embeddings", endpoints.embeddings, methods=["POST"]),
            Route("/v1/models", endpoints.models),
            Route("/v1/models/{model:path}", endpoints.model),
            Route("/v1/rate-limit", endpoints.rate_limit),
        ],
        exception_handlers={
            Refusal: _answer_refusal,
            HTTPException: _answer_http_exception,
        },
    )
    app.router.redirect_slashes = False
    return ContractHeaders(app, endpoints.window)


async def _answer_refusal(_: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    wait = error.retry_after
    headers = None if wait is None else {"Retry-After": str(wait)}
    return json_response(error.body(), error.status, headers)


async def _answer_http_exception(_: Request, error: Exception) -> Response:
    """Starlette's own refusals: unknown paths (404) and wrong methods (405)."""
    assert isinstance(error, HTTPException)
    code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "invalid_request")
    body = Refusal(error.status_code, code, f"{error.detail}.").body()
    return json_response(body, error.status_code, error.headers)
