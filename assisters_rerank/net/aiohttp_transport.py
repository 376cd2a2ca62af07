"""httpx over aiohttp, where the extra `aiohttp` is installed.

With many calls at once httpx's own connection pool takes its time (docs/performance.md).
"""

from __future__ import annotations

import contextlib
import ssl
from importlib.util import find_spec

import httpx

HAS_AIOHTTP = find_spec("httpx_aiohttp") is not None

# As many bytes of headers as httpx's own transport takes, so that both agree on what is too much.
_HEADER_BYTES = 100_000


def over_aiohttp(context: ssl.SSLContext) -> httpx.AsyncBaseTransport:
    """A transport for the running asyncio loop, if `HAS_AIOHTTP`; it reads no proxy variables."""
    import aiohttp
    from httpx_aiohttp import AiohttpTransport

    def session() -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=context, limit=0, keepalive_timeout=5),
            cookie_jar=aiohttp.DummyCookieJar(),  # httpx keeps the cookies
            max_line_size=_HEADER_BYTES,
            max_field_size=_HEADER_BYTES,
        )

    return AiohttpTransport(verify=context, client=session)


def drop_session(transport: httpx.AsyncBaseTransport) -> None:
    """Marks an aiohttp session whose loop is closed as closed, else aiohttp complains on stderr."""
    session = getattr(transport, "client", None)
    if session is not None and hasattr(session, "detach"):
        closing = session.close()
        # Nothing is left to wait for when the loop is closed, so the first step is the whole.
        with contextlib.suppress(StopIteration, RuntimeError):
            closing.send(None)
        closing.close()
