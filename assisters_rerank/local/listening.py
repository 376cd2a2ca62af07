"""The listening socket and the ASGI server around it, alike for threads and the command line."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ipaddress
import logging
import math
import os
import socket
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from ..errors import ConfigurationError
from .connection import ConnectionConfig

logger = logging.getLogger(__name__)

_OUT_OF_RESOURCES = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)

_QUEUE = 1_024
"""Connections that the system keeps for the server until it accepts them."""


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


class QuietServer(uvicorn.Server):
    """uvicorn's server, which ends as soon as another thread says so, not at its next tick.

    It writes no line of its own into the logs of the process it runs in.
    """

    ready: Callable[[], None] | None = None
    """Called once it answers, and a Ctrl-C is its own and interrupts nothing."""

    _loop: asyncio.AbstractEventLoop | None = None
    _woken: asyncio.Event

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Answers until it is told to stop."""
        _ours.set(True)
        logging.getLogger("uvicorn.error").addFilter(_is_not_ours)
        await super().serve(sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begins to answer."""
        asyncio.get_running_loop().set_exception_handler(_LoopErrors())
        await super().startup(sockets)
        for listener in sockets or ():
            listener.listen(_QUEUE)  # asyncio has given it the few that it accepts in a row
        if self.ready is not None:
            self.ready()

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


def asgi_server(app: ASGIApp) -> QuietServer:
    """A server for the application that leaves the caller's logging as it is."""
    return QuietServer(ConnectionConfig(app))


# Set in the context of a server and of all that it starts, callbacks included.
_ours: ContextVar[bool] = ContextVar("assisters_rerank_local", default=False)


def _is_not_ours(record: logging.LogRecord) -> bool:
    """Lets another server's records pass, and of ours only those of a failure."""
    return not _ours.get() or record.exc_info is not None


class _LoopErrors:
    """What asyncio reports of itself, with one line a minute while descriptors are missing.

    asyncio reports each connection that it cannot accept, with a traceback, in a busy loop.
    """

    def __init__(self) -> None:
        self._silent_until = -math.inf

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if not isinstance(error, OSError) or error.errno not in _OUT_OF_RESOURCES:
            loop.default_exception_handler(context)
        elif loop.time() >= self._silent_until:
            self._silent_until = loop.time() + 60
            logger.warning(
                "The local server cannot accept connections: %s. They wait until some are free; "
                "a higher limit (ulimit -n) allows more.",
                error.strerror,
            )
