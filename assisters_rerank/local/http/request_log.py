"""One line for each request, for whoever watches the server."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ...usage import count

MAX_PATH = 80
"""Characters of a path that are shown."""


@dataclass(frozen=True, slots=True)
class LoggedRequest:
    """What the log says of one request: nothing of its texts, its headers or its query string.

    `status` is 0 where no response began. `documents` and `texts`, to be reranked and to be
    embedded, are `None` for requests without any.
    """

    method: str
    path: str
    status: int
    milliseconds: float
    documents: int | None = None
    replayed: bool = False
    texts: int | None = None

    def __str__(self) -> str:
        line = f"{self.status or '---'} {self.method} {self.path}"
        for number, what in ((self.documents, "document"), (self.texts, "text")):
            if number is not None:
                line += f"  {count(number, what)}"
        return f"{line}  {self.milliseconds:.0f} ms{'  (replayed)' if self.replayed else ''}"


class RequestLog:
    """ASGI middleware that reports each request when its response has left.

    `secret` is struck out of paths: a key in the wrong place should not end up in a log.
    """

    def __init__(
        self, app: ASGIApp, write: Callable[[LoggedRequest], None], secret: str | None = None
    ) -> None:
        self._app = app
        self._write = write
        self._secret = secret

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the call on and reports it, whatever comes of it."""
        started = time.perf_counter()
        status = 0

        async def send_and_look(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        state = scope.setdefault("state", {})
        try:
            await self._app(scope, receive, send_and_look)
        finally:
            self._write(
                LoggedRequest(
                    method=scope["method"],
                    path=self._shown(scope["path"]),
                    status=status,
                    milliseconds=(time.perf_counter() - started) * 1000,
                    documents=state.get("documents"),
                    replayed=state.get("replayed", False),
                    texts=state.get("texts"),
                )
            )

    def _shown(self, path: str) -> str:
        if self._secret:
            path = path.replace(self._secret, "…")
        # Control characters could clear a terminal or fake further lines.
        path = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in path)
        return path if len(path) <= MAX_PATH else path[:MAX_PATH] + "…"
