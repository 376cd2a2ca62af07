"""What the web application does for each request: let in, count, work, answer."""

from __future__ import annotations

import asyncio
import hmac
import logging
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Protocol, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from ..scorers.encoder import Encoder
from ..scorers.scorer import Scorer
from .bodies import Bodies
from .checked_output import WrongOutputError
from .embedding import Embedding
from .embedding_request import EMBEDDING_MODELS, describe_embedding_model
from .json_body import LARGE, json_object
from .json_response import as_json, json_response
from .rate_limiter import RateWindow
from .recorded import RecordedEmbedding, RecordedRequest
from .refusal import Refusal
from .replays import Replays
from .rerank_request import RERANK_MODELS, describe_rerank_model
from .reranking import Reranking
from .server_settings import ServerSettings

logger = logging.getLogger(__name__)

Asked = TypeVar("Asked")
Recorded = RecordedRequest | RecordedEmbedding


class Rules(Protocol[Asked]):
    """What differs between the POST requests that are worked on: `Reranking`, `Embedding`."""

    worker: str
    counted: str

    def parse(self, fields: Mapping[str, object]) -> Asked:
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
        """The body of a 200, made in a thread; an exception is a 500 by the `worker`."""
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
        self._embedding = Embedding(load_encoder, settings)
        self._settings = settings
        self._record = record
        self._bodies = Bodies(settings.max_body_mb)
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
        if not self._settings.any_model and model not in (*RERANK_MODELS, *EMBEDDING_MODELS):
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
            async with self._bodies.read(request) as body:
                parsed, tokens = await self._parse(rules, body)
                asked = parsed
                setattr(request.state, rules.counted, rules.count(parsed))
                content, replayed = await self._replays.once(
                    request.headers.get("idempotency-key"),
                    body,
                    partial(self._first_answer, rules, parsed, tokens, request.state.started),
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
        return describe_rerank_model(model, settings.document_limit, settings.max_tokens)

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

    async def _parse(self, rules: Rules[Asked], body: bytes) -> tuple[Asked, int]:
        def parse() -> tuple[Asked, int]:
            asked = rules.parse(json_object(body))
            return asked, rules.tokens(asked)

        try:
            return parse() if len(body) <= LARGE else await asyncio.to_thread(parse)
        except Refusal:
            self.window.admit()  # a request that makes no sense counts as one all the same
            raise

    async def _first_answer(
        self, rules: Rules[Asked], asked: Asked, tokens: int, started: float
    ) -> bytes:
        self.window.admit(tokens)
        try:
            content = await asyncio.to_thread(lambda: as_json(rules.answer(asked, tokens)))
        except Refusal:
            raise
        except WrongOutputError as error:
            problem = f"The {rules.worker} {error}."
            logger.error("%s", problem)  # a traceback would lead to our own code
            raise Refusal(500, "server_error", problem) from error
        except Exception as error:
            logger.exception("The %s failed", rules.worker)
            raise Refusal(
                500, "server_error", f"The {rules.worker} failed; the log has the reason."
            ) from error
        if self._settings.latency:
            ends = started + rules.seconds(asked)
            await asyncio.sleep(max(0, ends - time.perf_counter()))
        return content
