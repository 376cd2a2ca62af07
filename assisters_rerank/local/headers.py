"""The headers that the contract puts on every response: request id, time taken, rate limits."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send


@dataclass(slots=True)
class RateWindow:
    """What was used of the current minute.

    The limits are those of the service's plan Startup. They are told, not enforced: `remaining`
    stops at 0.
    """

    requests_per_minute: int = 500
    tokens_per_minute: int = 5_000_000
    seconds: float = 60.0
    requests: int = 0
    tokens: int = 0
    ends: float = 0.0

    def add(self, requests: int = 0, tokens: int = 0) -> None:
        """Counts a request, or the tokens of one."""
        if time.time() >= self.ends:
            self.ends = time.time() + self.seconds
            self.requests = self.tokens = 0
        self.requests += requests
        self.tokens += tokens

    def headers(self) -> dict[str, str]:
        """`X-RateLimit-{Limit,Remaining,Reset}-{RPM,TPM}`; Reset is a Unix time in seconds."""
        reset = str(round(self.ends))
        return {
            "X-RateLimit-Limit-RPM": str(self.requests_per_minute),
            "X-RateLimit-Remaining-RPM": str(max(0, self.requests_per_minute - self.requests)),
            "X-RateLimit-Reset-RPM": reset,
            "X-RateLimit-Limit-TPM": str(self.tokens_per_minute),
            "X-RateLimit-Remaining-TPM": str(max(0, self.tokens_per_minute - self.tokens)),
            "X-RateLimit-Reset-TPM": reset,
        }


class ContractHeaders:
    """ASGI middleware; it stands outside of everything, so that errors get the headers too.

    The application finds the request's id in `request.state.request_id`.
    """

    def __init__(self, app: ASGIApp, window: RateWindow) -> None:
        self._app = app
        self._window = window

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the call on and adds the headers when the response begins."""
        started = time.perf_counter()
        request_id = f"req-{secrets.token_hex(12)}"
        scope.setdefault("state", {})["request_id"] = request_id
        self._window.add(requests=1)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = request_id
                milliseconds = (time.perf_counter() - started) * 1000
                headers["X-Processing-Time-Ms"] = f"{milliseconds:.1f}"
                headers.update(self._window.headers())
            await send(message)

        await self._app(scope, receive, send_with_headers)
