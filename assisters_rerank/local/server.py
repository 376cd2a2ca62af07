"""The local server in a thread, on the loopback interface."""

from __future__ import annotations

import os
import socket
import threading
import time
from types import TracebackType
from typing import Self

import uvicorn

from ..errors import ConfigurationError
from .app import create_app
from .contract import MAX_DOCUMENTS
from .recorded import RecordedRequest
from .scorers import SCORERS, Scorer, ScorerName, load_scorer


class LocalServer:
    """A server that speaks the service's dialect and scores on this machine.

        with LocalServer() as server:
            Reranker(base_url=server.base_url).rerank("a query", ["a document"])

    It accepts the service's model ids; the `model` of an answer names the scorer that was at work,
    e.g. `"local-embedded"`. Several may run at once, and inside a running event loop. A server that
    was stopped can be started again.

    Args:
        api_key: refuse every other key; by default none is needed.
        scorer: `"embedded"` (the default), `"lexical"`, or an object of your own with `name` and
            `score(query, documents)`, which is called from several threads.
        port: 0 for a free one.
        max_documents: documents that one request may carry.

    Attributes:
        requests: every `POST /v1/rerank` so far, in the order of the answers. May be cleared.
    """

    def __init__(
        self,
        *,
        api_key: str | None = None,
        scorer: Scorer | ScorerName = "embedded",
        port: int = 0,
        max_documents: int = MAX_DOCUMENTS,
    ) -> None:
        if isinstance(scorer, str) and scorer not in SCORERS:
            raise ConfigurationError(f"`scorer` has to be one of {SCORERS}, not {scorer!r}.")
        self.requests: list[RecordedRequest] = []
        self._scorer = scorer
        self._port = port
        self._app = create_app(
            self._load,
            api_key=api_key,
            max_documents=max_documents,
            record=self.requests.append,
        )
        self._running: _Running | None = None

    @property
    def base_url(self) -> str:
        """`http://127.0.0.1:PORT/v1`, while the server runs."""
        if self._running is None:
            raise RuntimeError("The local server is not running: use `with` or `start()`.")
        return f"http://127.0.0.1:{self._running.port}/v1"

    def start(self) -> None:
        """Begins to answer; returns when requests can be sent.

        Raises `OSError` if the port is taken, `RuntimeError` if the server runs already.
        """
        if self._running is not None:
            raise RuntimeError("The local server is running already.")
        config = uvicorn.Config(
            self._app,
            loop="asyncio",
            http="h11",
            ws="none",
            lifespan="off",
            interface="asgi3",
            # The caller's logging is left as it is.
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            # Idle connections outlive a user's pause, as a service's load balancer lets them.
            timeout_keep_alive=60,
            timeout_graceful_shutdown=2,
        )
        self._running = _Running(config, self._port)

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


class _Running:
    """One run of uvicorn; being in a thread, it installs no signal handlers."""

    def __init__(self, config: uvicorn.Config, port: int) -> None:
        # The protocol is named because asyncio sends small answers at once (TCP_NODELAY) only
        # on sockets that name it; otherwise some clients wait 40 ms for each.
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        if os.name == "posix":  # elsewhere it would let two servers share a port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
            listener.listen()
        except OSError:
            listener.close()
            raise
        self.port: int = listener.getsockname()[1]
        self._server = uvicorn.Server(config)
        # A daemon, so that a script that forgets to stop it can end.
        self._thread = threading.Thread(
            target=self._server.run,
            kwargs={"sockets": [listener]},
            name=f"assisters-rerank-local-{self.port}",
            daemon=True,
        )
        self._thread.start()
        while not self._server.started:
            if not self._thread.is_alive():
                listener.close()
                raise RuntimeError("The local server ended while it was starting.")
            time.sleep(0.001)

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join()
