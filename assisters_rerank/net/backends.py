"""How httpcore connects for us: names are looked up in our threads, sockets notice a dead peer.

Import it in a thread: httpcore takes its time.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Awaitable, Callable, Iterable, Iterator
from functools import partial
from itertools import zip_longest
from typing import Any

import anyio
import httpcore
import httpx

from . import sockets
from .threads import LOOK_UPS, in_thread, runs_trio

# So long an address is tried before the next one is tried as well (RFC 8305).
_HEAD_START = 0.25

Connect = Callable[[str], Awaitable[httpcore.AsyncNetworkStream]]


def give_backend(
    client: httpx.Client | httpx.AsyncClient | httpx.BaseTransport | httpx.AsyncBaseTransport,
    *,
    small: bool,
) -> None:
    """Has a client or transport of ours, which has not been used, connect in our way.

    httpx hands neither a backend to httpcore nor options to sockets behind a SOCKS proxy.
    """
    on_loop = isinstance(client, httpx.AsyncClient | httpx.AsyncBaseTransport)
    backend = _OnLoop(small=small) if on_loop else _OnThreads(small=small)
    for pool in _pools(client):
        pool._network_backend = backend


def _pools(client: Any) -> Iterator[Any]:
    if isinstance(client, httpx.Client | httpx.AsyncClient):
        for transport in (client._transport, *client._mounts.values()):
            if transport is not None:  # None: this host is asked directly
                yield from _pools(transport)
    else:
        yield client._pool


class _OnThreads(httpcore.SyncBackend):
    def __init__(self, *, small: bool) -> None:
        self._options = sockets.options(small=small)

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        return super().connect_tcp(host, port, timeout, local_address, self._options)


class _OnLoop(httpcore.AsyncNetworkBackend):
    """For the running loop: asyncio would look a name up in its default executor."""

    def __init__(self, *, small: bool) -> None:
        self._options = sockets.options(small=small)
        self._looks_up = runs_trio()
        self._inner: Any = httpcore.TrioBackend() if self._looks_up else httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore names it
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        connect: Connect = partial(
            self._inner.connect_tcp,
            port=port,
            timeout=timeout,
            local_address=local_address,
            socket_options=self._options,
        )
        if self._looks_up:
            return await connect(host)
        addresses = await _addresses(host, port)
        if len(addresses) == 1:
            return await connect(addresses[0])
        return await _first(connect, addresses)

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
