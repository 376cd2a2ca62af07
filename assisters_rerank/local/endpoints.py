"""What the web application does for each request: let in, count, score, answer."""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import math
import secrets
import time
from collections.abc import Callable, Mapping
from functools import partial

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from ..tokens import estimate_tokens
from .contract import MODELS, Refusal, RerankRequest, describe_model, parse_request
from .generations import answer
from .latency import published_latency
from .rate_limits import RateWindow
from .recorded import RecordedRequest, recorded
from .replays import Replays
from .scorers import Scorer
from .settings import ServerSettings
from .windows import windowed

logger = logging.getLogger(__name__)


class Endpoints:
    """The endpoints of one server, and what they share: the window of its limits, its replays."""

    def __init__(
        self,
        load: Callable[[], Scorer],
        settings: ServerSettings,
        record: Callable[[RecordedRequest], None] | None,
    ) -> None:
        self.window = RateWindow(settings.rate_limits)
        self._load = load
        self._settings = settings
        self._record = record
        self._replays = Replays()

    async def rerank(self, request: Request) -> Response:
        """`POST /v1/rerank`."""
        asked: RerankRequest | None = None
        status = 500
        replayed = False
        try:
            self._authorize(request)
            body = await _body(request)
            asked = self._parse(body)
            request.state.documents = len(asked.documents)
            content, replayed = await self._replays.once(
                request.headers.get("idempotency-key"),
                body,
                partial(self._first_answer, asked, request.state.started),
            )
            request.state.replayed = replayed
            status = 200
        except asyncio.CancelledError:
            # Only a server that stops cancels requests: that is no failure to be traced.
            status = 503
            raise Refusal(status, "server_error", "The server is stopping.") from None
        except Refusal as refusal:
            status = refusal.status
            raise
        finally:
            self._tell(request, asked, status, replayed)
        return Response(content, media_type="application/json")

    async def models(self, request: Request) -> Response:
        """`GET /v1/models`."""
        self._let_in(request)
        models = [self._describe(model) for model in MODELS]
        return json_response({"object": "list", "data": models})

    async def model(self, request: Request) -> Response:
        """`GET /v1/models/{id}`."""
        self._let_in(request)
        model = request.path_params["model"]
        if model not in MODELS:
            raise Refusal(404, "not_found", f"There is no model {model!r}.", "model")
        return json_response(self._describe(model))

    async def rate_limit(self, request: Request) -> Response:
        """`GET /v1/rate-limit`; asking for it takes nothing of it."""
        self._authorize(request)
        return json_response({"object": "rate_limit", **self.window.describe()})

    def _describe(self, model: str) -> dict[str, object]:
        settings = self._settings
        return describe_model(model, settings.document_limit, settings.max_tokens)

    def _let_in(self, request: Request) -> None:
        self._authorize(request)
        self.window.admit()

    def _authorize(self, request: Request) -> None:
        if self._settings.api_key is None:
            return
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        # Header values arrive as Latin-1, whatever the client meant by its bytes.
        given, expected = key.strip().encode("latin-1"), self._settings.api_key.encode()
        if scheme.lower() != "bearer" or not hmac.compare_digest(given, expected):
            raise Refusal(401, "invalid_api_key", "The API key is missing or wrong.")

    def _parse(self, body: bytes) -> RerankRequest:
        try:
            return parse_request(
                body,
                max_documents=self._settings.document_limit,
                returns_documents=self._settings.contract.returns_documents,
            )
        except Refusal:
            self.window.admit()  # a request that makes no sense counts as one all the same
            raise

    async def _first_answer(self, asked: RerankRequest, started: float) -> bytes:
        # A cross-encoder reads the query again with every document.
        query = estimate_tokens(asked.query)
        tokens = sum(query + estimate_tokens(document) for document in asked.documents)
        self.window.admit(tokens)
        try:
            model, scores = await asyncio.to_thread(self._run_scorer, asked)
        except Exception as error:
            logger.exception("The scorer failed")
            raise Refusal(
                500, "server_error", "The scorer failed; the log has the reason."
            ) from error
        content = answer(
            self._settings.contract,
            id=f"rerank-{secrets.token_hex(12)}",
            model=model,
            results=_results(asked, scores),
            documents=len(scores),
            tokens=tokens,
        )
        if self._settings.latency:
            ends = started + published_latency(asked.model, len(scores))
            await asyncio.sleep(max(0, ends - time.perf_counter()))
        return _json(content)

    def _run_scorer(self, asked: RerankRequest) -> tuple[str, list[float]]:
        scorer = windowed(self._load(), self._settings.max_tokens)
        # Users' own scorers may give NumPy's numbers, which JSON does not know.
        scores = [float(score) for score in scorer.score(asked.query, asked.documents)]
        if len(scores) != len(asked.documents) or not all(map(math.isfinite, scores)):
            raise ValueError("A scorer has to give one finite number for each document.")
        return scorer.name, scores

    def _tell(
        self, request: Request, asked: RerankRequest | None, status: int, replayed: bool
    ) -> None:
        if self._record is not None:
            request_id: str = request.state.request_id
            headers = dict(request.headers)
            self._record(recorded(status, request_id, headers, asked, replayed=replayed))


def json_response(
    content: object, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """A response in JSON."""
    return Response(_json(content), status, headers, media_type="application/json")


def _results(asked: RerankRequest, scores: list[float]) -> list[dict[str, object]]:
    ranked = sorted(range(len(scores)), key=scores.__getitem__, reverse=True)
    results: list[dict[str, object]] = []
    for index in ranked[: asked.top_n]:
        result: dict[str, object] = {"index": index, "relevance_score": scores[index]}
        if asked.return_documents:
            result["document"] = {"text": asked.documents[index]}
        results.append(result)
    return results


def _json(content: object) -> bytes:
    # ASCII, because a document may hold an unpaired surrogate, which has no UTF-8 form.
    text = json.dumps(content, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.encode("ascii")


async def _body(request: Request) -> bytes:
    try:
        return await request.body()
    except ClientDisconnect as error:
        raise Refusal(400, "invalid_request", "The body broke off.") from error
