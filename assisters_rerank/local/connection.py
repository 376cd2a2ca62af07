"""One connection of the local server: what uvicorn's own leaves without a limit.

uvicorn waits for ever for a request's headers and body, and for a client to read its answer. Here
each wait has a time limit. When there are too many connections, or no file descriptors are left,
the one that has waited for its client longest is closed.
"""

from __future__ import annotations

import asyncio
import json
import sys
from itertools import islice
from typing import Any

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from .http.bodies import BODY_SECONDS
from .http.refusal import Refusal

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

MAX_HEADER_BYTES = 16_384
"""About the most that a request's first line and headers may have; at most twice this."""

HEADER_SECONDS = 10.0
"""How long a client may take from its first byte, or from the connection, to the last header."""

CLOSED_AT_ONCE = 32
"""How many connections are closed near the last descriptor: each leaves a low one for the next, so
that with single ones only every second connection would be noticed."""

SMALL_PART = 64
"""Bytes that the parts of a body have to have on average, as soon as they are many."""

MAX_SMALL_PARTS = 1_000
"""So many parts are many."""

KEEP_ALIVE_SECONDS = 60
"""How long an idle connection is kept: it outlives a user's pause, as behind a load balancer."""

LINGER_SECONDS = 1.0
"""How long what a refused client still sends is read and dropped, so that it reads the refusal."""

MAX_CONNECTIONS = 1_000
"""Beyond it each new connection closes the one that has waited longest for its client."""

RESERVED_DESCRIPTORS = 64
"""Of the process's file descriptors, those that connections leave free (at most a quarter)."""


class ConnectionConfig(uvicorn.Config):
    """The configuration of one server, with what its connections share."""

    def __init__(self, app: ASGIApp) -> None:
        # Those that wait for their clients, in the order in which they began to.
        self.waiting: dict[Connection, None] = {}
        self.last_descriptor = _last_descriptor()
        super().__init__(
            app,
            loop="asyncio",
            http=Connection,
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            proxy_headers=False,
            server_header=False,
            # Also how many connections asyncio accepts in a row, before it looks at the others.
            backlog=4,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=2,
        )

    def make_room(self, connections: int) -> None:
        """Closes so many, of those that have waited longest for their clients."""
        for oldest in list(islice(self.waiting, connections)):
            del self.waiting[oldest]
            oldest.transport.abort()


class _Events(h11.Connection):
    """h11 without its worst case: chunks of a byte take a thousand times as long as their bytes."""

    def __init__(self) -> None:
        super().__init__(h11.SERVER, MAX_HEADER_BYTES)
        self._parts = self._bytes = 0

    def next_event(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        event = super().next_event()
        if isinstance(event, h11.Request):
            self._parts = self._bytes = 0
        elif isinstance(event, h11.Data):
            self._parts += 1
            self._bytes += len(event.data)
            if self._parts > MAX_SMALL_PARTS and self._bytes < SMALL_PART * self._parts:
                message = f"its body comes in parts of less than {SMALL_PART} bytes"
                raise h11.RemoteProtocolError(message)
        return event


class Connection(H11Protocol):
    """uvicorn's connection with time limits, and refusals in the contract's words."""

    config: ConnectionConfig

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        # Not `access_log=False`: with it uvicorn silences the application of the user's as well.
        self.access_log = False
        self.conn = _Events()
        self._phase: tuple[str, object] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Makes room for itself, then waits for the headers."""
        super().connection_made(transport)
        if transport.get_extra_info("socket").fileno() > self.config.last_descriptor:
            self.config.make_room(CLOSED_AT_ONCE)
        elif len(self.connections) > MAX_CONNECTIONS:
            self.config.make_room(1)
        self._wait("headers", HEADER_SECONDS)

    def data_received(self, data: bytes) -> None:
        """Reads what came, unless the client was refused."""
        # In pieces, because h11 limits what is incomplete: the headers, if they come bit by bit.
        for begin in range(0, len(data), MAX_HEADER_BYTES):
            if self._refused or self.transport.is_closing():
                return
            super().data_received(data[begin : begin + MAX_HEADER_BYTES])
        self._look()

    def on_response_complete(self) -> None:
        """Waits for the rest of the request, or for the next one."""
        super().on_response_complete()
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forgets what it waited for."""
        self._wait(None)
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """The client has to read on in time."""
        super().pause_writing()
        self._wait("answer", BODY_SECONDS)

    def resume_writing(self) -> None:
        """It did."""
        super().resume_writing()
        self._look()

    def send_400_response(self, msg: str) -> None:
        """Refuses what is no HTTP; called where h11's error is being handled."""
        error = sys.exception() if sys.version_info >= (3, 12) else sys.exc_info()[1]
        status = error.error_status_hint if isinstance(error, h11.RemoteProtocolError) else 400
        self._refuse(Refusal(status, "invalid_request", f"This is no HTTP request: {error or msg}"))

    def _look(self) -> None:
        """Waits for what the client owes now, if anything."""
        if self._refused or self.transport.is_closing() or self.flow.write_paused:
            return
        state = self.conn.their_state
        if state is h11.SEND_BODY:
            # After the application's own limit, which answers.
            self._wait("body", BODY_SECONDS + LINGER_SECONDS)
        elif state is not h11.IDLE:
            self._wait(None)  # the request is whole: the server may take its time
        elif self.conn.trailing_data[0]:
            self._wait("headers", HEADER_SECONDS)
        else:
            self._wait("idle", KEEP_ALIVE_SECONDS)

    def _wait(self, what: str | None, seconds: float = 0.0) -> None:
        phase = None if what is None else (what, self.cycle)
        if phase == self._phase:
            return  # the time goes on: a byte now and then buys none
        self._phase = phase
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.config.waiting.pop(self, None)
        if phase is not None:
            self._timer = self.loop.call_later(seconds, self._too_slow)
            self.config.waiting[self] = None

    def _too_slow(self) -> None:
        if self._phase is not None and self._phase[0] == "headers" and self.conn.trailing_data[0]:
            message = f"The headers took longer than {HEADER_SECONDS:g} s."
            self._refuse(Refusal(408, "request_timeout", message))
        else:
            self.transport.abort()

    def _refuse(self, refusal: Refusal) -> None:
        """Answers if nothing was answered yet; then the connection ends."""
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            self.transport.abort()
            return
        self._refused = True
        body = json.dumps(refusal.body()).encode()
        headers = [
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(body))),
            ("Connection", "close"),
        ]
        for event in (
            h11.Response(status_code=refusal.status, headers=headers),
            h11.Data(data=body),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event) or b"")
        # Closed at once, with bytes unread, the system would take the answer back from the client.
        try:
            if self.transport.can_write_eof():
                self.transport.write_eof()
        except OSError:  # the client has reset the connection meanwhile
            self.transport.abort()
            return
        self.flow.resume_reading()
        self._wait("end", LINGER_SECONDS)


def _last_descriptor() -> float:
    if resource is None:
        return float("inf")
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit == resource.RLIM_INFINITY:
        return float("inf")
    return limit - min(RESERVED_DESCRIPTORS, limit // 4)
