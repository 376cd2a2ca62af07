"""The headers that the contract puts on every response: request id, time taken, rate limits."""

from __future__ import annotations

import secrets
import time

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ...wire.billing import LOCAL_SERVER_HEADER
from .rate_limiter import RateWindow


class ContractHeaders:
    """ASGI middleware; it stands outside of everything, so that errors get the headers too.

    The application finds the request's id in `request.state.request_id`, and in
    `request.state.started` when it began, on the clock of `time.perf_counter`.
    """

    def __init__(self, app: ASGIApp, window: RateWindow) -> None:
        self._app = app
        self._window = window

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the call on and adds the headers when the response begins."""
        started = time.perf_counter()
        request_id = f"req-{secrets.token_hex(12)}"
        scope.setdefault("state", {}).update(request_id=request_id, started=started)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = request_id
                headers[LOCAL_SERVER_HEADER] = "1"
                milliseconds = (time.perf_counter() - started) * 1000
                headers["X-Processing-Time-Ms"] = f"{milliseconds:.1f}"
                headers.update(self._window.headers())
            await send(message)

        await self._app(scope, receive, send_with_headers)
