"""A TCP server on the loopback interface that reads HTTP properly and answers it as scripted.

It is no web framework, because it has to be able to break HTTP: a behaviour gets the bare
connection after one request was read, and writes, delays, closes or resets as it likes.
"""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Self


@dataclass(frozen=True)
class Received:
    """One request as it arrived; header names in lower case, `at` in `time.monotonic()` seconds."""

    connection: int
    at: float
    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def payload(self) -> dict[str, Any]:
        """The JSON object in the body."""
        loaded: dict[str, Any] = json.loads(self.body)
        return loaded


@dataclass
class Exchange:
    """What a behaviour works with: the request (none yet at accept) and the bare connection."""

    server: HostileServer
    sock: socket.socket
    request: Received | None
    closed: bool = False

    def send(self, data: bytes) -> None:
        """Write all of it at once."""
        self.sock.sendall(data)

    def drip(self, data: bytes, seconds_each: float, size: int = 1) -> None:
        """Write `size` bytes at a time with a pause after each, until done or hung up on."""
        for start in range(0, len(data), size):
            self.sock.sendall(data[start : start + size])
            if self.server.stopping.wait(seconds_each):
                return

    def silence(self) -> None:
        """Say nothing until the client hangs up or the server is stopped."""
        while self.sock.recv(65536):
            pass

    def close(self) -> None:
        """End the connection in good order (FIN), wherever the answer stands."""
        self.closed = True
        # Unread input would turn this close into a reset, so only the sending side ends here; the
        # client's own close then ends the reading.
        self.sock.shutdown(socket.SHUT_WR)
        self.server.note_closed()
        self.silence()

    def reset(self) -> None:
        """Throw the connection away (RST)."""
        self.closed = True
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()
        self.server.note_closed()


Behaviour = Callable[[Exchange], None]
"""Plays one answer; afterwards the connection stays open for the next request, unless closed."""


@dataclass(frozen=True)
class AtAccept:
    """A behaviour that strikes as soon as the connection is there, before any request."""

    act: Behaviour


Script = Sequence[Behaviour | AtAccept]
"""What is played for the first, second, … request; the last one for ever."""


@dataclass
class HostileServer:
    """Plays a script on 127.0.0.1 inside `with`, and keeps every request it received.

    `elsewhere` is an address that behaviours may point clients to.
    """

    script: Script
    elsewhere: str = ""
    address: tuple[str, int] = ("", 0)
    requests: list[Received] = field(default_factory=list)
    played: int = 0
    connections: int = 0
    stopping: threading.Event = field(default_factory=threading.Event)
    _closed: int = 0
    _sockets: set[socket.socket] = field(default_factory=set)
    _threads: list[threading.Thread] = field(default_factory=list)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.address = self._listener.getsockname()
        self._spawn(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        # A blocked accept() is not woken everywhere by closing its socket, but by a visitor.
        socket.create_connection(self.address, timeout=1).close()
        self._threads[0].join(timeout=5)
        self._listener.close()
        with self._changed:
            for sock in self._sockets:
                with contextlib.suppress(OSError):  # the other side was quicker
                    sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(timeout=5)
        alive = [thread.name for thread in self._threads if thread.is_alive()]
        assert not alive, f"threads outlived the server: {alive}"

    @property
    def url(self) -> str:
        """The base URL to give to a client."""
        return "http://{}:{}/v1".format(*self.address)

    def note_closed(self) -> None:
        """Count a connection that a behaviour ended."""
        with self._changed:
            self._closed += 1
            self._changed.notify_all()

    def wait_closed(self, count: int, timeout: float = 5.0) -> None:
        """Block until behaviours have ended `count` connections."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._closed >= count, timeout)

    def _spawn(self, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            sock, _ = self._listener.accept()
            if self.stopping.is_set():
                sock.close()
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._changed:
                self._sockets.add(sock)
                self.connections += 1
                number = self.connections
            self._spawn(self._serve, sock, number)

    def _take(self, *, at_accept: bool) -> Behaviour | None:
        """The script's next step, or None if it does not strike at this moment."""
        with self._changed:
            step = self.script[min(self.played, len(self.script) - 1)]
            if at_accept and not isinstance(step, AtAccept):
                return None
            self.played += 1
        # On a connection kept alive, a step meant for a fresh one strikes after the request.
        return step.act if isinstance(step, AtAccept) else step

    def _serve(self, sock: socket.socket, number: int) -> None:
        exchange = Exchange(self, sock, None)
        try:
            strike = self._take(at_accept=True)
            if strike is not None:
                strike(exchange)
            reader = _Reader(sock)
            while not exchange.closed and not self.stopping.is_set():
                request = reader.request(number)
                if request is None:
                    return
                with self._changed:
                    self.requests.append(request)
                exchange.request = request
                behaviour = self._take(at_accept=False)
                assert behaviour is not None
                behaviour(exchange)
        except OSError:
            pass  # the client hung up first, which is its right under every fault
        finally:
            with self._changed:
                self._sockets.discard(sock)
            sock.close()


class _Reader:
    """Reads one request after the other off a connection; None at its end or for no HTTP."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._buffer = b""

    def request(self, connection: int) -> Received | None:
        while b"\r\n\r\n" not in self._buffer:
            if not self._fill():
                return None
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        start, *lines = head.decode("latin-1").split("\r\n")
        if start.count(" ") != 2:
            return None
        method, target, _ = start.split(" ")
        headers: dict[str, str] = {}
        for name, _, value in (line.partition(":") for line in lines):
            told = headers.get(name.strip().lower())
            headers[name.strip().lower()] = ", ".join(filter(None, (told, value.strip())))
        length = int(headers.get("content-length", "0"))
        while len(self._buffer) < length:
            if not self._fill():
                return None
        body, self._buffer = self._buffer[:length], self._buffer[length:]
        return Received(connection, time.monotonic(), method, target, headers, body)

    def _fill(self) -> bool:
        data = self._sock.recv(65536)
        self._buffer += data
        return bool(data)
