"""How httpcore connects for us: names are looked up in our threads, sockets notice a dead peer.

asyncio would look them up in the loop's default executor, trio in threads that it shares with the
user's code: either may be full of threads that wait for this very call.

Import it in a thread: httpcore takes its time.
"""

from __future__ import annotations

import asyncio
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
    """A stream of httpcore's, of either colour, which follows the size of what is sent.

    httpcore writes a request's head, its body, and nothing at all at the end. The head waits for
    the body here: one packet less is sent, and the server is woken once.
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._small = True
        self._waiting = b""
        self.get_extra_info = stream.get_extra_info
        for close in {"close", "aclose"} & set(dir(stream)):
            setattr(self, close, getattr(stream, close))

    def _due(self, buffer: bytes) -> bytes:
        """What is to be written now, of what has waited and this."""
        if buffer and not self._waiting:
            self._waiting = buffer
            return b""
        due, self._waiting = self._waiting + buffer, b""
        small = len(due) <= sockets.SMALL
        if due and small is not self._small:
            self._small = small
            sockets.notice(self.get_extra_info("socket"), small=small)
        return due


class _NoticingOnThreads(_Noticing):
    def write(self, buffer: bytes, *about: Any, **more: Any) -> None:
        if due := self._due(buffer):
            self._stream.write(due, *about, **more)

    def read(self, max_bytes: int, *about: Any, **more: Any) -> Any:
        self.write(b"", *about, **more)  # a SOCKS proxy is asked step by step
        return self._stream.read(max_bytes, *about, **more)

    def start_tls(self, *about: Any, **more: Any) -> Any:
        return _NoticingOnThreads(self._stream.start_tls(*about, **more))


class _NoticingOnLoop(_Noticing):
    async def write(self, buffer: bytes, *about: Any, **more: Any) -> None:
        if due := self._due(buffer):
            await self._stream.write(due, *about, **more)

    async def read(self, max_bytes: int, *about: Any, **more: Any) -> Any:
        await self.write(b"", *about, **more)
        return await self._stream.read(max_bytes, *about, **more)

    async def start_tls(self, *about: Any, **more: Any) -> Any:
        return _NoticingOnLoop(await self._stream.start_tls(*about, **more))


class _OnThreads(httpcore.SyncBackend):
    def connect_tcp(self, host: str, *about: Any, **more: Any) -> Any:
        more["socket_options"] = sockets.options(small=True)
        return _NoticingOnThreads(super().connect_tcp(_plain(host), *about, **more))


class _OnLoop(httpcore.AsyncNetworkBackend):
    """For the running loop."""

    def __init__(self) -> None:
        self._on_trio = runs_trio()
        self._inner: Any = httpcore.TrioBackend() if self._on_trio else httpcore.AnyIOBackend()

    async def connect_tcp(self, host: str, port: int, *about: Any, **more: Any) -> Any:
        more["socket_options"] = sockets.options(small=True)

        def connect(address: str) -> Any:
            if "%" in address and not self._on_trio:
                return _connect_in_zone(address, port)
            return self._inner.connect_tcp(address, port, *about, **more)

        addresses = await _addresses(_plain(host), port)
        if len(addresses) == 1:
            return _NoticingOnLoop(await connect(addresses[0]))
        return _NoticingOnLoop(await _first(connect, addresses))

    async def sleep(self, seconds: float) -> None:
        await anyio.sleep(seconds)


def _plain(host: str) -> str:
    try:
        return sockets.plain(host)
    except OSError as error:
        raise httpcore.ConnectError(error) from error


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
    ours = [_with_zone(*about[4]) for about in found if about[0] == preferred]
    others = [_with_zone(*about[4]) for about in found if about[0] != preferred]
    by_turns = (address for pair in zip_longest(ours, others) for address in pair if address)
    return list(dict.fromkeys(by_turns))


def _with_zone(host: Any, _port: object, _flow: object = 0, zone: object = 0) -> str:
    """The address as one string; one that holds only on this machine's link has its zone."""
    return f"{host}%{zone}" if zone and "%" not in host else str(host)


async def _connect_in_zone(address: str, port: int) -> httpcore.AsyncNetworkStream:
    """A connection to an address with a zone: asyncio itself would look up the zone's name."""
    from anyio._backends._asyncio import SocketStream, StreamProtocol
    from httpcore._backends.anyio import AnyIOStream

    loop = asyncio.get_running_loop()
    made = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    try:
        made.setblocking(False)
        for option in sockets.options(small=True):
            made.setsockopt(*option)
        await loop.sock_connect(made, sockets.numbered((address, port, 0, 0)))
        transport, protocol = await loop.create_connection(StreamProtocol, sock=made)
    except BaseException as error:
        made.close()
        if isinstance(error, OSError):
            raise httpcore.ConnectError(error) from error
        raise
    transport.pause_reading()
    return AnyIOStream(SocketStream(transport, protocol))


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
