"""How httpcore connects for us: names are looked up in our threads, sockets notice a dead peer.

Import it in a thread: httpcore takes its time.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from itertools import zip_longest
from typing import Any, TypeVar

import anyio
import httpcore
import httpx

from . import sockets
from .threads import LOOK_UPS, in_thread, runs_trio

# So long an address is tried before the next one is tried as well (RFC 8305).
_HEAD_START = 0.25

Connect = Callable[[str], Awaitable[httpcore.AsyncNetworkStream]]

T = TypeVar("T")


def give_backend(client: T) -> T:
    """The client or transport of ours, which has not been used, and now connects in our way.

    httpx hands neither a backend to httpcore nor options to sockets behind a SOCKS proxy.
    """
    on_loop = isinstance(client, httpx.AsyncClient | httpx.AsyncBaseTransport)
    backend = _OnLoop() if on_loop else _OnThreads()
    for pool in _pools(client):
        pool._network_backend = backend
    return client


def _pools(client: Any) -> Iterator[Any]:
    if isinstance(client, httpx.Client | httpx.AsyncClient):
        for transport in (client._transport, *client._mounts.values()):
            if transport is not None:  # None: this host is asked directly
                yield from _pools(transport)
    else:
        yield client._pool


class _Noticing:
    """A stream of httpcore's, of either colour, which follows the size of what is sent."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._small = True
        self.read = stream.read
        self.get_extra_info = stream.get_extra_info
        for close in {"close", "aclose"} & set(dir(stream)):
            setattr(self, close, getattr(stream, close))

    def write(self, buffer: bytes, timeout: float | None = None) -> Any:
        small = len(buffer) <= sockets.SMALL
        # Headers are small and come first; nothing at all is written last.
        if buffer and small is not self._small:
            self._small = small
            sockets.notice(self.get_extra_info("socket"), small=small)
        return self._stream.write(buffer, timeout)


class _NoticingOnThreads(_Noticing):
    def start_tls(self, *about: Any, **more: Any) -> Any:
        return _NoticingOnThreads(self._stream.start_tls(*about, **more))


class _NoticingOnLoop(_Noticing):
    async def start_tls(self, *about: Any, **more: Any) -> Any:
        return _NoticingOnLoop(await self._stream.start_tls(*about, **more))


class _OnThreads(httpcore.SyncBackend):
    def connect_tcp(self, *about: Any, **more: Any) -> Any:
        more["socket_options"] = sockets.options(small=True)
        return _NoticingOnThreads(super().connect_tcp(*about, **more))


class _OnLoop(httpcore.AsyncNetworkBackend):
    """For the running loop: asyncio would look a name up in its default executor."""

    def __init__(self) -> None:
        self._looks_up = runs_trio()
        self._inner: Any = httpcore.TrioBackend() if self._looks_up else httpcore.AnyIOBackend()

    async def connect_tcp(self, host: str, port: int, *about: Any, **more: Any) -> Any:
        more["socket_options"] = sockets.options(small=True)

        def connect(address: str) -> Any:
            return self._inner.connect_tcp(address, port, *about, **more)

        addresses = [host] if self._looks_up else await _addresses(host, port)
        if len(addresses) == 1:
            return _NoticingOnLoop(await connect(addresses[0]))
        return _NoticingOnLoop(await _first(connect, addresses))

    async def sleep(self, seconds: float) -> None:
        await anyio.sleep(seconds)


async def _addresses(host: str, port: int) -> list[str]:
    """The host's addresses, its two families by turns: one of them may lead nowhere."""
    try:
        return [str(ipaddress.ip_address(host))]
    except ValueError:  # it is a name
        pass
    look_up = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    try:
        found = await in_thread(look_up, LOOK_UPS)
    except OSError as error:
        raise httpcore.ConnectError(error) from error
    preferred = found[0][0]
    ours = [str(about[4][0]) for about in found if about[0] == preferred]
    others = [str(about[4][0]) for about in found if about[0] != preferred]
    by_turns = (address for pair in zip_longest(ours, others) for address in pair if address)
    return list(dict.fromkeys(by_turns))


async def _first(connect: Connect, addresses: list[str]) -> httpcore.AsyncNetworkStream:
    """The connection that is there first; each address has a head start over the next one."""
    streams: list[httpcore.AsyncNetworkStream] = []
    errors: list[Exception] = []

    async def attempt(address: str, ended: anyio.Event) -> None:
        try:
            streams.append(await connect(address))
            group.cancel_scope.cancel()
        except Exception as error:
            errors.append(error)
        finally:
            ended.set()

    try:
        async with anyio.create_task_group() as group:
            for address in addresses:
                ended = anyio.Event()
                group.start_soon(attempt, address, ended)
                with anyio.move_on_after(_HEAD_START):
                    await ended.wait()
    except BaseException:  # the call was cancelled
        await _close(streams)
        raise
    await _close(streams[1:])
    if not streams:
        raise errors[0]
    return streams[0]


async def _close(streams: list[httpcore.AsyncNetworkStream]) -> None:
    with anyio.CancelScope(shield=True):
        for stream in streams:
            await stream.aclose()
