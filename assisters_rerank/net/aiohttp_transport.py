"""httpx over aiohttp, where the extra `aiohttp` is installed.

With many calls at once httpx's own connection pool takes its time (docs/performance.md).
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import weakref
from functools import partial
from importlib.util import find_spec
from typing import Any

import httpx

from . import sockets
from .threads import LOOK_UPS, in_thread

HAS_AIOHTTP = find_spec("httpx_aiohttp") is not None

# As many bytes of headers as httpx's own transport takes, so that both agree on what is too much.
_HEADER_BYTES = 100_000


def over_aiohttp(context: ssl.SSLContext) -> httpx.AsyncBaseTransport:
    """A transport for the running asyncio loop, if `HAS_AIOHTTP`; it reads no proxy variables."""
    import aiohttp
    from httpx_aiohttp import AiohttpTransport

    look_ups: Any = _LookUps()
    noticing: weakref.WeakKeyDictionary[Any, bool] = weakref.WeakKeyDictionary()

    class Connector(aiohttp.TCPConnector):
        async def connect(self, req: Any, *about: Any, **more: Any) -> Any:
            connection: Any = await super().connect(req, *about, **more)
            small = int(req.headers.get("Content-Length", 0)) <= sockets.SMALL
            if noticing.get(connection.protocol) is not small:
                noticing[connection.protocol] = small
                sockets.notice(connection.transport.get_extra_info("socket"), small=small)
            return connection

        async def _resolve_host(self, host: str, *about: Any, **more: Any) -> Any:
            return await super()._resolve_host(sockets.plain(host), *about, **more)

        async def _wrap_create_connection(
            self, *about: Any, addr_infos: Any, req: Any, **more: Any
        ) -> Any:
            try:
                infos = [(*info[:4], sockets.numbered(info[4])) for info in addr_infos]
            except OSError as error:
                raise aiohttp.ClientConnectorError(req.connection_key, error) from error
            return await super()._wrap_create_connection(*about, addr_infos=infos, req=req, **more)

    def session() -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=Connector(
                ssl=context,
                limit=0,
                keepalive_timeout=5,
                resolver=aiohttp.ThreadedResolver(look_ups),
            ),
            cookie_jar=aiohttp.DummyCookieJar(),  # httpx keeps the cookies
            max_line_size=_HEADER_BYTES,
            max_field_size=_HEADER_BYTES,
        )

    return AiohttpTransport(verify=context, client=session)


class _LookUps:
    """What aiohttp's resolver asks of an event loop, in threads of ours.

    The loop itself would use its default executor, which is the user's.
    """

    async def getaddrinfo(self, *host: Any, **about: Any) -> Any:
        """As the loop's own."""
        return await in_thread(partial(socket.getaddrinfo, *host, **about), LOOK_UPS)

    async def getnameinfo(self, *address: Any) -> Any:
        """As the loop's own."""
        return await in_thread(partial(socket.getnameinfo, *address), LOOK_UPS)


def drop_session(transport: httpx.AsyncBaseTransport) -> None:
    """Marks an aiohttp session whose loop is closed as closed, else aiohttp complains on stderr."""
    session = getattr(transport, "client", None)
    if session is not None and hasattr(session, "detach"):
        closing = session.close()
        # Nothing is left to wait for when the loop is closed, so the first step is the whole.
        with contextlib.suppress(StopIteration, RuntimeError):
            closing.send(None)
        closing.close()
