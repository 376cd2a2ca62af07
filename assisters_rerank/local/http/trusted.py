"""Who may call a server on the loopback interface: no web page of another site.

A page can send requests to this machine with a foreign `Origin`, or under a name of its own that
resolves to 127.0.0.1 (DNS rebinding), which then stands in `Host`.
"""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from ...wire.address import is_loopback
from .json_response import json_response
from .refusal import Refusal


class TrustedCallers:
    """ASGI middleware that refuses a `Host` and an `Origin` that are neither loopback nor allowed.

    Starlette's `TrustedHostMiddleware` answers in plain text, and does not look at the origin.
    """

    def __init__(self, app: ASGIApp, allowed: Collection[str]) -> None:
        self._app = app
        self._allowed = allowed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the call on, or answers with a 403."""
        headers = Headers(scope=scope)
        host, origin = headers.get("host"), headers.get("origin")
        app = self._app
        if host is not None and not self._is_trusted(f"//{host}"):
            message = f"The Host {host!r} is not this server's; {_ADVICE}."
            app = _refusing(Refusal(403, "host_not_allowed", message, "Host"))
        elif origin is not None and not self._is_trusted(origin):
            message = f"Pages of {origin!r} may not call this server; {_ADVICE}."
            app = _refusing(Refusal(403, "origin_not_allowed", message, "Origin"))
        await app(scope, receive, send)

    def _is_trusted(self, address: str) -> bool:
        try:
            name = host_name(address)
        except ValueError:
            return False
        return is_loopback(name) or name in self._allowed


_ADVICE = "to allow it, give its name as --allowed-host, or in LocalServer(allowed_hosts=[…])"


def host_name(address: str) -> str:
    """The host of `//HOST:PORT` or of an origin, as names are compared; raises `ValueError`."""
    return (urlsplit(address).hostname or "").removesuffix(".")


def _refusing(refusal: Refusal) -> ASGIApp:
    return json_response(refusal.body(), refusal.status)
