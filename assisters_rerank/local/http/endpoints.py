"""What the web application does for each request: let in, count, work, answer."""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Protocol, TypeVar

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from ..scorers.encoder import Encoder
from ..scorers.scorer import Scorer
from .embedding import Embedding
from .embedding_request import EMBEDDING_MODELS, describe_embedding_model
from .rate_limiter import RateWindow
from .recorded import RecordedEmbedding, RecordedRequest
from .replays import Replays
from .rerank_request import RERANK_MODELS, Refusal, describe_model
from .reranking import Reranking
from .server_settings import ServerSettings

logger = logging.getLogger(__name__)

Asked = TypeVar("Asked")
Recorded = RecordedRequest | RecordedEmbedding


class Rules(Protocol[Asked]):
    """What differs between the POST requests that are worked on: `Reranking`, `Embedding`."""

    worker: str
    counted: str

    def parse(self, body: bytes) -> Asked:
        """The request; raises `Refusal`."""
        ...

    def count(self, asked: Asked) -> int:
        """How many texts it has, which the log calls by the name in `counted`."""
        ...

    def tokens(self, asked: Asked) -> int:
        """What it costs."""
        ...

    def seconds(self, asked: Asked) -> float:
        """How long the service takes for it."""
        ...

    def answer(self, asked: Asked, tokens: int) -> dict[str, object]:
        """The body of a 200, made in a thread; any exception is a 500 by the `worker`."""
        ...

    def recorded(
        self,
        status: int,
        request_id: str,
        headers: Mapping[str, str],
        asked: Asked | None,
        *,
        replayed: bool,
    ) -> Recorded:
        """What is remembered of it."""
        ...


class Endpoints:
    """The endpoints of one server, and what they share: the window of its limits, its replays."""

    def __init__(
        self,
        load: Callable[[], Scorer],
        load_encoder: Callable[[], Encoder],
        settings: ServerSettings,
        record: Callable[[Recorded], None] | None,
    ) -> None:
        self.window = RateWindow(settings.rate_limits)
        self._reranking = Reranking(load, settings)
        self._embedding = Embedding(load_encoder)
        self._settings = settings
        self._record = record
        self._replays = Replays()

    async def rerank(self, request: Request) -> Response:
        """`POST /v1/rerank`."""
        return await self._work(request, self._reranking)

    async def embeddings(self, request: Request) -> Response:
        """`POST /v1/embeddings`."""
        return await self._work(request, self._embedding)

    async def models(self, request: Request) -> Response:
        """`GET /v1/models`."""
        self._let_in(request)
        models = [self._describe(model) for model in (*RERANK_MODELS, *EMBEDDING_MODELS)]
        return json_response({"object": "list", "data": models})

    async def model(self, request: Request) -> Response:
        """`GET /v1/models/{id}`."""
        self._let_in(request)
        model = request.path_params["model"]
        if model not in (*RERANK_MODELS, *EMBEDDING_MODELS):
            raise Refusal(404, "not_found", f"There is no model {model!r}.", "model")
        return json_response(self._describe(model))

    async def rate_limit(self, request: Request) -> Response:
        """`GET /v1/rate-limit`; asking for it takes nothing of it."""
        self._authorize(request)
        return json_response({"object": "rate_limit", **self.window.describe()})

    async def _work(self, request: Request, rules: Rules[Asked]) -> Response:
        asked: Asked | None = None
        status = 500
        replayed = False
        try:
            self._authorize(request)
            body = await _body(request)
            asked = self._parse(rules, body)
            setattr(request.state, rules.counted, rules.count(asked))
            content, replayed = await self._replays.once(
                request.headers.get("idempotency-key"),
                body,
                partial(self._first_answer, rules, asked, request.state.started),
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
            if self._record is not None:
                request_id: str = request.state.request_id
                headers = dict(request.headers)
                self._record(rules.recorded(status, request_id, headers, asked, replayed=replayed))
        return Response(content, media_type="application/json")

    def _describe(self, model: str) -> dict[str, object]:
        if model in EMBEDDING_MODELS:
            return describe_embedding_model(model)
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

    def _parse(self, rules: Rules[Asked], body: bytes) -> Asked:
        try:
            return rules.parse(body)
        except Refusal:
            self.window.admit()  # a request that makes no sense counts as one all the same
            raise

    async def _first_answer(self, rules: Rules[Asked], asked: Asked, started: float) -> bytes:
        tokens = rules.tokens(asked)
        self.window.admit(tokens)
        try:
            content = await asyncio.to_thread(rules.answer, asked, tokens)
        except Exception as error:
            logger.exception("The %s failed", rules.worker)
            raise Refusal(
                500, "server_error", f"The {rules.worker} failed; the log has the reason."
            ) from error
        if self._settings.latency:
            ends = started + rules.seconds(asked)
            await asyncio.sleep(max(0, ends - time.perf_counter()))
        return _json(content)


def json_response(
    content: object, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """A response in JSON."""
    return Response(_json(content), status, headers, media_type="application/json")


def _json(content: object) -> bytes:
    # ASCII, because a document may hold an unpaired surrogate, which has no UTF-8 form.
    text = json.dumps(content, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.encode("ascii")


async def _body(request: Request) -> bytes:
    try:
        return await request.body()
    except ClientDisconnect as error:
        raise Refusal(400, "invalid_request", "The body broke off.") from error
