"""The HTTP clients behind a reranker: made when first needed, one for threads, one per event loop.

An async client does not survive the loop that it was first used in, so each loop gets its own,
which is closed when the loop shuts down. Copies, pickles and forked processes start with none:
two owners of one socket would read each other's answers.
"""

from __future__ import annotations

import os
import ssl
import threading
import weakref
from collections.abc import AsyncGenerator
from typing import Self, TypeAlias, TypeVar

import anyio.lowlevel
import anyio.to_thread
import httpx

from .errors import ConfigurationError

HttpClient: TypeAlias = httpx.Client
AsyncHttpClient: TypeAlias = httpx.AsyncClient

C = TypeVar("C", httpx.Client, httpx.AsyncClient)

# How much one call sends at once is `max_concurrency`'s business; calls don't limit each other.
_LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=100)


class Clients:
    """Our own httpx clients of one reranker. They obey the environment's proxy variables."""

    def __init__(self) -> None:
        self._start_empty()
        _LIVING.add(self)

    def _start_empty(self) -> None:
        self._lock = threading.Lock()
        self._blocking: httpx.Client | None = None
        self._evented: weakref.WeakKeyDictionary[
            object, tuple[httpx.AsyncClient, AsyncGenerator[None]]
        ] = weakref.WeakKeyDictionary()

    def blocking(self, url: str) -> httpx.Client:
        """The client for sync calls, shared by all threads."""
        with self._lock:
            if self._blocking is None:
                self._blocking = _made(httpx.Client, _tls(_is_https(url)))
            return self._blocking

    async def evented(self, url: str) -> httpx.AsyncClient:
        """The client of the running event loop (asyncio or trio)."""
        loop = anyio.lowlevel.current_token().native_token
        if loop in self._evented:
            return self._evented[loop][0]
        context = _TLS.get(_is_https(url))
        if context is None:
            context = await anyio.to_thread.run_sync(_tls, _is_https(url))
        if loop not in self._evented:  # another task may have been faster
            client = _made(httpx.AsyncClient, context)
            closing = _close_with_loop(weakref.ref(self), loop, client)
            self._evented[loop] = client, closing
            await anext(closing)
        return self._evented[loop][0]

    def close(self) -> None:
        """Closes the connections of sync calls; a later call opens new ones."""
        with self._lock:
            client, self._blocking = self._blocking, None
        if client is not None:
            client.close()

    async def aclose(self) -> None:
        """Closes the connections of the running loop, and those of sync calls."""
        self.close()
        held = self._evented.get(anyio.lowlevel.current_token().native_token)
        if held is not None:
            await held[1].aclose()

    def __copy__(self) -> Self:
        return type(self)()

    def __deepcopy__(self, memo: object) -> Self:
        return type(self)()

    def __reduce__(self) -> tuple[type[Self], tuple[()]]:
        return type(self), ()


async def _close_with_loop(
    owner: weakref.ref[Clients], loop: object, client: httpx.AsyncClient
) -> AsyncGenerator[None]:
    # A loop closes the generators that it has seen start when it shuts down, and their owner's
    # death closes them too: the one hook that both asyncio and trio offer.
    try:
        yield
    finally:
        clients = owner()
        if clients is not None:
            clients._evented.pop(loop, None)
        await client.aclose()


def _made(kind: type[C], context: ssl.SSLContext) -> C:
    try:
        return kind(verify=context, limits=_LIMITS, follow_redirects=False)
    except (ValueError, ImportError) as error:
        # httpx reads the proxy variables here: an unknown scheme, or SOCKS without its package.
        problem = str(error)
    raise ConfigurationError(
        f"The environment's proxy variables (HTTPS_PROXY, ALL_PROXY …) can't be used: {problem}"
    )


def _is_https(url: str) -> bool:
    return url.startswith("https:")


_TLS: dict[bool, ssl.SSLContext] = {}
_TLS_LOCK = threading.Lock()


def _tls(needed: bool) -> ssl.SSLContext:
    """The process's TLS settings; for http addresses an empty one, which trusts nobody.

    Certificates take some 30 ms to read and httpcore some 50 ms to import: async calls do both
    off the loop.
    """
    with _TLS_LOCK:
        if needed not in _TLS:
            import httpcore  # noqa: F401 - httpx would import it with the first client

            _TLS[needed] = (
                httpx.create_ssl_context() if needed else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            )
        return _TLS[needed]


_LIVING: weakref.WeakSet[Clients] = weakref.WeakSet()


def _start_empty_in_child() -> None:
    global _TLS_LOCK  # another thread may have held it when the process forked
    _TLS_LOCK = threading.Lock()
    for clients in list(_LIVING):
        clients._start_empty()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_start_empty_in_child)
