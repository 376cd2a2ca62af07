"""The HTTP clients behind a reranker: made when first needed, one for all threads, one per loop.

Forked processes start with none: two owners of one socket would read each other's answers.
"""

from __future__ import annotations

import contextlib
import ssl
import threading
import weakref
from collections.abc import Iterator
from functools import lru_cache, partial
from typing import NamedTuple, TypeAlias
from urllib.parse import urlsplit
from urllib.request import getproxies

import httpx

from ..after_fork import in_child, start_anew_in_child
from ..errors import ConfigurationError
from ..wire.address import is_loopback, parts_of
from . import loops
from .aiohttp_transport import over_aiohttp
from .threads import OURS, in_thread
from .transport_choice import AsyncTransport, chosen, goes_over_aiohttp
from .transports import AsyncDirect, AsyncPoster, AsyncViaClient, Direct, Poster, ViaClient

HttpClient: TypeAlias = httpx.Client
AsyncHttpClient: TypeAlias = httpx.AsyncClient

# How much one call sends at once is `max_concurrency`'s business; calls don't limit each other.
_LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=100)


class Clients:
    """Our own httpx clients of one reranker. They obey the environment's proxy variables."""

    def __init__(self) -> None:
        self._blocking: dict[_Route, tuple[Poster, weakref.finalize[[], Clients]]] = {}
        self.start_anew()
        start_anew_in_child(self)

    def start_anew(self) -> None:
        """Forgets all clients of sync calls without closing them."""
        for _, close in self._blocking.values():
            close.detach()
        self._blocking = {}

    def blocking(self, url: str) -> Poster:
        """The client for sync calls, shared by all threads."""
        route = _route_to(url)
        held = self._blocking.get(route)
        if held is None:
            client = _blocking_client(_tls(route.scheme), route)
            # Closed with the reranker, and at the latest when the interpreter ends.
            made: tuple[Poster, weakref.finalize[[], Clients]]
            made = client, weakref.finalize(self, client.close)
            # No lock, which a signal handler could wait for in vain.
            held = self._blocking.setdefault(route, made)
            if held is not made:  # another thread was faster
                made[1]()
        return held[0]

    async def evented(self, url: str, transport: AsyncTransport = "auto") -> AsyncPoster:
        """The client of the running event loop (asyncio or trio)."""
        route, choice = _route_to(url), chosen(transport)
        kept_under = route, choice.transport
        client = loops.find(self, kept_under)
        if client is not None:
            return client
        over = goes_over_aiohttp(choice, proxied=route.proxied)
        if (route.scheme, over) not in _TLS:
            await in_thread(partial(_tls, route.scheme, over), OURS)
        # No await from here until the loop holds it, or each task of a burst would make its own.
        client = loops.find(self, kept_under)
        if client is None:
            client = _evented_client(_TLS[route.scheme, over], route, over)
            loops.hold(self, kept_under, client)
            await loops.close_ownerless()
        return client

    def close(self) -> None:
        """Closes the connections of sync calls; a later call opens new ones."""
        held, self._blocking = self._blocking, {}
        for _, close in held.values():
            close()

    async def aclose(self) -> None:
        """Closes the connections of the running loop, and those of sync calls."""
        self.close()
        await loops.close(self)


class _Route(NamedTuple):
    """What a client is made for; addresses that share a route share it."""

    scheme: str
    loopback: bool

    @property
    def proxied(self) -> bool:
        """Whether the environment names a proxy. None reaches this machine's loopback interface."""
        return not self.loopback and bool(_proxies())


@lru_cache(maxsize=64)
def _route_to(url: str) -> _Route:
    """The way to this address."""
    parts = parts_of(url)
    return _Route(parts.scheme, is_loopback(parts.hostname or ""))


def _blocking_client(context: ssl.SSLContext, route: _Route) -> Poster:
    from .backends import give_backend

    if not route.proxied:
        return Direct(give_backend(httpx.HTTPTransport(verify=context, limits=_LIMITS)))
    with _explained_proxies():
        return ViaClient(give_backend(httpx.Client(verify=context, limits=_LIMITS)))


def _evented_client(context: ssl.SSLContext, route: _Route, over: bool) -> AsyncPoster:
    from .backends import give_backend

    if over:
        return AsyncDirect(over_aiohttp(context))
    if not route.proxied:
        return AsyncDirect(give_backend(httpx.AsyncHTTPTransport(verify=context, limits=_LIMITS)))
    with _explained_proxies():
        return AsyncViaClient(give_backend(httpx.AsyncClient(verify=context, limits=_LIMITS)))


def _proxies() -> list[str]:
    """The addresses of the environment's proxies."""
    proxies = getproxies()
    return [proxies[scheme] for scheme in ("http", "https", "all") if scheme in proxies]


@contextlib.contextmanager
def _explained_proxies() -> Iterator[None]:
    try:
        for proxy in _proxies():
            _ = urlsplit(proxy).port  # refuses what is no port
        yield
    except (ValueError, ImportError, httpx.InvalidURL) as error:
        # httpx reads the proxy variables here: an unknown scheme, or SOCKS without its package.
        problem = str(error)
    else:
        return
    raise ConfigurationError(
        f"The environment's proxy variables (HTTPS_PROXY, ALL_PROXY …) can't be used: {problem}"
    )


_TLS: dict[tuple[str, bool], ssl.SSLContext] = {}
_TLS_LOCK = threading.RLock()


def _tls(scheme: str, over_aiohttp: bool = False) -> ssl.SSLContext:
    """The process's TLS settings; for http addresses an empty one, which trusts nobody.

    Certificates take some 30 ms to read, and what httpx imports with the first client takes longer
    still: async calls do both off the loop.
    """
    with _TLS_LOCK:
        if (scheme, over_aiohttp) not in _TLS:
            from . import backends  # noqa: F401

            if over_aiohttp:
                import httpx_aiohttp  # noqa: F401

                context = _tls(scheme)
            else:
                context = (
                    _certified() if scheme == "https" else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
                )
            _TLS[scheme, over_aiohttp] = context
        return _TLS[scheme, over_aiohttp]


def _certified() -> ssl.SSLContext:
    try:
        return httpx.create_ssl_context()
    except OSError as error:
        problem = str(error)
    raise ConfigurationError(
        f"The certificates of SSL_CERT_FILE or SSL_CERT_DIR can't be used: {problem}"
    )


@in_child
def _unlock() -> None:
    global _TLS_LOCK  # another thread may have held it when the process forked
    _TLS_LOCK = threading.RLock()
