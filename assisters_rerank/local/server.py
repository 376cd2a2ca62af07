"""The local server in a thread, on the loopback interface."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Literal, Self

from starlette.types import ASGIApp

from ..settings import checked
from .http.app import create_app
from .http.rate_limiter import PlanName, RateLimits
from .http.recorded import RecordedEmbedding, RecordedRequest
from .http.server_settings import PORT, ServerSettings, check_worker
from .listening import address_of, asgi_server, listen
from .scorers.encoder import ENCODERS, Encoder, EncoderName, load_encoder
from .scorers.scorer import SCORERS, Scorer, ScorerName, load_scorer


class LocalServer:
    """A server that speaks the service's dialect and scores on this machine.

        with LocalServer() as server:
            Reranker(base_url=server.base_url).rerank("a query", ["a document"])

    It accepts the service's model ids; the `model` of an answer names what was at work: the scorer,
    e.g. `"local-embedded"`, or the encoder, e.g. `"local-static"`. Several may run at once, and
    inside a running event loop. A server that was stopped can be started again.

    Args:
        api_key: refuse every other key; by default none is needed.
        scorer: `"embedded"` (the default), `"lexical"`, `"cross-encoder"`, or an object with `name`
            and `score(query, documents)`, which is called from several threads: your own, or a
            `CrossEncoderScorer` with the model that you choose.
        port: 0 for a free one.
        max_documents: documents that one request may carry; by default the generation's limit.
        generation: of the service's three generations of API the one to answer like. By default
            the second's answers and, of all limits, the lowest: 100 documents.
        limits: the requests and tokens that a window of time allows, or a plan of the service:
            `"free"`, `"developer"`, `"startup"`. Whoever goes beyond gets a 429 with `Retry-After`.
        latency: answer no sooner than the service does, by the latencies that it publishes for
            `bge-reranker-v2` and `jina-reranker`.
        max_tokens: read no more of a query and a document together, estimated as the client does;
            what is over is cut off the document. By default the scorer reads all it can.
        max_body_mb: the largest body of a request, in MB; a larger one gets a 413.
        allowed_hosts: names, such as `"host.docker.internal"`, that clients may use for this server
            and web pages may come from, besides `localhost` and addresses of the loopback
            interface. `None` allows every name.
        any_model: accept every name of a model, not only the service's: for clients of other
            servers.
        encoder: what makes the vectors of `/v1/embeddings`: `"static"` (the default), `"hashed"`,
            or an object of your own with `name` and `encode(text)`, called from several threads.
        keep_requests: keep every request, with all its texts, for a test to look at.

    Attributes:
        requests: every `POST /v1/rerank` so far, in the order of the answers. May be cleared.
        embedding_requests: every `POST /v1/embeddings`, in the same way.

    Raises:
        ConfigurationError: a setting that no server could have.
    """

    def __init__(
        self,
        *,
        api_key: str | None = None,
        scorer: Scorer | ScorerName = "embedded",
        port: int = 0,
        max_documents: int | None = None,
        generation: Literal[1, 2, 3] | None = None,
        limits: RateLimits | PlanName | None = None,
        latency: bool = False,
        max_tokens: int | None = None,
        encoder: Encoder | EncoderName = "static",
        keep_requests: bool = True,
        max_body_mb: int = 32,
        allowed_hosts: Sequence[str] | None = (),
        any_model: bool = False,
    ) -> None:
        check_worker(scorer, "scorer", SCORERS, "score")
        check_worker(encoder, "encoder", ENCODERS, "encode")
        self.requests: list[RecordedRequest] = []
        self.embedding_requests: list[RecordedEmbedding] = []
        self._scorer = scorer
        self._encoder = encoder
        self._port = checked(PORT, port, "port")
        self._app = create_app(
            self._load,
            ServerSettings(
                api_key=api_key,
                generation=generation,
                max_documents=max_documents,
                limits=limits,
                latency=latency,
                max_tokens=max_tokens,
                max_body_mb=max_body_mb,
                allowed_hosts=allowed_hosts,
                any_model=any_model,
            ),
            record=self._record if keep_requests else _forget,
            encoder=self._load_encoder,
        )
        self._running: _Running | None = None

    @property
    def base_url(self) -> str:
        """`http://127.0.0.1:PORT/v1`, while the server runs."""
        if self._running is None:
            raise RuntimeError("The local server is not running: use `with` or `start()`.")
        return f"{self._running.address}/v1"

    def start(self) -> Self:
        """Begins to answer; returns the server when requests can be sent.

        It answers until `stop()`, or until the program or the notebook's kernel ends.
        Raises `OSError` if the port is taken, `RuntimeError` if the server runs already.
        """
        if self._running is not None:
            raise RuntimeError("The local server is running already.")
        self._running = _Running(self._app, self._port)
        return self

    def stop(self) -> None:
        """Stops answering and waits for the thread to end; nothing happens if it is not running."""
        if self._running is not None:
            self._running.stop()
            self._running = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _load(self) -> Scorer:
        return load_scorer(self._scorer) if isinstance(self._scorer, str) else self._scorer

    def _load_encoder(self) -> Encoder:
        return load_encoder(self._encoder) if isinstance(self._encoder, str) else self._encoder

    def _record(self, request: RecordedRequest | RecordedEmbedding) -> None:
        if isinstance(request, RecordedRequest):
            self.requests.append(request)
        else:
            self.embedding_requests.append(request)


def _forget(request: RecordedRequest | RecordedEmbedding) -> None:
    pass


class _Running:
    """One run of uvicorn; being in a thread, it installs no signal handlers."""

    def __init__(self, app: ASGIApp, port: int) -> None:
        listener = listen("127.0.0.1", port)
        self.address = address_of(listener)
        self._server = asgi_server(app)
        # A daemon, so that a script that forgets to stop it can end.
        self._thread = threading.Thread(
            target=self._server.run,
            kwargs={"sockets": [listener]},
            name=f"assisters-rerank-local-{listener.getsockname()[1]}",
            daemon=True,
        )
        self._thread.start()
        while not self._server.started:
            if not self._thread.is_alive():
                listener.close()
                raise RuntimeError("The local server ended while it was starting.")
            time.sleep(0.001)

    def stop(self) -> None:
        self._server.stop()
        self._thread.join()
