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
from .endpoints import Endpoints
from .headers import ContractHeaders
from .json_response import json_response
from .recorded import RecordedEmbedding, RecordedRequest
from .refusal import Refusal
from .server_settings import ServerSettings
from .trusted import TrustedCallers


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
    settings = settings or ServerSettings()
    endpoints = Endpoints(load, encoder, settings, record)
    app = Starlette(
        routes=[
            # Cohere's client speaks this dialect too: v1 of it at the paths below, v2 here.
            Route("/v2/rerank", endpoints.rerank, methods=["POST"]),
            # Other servers have no prefix, and so their clients' addresses have none.
            *(
                route
                for prefix in ("/v1", "")
                for route in (
                    Route(f"{prefix}/rerank", endpoints.rerank, methods=["POST"]),
                    Route(f"{prefix}/embeddings", endpoints.embeddings, methods=["POST"]),
                    Route(f"{prefix}/models", endpoints.models),
                    Route(f"{prefix}/models/{{model:path}}", endpoints.model),
                    Route(f"{prefix}/rate-limit", endpoints.rate_limit),
                )
            ),
        ],
        exception_handlers={
            Refusal: _answer_refusal,
            HTTPException: _answer_http_exception,
        },
    )
    app.router.redirect_slashes = False
    hosts = settings.allowed_hosts
    return ContractHeaders(
        app if hosts is None else TrustedCallers(app, hosts),
        endpoints.window,
    )


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
