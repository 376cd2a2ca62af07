"""The connections to a cache's file: some for reading, side by side, and one for writing.

Who uses one holds its seat. Seats lie in `SimpleQueue`s, since these may be come back to in the
middle of a use, by a finalizer or a signal handler, without a deadlock.

A connection must not cross a fork, not even to be closed there (https://sqlite.org/howtocorrupt.html
#_carrying_an_open_database_connection_across_a_fork_). Leaving it alone in the child is not enough:
SQLite knows the file locks of a process from memory, so a new connection in the child would rely
on those of its parent, which it does not have. So all are closed just before the process forks, and
each side opens the file again when it next needs it.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from queue import Empty, SimpleQueue

from ..after_fork import in_child, start_anew_in_child
from .sqlite_format import prepare

PATIENCE = 1.0  # seconds to wait for another process, and again for another thread
_READERS = 8
_TURNS = 10  # readers never keep each other out, so a turn comes: so many times the patience


class Closed(Exception):  # noqa: N818 - no error: nothing is read or written any more
    """The file was closed for good."""


@dataclass(slots=True)
class _Seat:
    connection: sqlite3.Connection | None = None
    thread: int | None = None  # that sits on it


class SqliteFile:
    """A cache's file, which is made at first use."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._closed = False
        self._left_open = False
        self._fill()
        with _FORKING:
            _LIVING.add(self)
        start_anew_in_child(self)

    def _fill(self) -> None:
        self._seats = [_Seat() for _ in range(_READERS + 1)]
        self._readers: SimpleQueue[_Seat] = SimpleQueue()
        self._writers: SimpleQueue[_Seat] = SimpleQueue()
        for seat in self._seats[1:]:
            self._readers.put(seat)
        self._writers.put(self._seats[0])
        # Only where nobody has closed it; with the interpreter at the latest.
        self._closing = weakref.finalize(self, _close_all, self._seats)

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection to read with; errors name the file."""
        with self._seated(self._readers, _TURNS * PATIENCE) as connection:
            yield connection

    @contextlib.contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """The connection to write with, for one thread at a time; errors name the file."""
        if self._seats[0].thread == threading.get_ident():  # a finalizer, in the middle of a write
            raise sqlite3.OperationalError(f"{self._path}: in use by this very thread")
        with self._seated(self._writers, PATIENCE) as connection:
            yield connection

    @contextlib.contextmanager
    def _seated(self, seats: SimpleQueue[_Seat], patience: float) -> Iterator[sqlite3.Connection]:
        if self._closed:
            raise Closed
        with _FORKING:  # who wants to fork would wait for ever for threads that use it all the time
            pass
        try:
            seat = seats.get(timeout=patience)
        except Empty:
            seat = None
        if seat is None:
            raise sqlite3.OperationalError(f"{self._path}: in use by other threads for too long")
        try:
            seat.thread = threading.get_ident()
            if self._closed:
                raise Closed
            if seat.connection is None:
                seat.connection = self._opened()
            yield seat.connection
        except sqlite3.Error as error:
            error.args = (f"{self._path}: {error}",)
            raise
        finally:
            if self._closed:
                _close_all([seat])
            seat.thread = None
            seats.put(seat)

    def _opened(self) -> sqlite3.Connection:
        if self._left_open:
            raise sqlite3.OperationalError("was in use in another thread when the process forked")
        os.makedirs(os.path.dirname(self._path), exist_ok=True)
        connection = sqlite3.connect(
            self._path, timeout=PATIENCE, isolation_level=None, check_same_thread=False
        )
        try:
            prepare(connection, PATIENCE)
        except BaseException:
            connection.close()
            raise
        return connection

    def close(self) -> None:
        """Closes the file for good; who is at it in another thread has a moment to finish."""
        self._closed = True
        for seats, seat in self.take_all(PATIENCE):
            seats.put(seat)

    def take_all(self, patience: float) -> list[tuple[SimpleQueue[_Seat], _Seat]]:
        """The seats that nobody sits on after so many seconds, their connections closed."""
        taken = []
        until = time.monotonic() + patience
        for seats, count in ((self._writers, 1), (self._readers, _READERS)):
            for _ in range(count):
                try:
                    seat = seats.get(timeout=max(0.0, until - time.monotonic()))
                except Empty:
                    break
                _close_all([seat])
                taken.append((seats, seat))
        return taken

    def start_anew(self) -> None:
        """In a forked child: seats of its own, whatever other threads did with the parent's."""
        kept = [seat.connection for seat in self._seats if seat.connection is not None]
        if kept:  # in use when the process forked
            _PARENTS.extend(kept)
            self._left_open = True
        self._closing.detach()
        self._fill()


def _close_all(seats: list[_Seat]) -> None:
    for seat in seats:
        connection, seat.connection = seat.connection, None
        if connection is not None:
            with contextlib.suppress(sqlite3.Error):
                connection.close()


# Guards the set of files, and is held as long as a fork takes: re-entrant, since a signal handler
# may fork.
_FORKING = threading.RLock()
_LIVING: weakref.WeakSet[SqliteFile] = weakref.WeakSet()
_HELD: list[tuple[SimpleQueue[_Seat], _Seat]] = []
_PARENTS: list[sqlite3.Connection] = []  # only to keep them from being closed


def _let_go() -> None:
    """Closes all connections, once no thread uses them, and keeps others from being opened."""
    _FORKING.acquire()
    for file in list(_LIVING):
        # A thread that uses one this long, or this very one, is left alone; see start_anew().
        _HELD.extend(file.take_all(2 * PATIENCE))


def _go_on() -> None:
    while _HELD:
        seats, seat = _HELD.pop()
        seats.put(seat)
    _FORKING.release()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(before=_let_go, after_in_parent=_go_on)


@in_child
def _unlock() -> None:
    global _FORKING
    _FORKING = threading.RLock()
    _HELD.clear()
