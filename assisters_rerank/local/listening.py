"""The listening socket and the ASGI server around it, alike for threads and the command line."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ipaddress
import os
import socket

import uvicorn
from starlette.types import ASGIApp

from ..errors import ConfigurationError


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens on this host and port (0: a free one); raises `OSError`."""
    family, kind, _, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP, flags=socket.AI_PASSIVE
    )[0]
    # The protocol is named because asyncio sends small answers at once (TCP_NODELAY) only
    # on sockets that name it; otherwise some clients wait 40 ms for each.
    listener = socket.socket(family, kind, socket.IPPROTO_TCP)
    if os.name == "posix":  # elsewhere it would let two servers share a port
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
        listener.listen()
    except OSError:
        listener.close()
        raise
    return listener


def listen_or_explain(host: str, port: int) -> socket.socket:
    """As `listen`, for the command line.

    Raises:
        ConfigurationError: what the operating system refused, and which option to change.
    """
    try:
        return listen(host, port)
    except socket.gaierror:
        problem = f"There is no host {host!r}: give another --host."
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            problem = f"Port {port} on {host} is in use: give another --port, or 0 for a free one."
        elif error.errno == errno.EADDRNOTAVAIL:
            problem = f"{host} is not an address of this machine: give another --host."
        else:
            problem = f"Cannot listen on {host}, port {port}: {error.strerror}."
    raise ConfigurationError(problem)


def address_of(listener: socket.socket) -> str:
    """`http://HOST:PORT`, as a client on this machine would call it."""
    host, port = listener.getsockname()[:2]
    if ipaddress.ip_address(host).is_unspecified:
        host = "::1" if listener.family == socket.AF_INET6 else "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class StoppableServer(uvicorn.Server):
    """uvicorn's, which ends as soon as another thread says so, not at its next tick."""

    _loop: asyncio.AbstractEventLoop | None = None
    _woken: asyncio.Event

    async def main_loop(self) -> None:
        """As uvicorn's own: a tick every tenth of a second, until it is to exit."""
        self._woken = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        counter = 0
        while not await self.on_tick(counter):
            counter = (counter + 1) % 864_000
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.1):
                    await self._woken.wait()

    def stop(self) -> None:
        """From another thread."""
        self.should_exit = True
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: it has ended by itself
                self._loop.call_soon_threadsafe(self._woken.set)


def asgi_server(app: ASGIApp) -> StoppableServer:
    """A server for the application that leaves the caller's logging as it is."""
    config = uvicorn.Config(
        app,
        loop="asyncio",
        http="h11",
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        # Idle connections outlive a user's pause, as a service's load balancer lets them.
        timeout_keep_alive=60,
        timeout_graceful_shutdown=2,
    )
    return StoppableServer(config)
