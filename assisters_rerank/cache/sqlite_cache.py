"""A cache of relevance scores in a file, which several processes may use at once (SQLite, WAL).

There is one connection, and a lock around it: worker threads come and go, an access takes well
under a millisecond, and SQLite lets only one write at a time anyway.

A connection must not cross a fork, not even to be closed there (https://sqlite.org/howtocorrupt.html
#_carrying_an_open_database_connection_across_a_fork_). Leaving it alone in the child is not enough:
SQLite knows the file locks of a process from memory, so a new connection in the child would rely
on those of its parent, which it does not have. So it is closed just before the process forks, and
each side opens the file again when it next needs it.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import struct
import threading
import time
import weakref
import zlib
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Self

from ..after_fork import in_child, start_anew_in_child
from ..errors import ConfigurationError
from ..settings import checked
from .memory_cache import MAX_ENTRIES_RULE, CachedScore

_APPLICATION_ID = int.from_bytes(b"asrc", "big")
_FORMAT = 1
# No type for the score: SQLite would keep a REAL of -0.0 as the integer 0. The checksum is there
# because SQLite has none: a damaged page could yield a wrong score without an error.
_TABLE = """
CREATE TABLE scores (
    key TEXT NOT NULL UNIQUE,
    score NOT NULL CHECK (typeof(score) = 'real'),
    model TEXT,
    checksum INTEGER NOT NULL
)
"""
_PATIENCE = 1.0  # seconds to wait for another process, and again for another thread
_KEYS_PER_QUERY = 500  # SQLite before 3.32 takes 999 variables


class SqliteCache:
    """Keeps scores in a file, for all threads and for several processes on one machine.

    The file and its folder are made at first use. Then, and not before, these errors are raised:
    `sqlite3.Error` (locked for more than a second, full, read-only, damaged; a file that is no
    cache, or one of another version, is left as it is) and `OSError` (the folder can't be made).
    A process that is killed at any moment leaves the file intact. Not for network file systems,
    where SQLite's write-ahead log does not work.

    An entry takes 120 to 150 bytes on disk. Without `max_entries` the file grows for ever; with
    it, the entries written first go first, and their room is used again.

    Use it as a context manager or `close()` it; else it is closed with the interpreter.

    Raises:
        ConfigurationError: `path` is a folder or no path, or `max_entries` is no whole number of
            at least 1.
    """

    def __init__(self, path: str | os.PathLike[str], max_entries: int | None = None) -> None:
        self.path = _checked_path(path)
        self.max_entries = max_entries
        if max_entries is not None:
            self.max_entries = checked(MAX_ENTRIES_RULE, max_entries, "max_entries")
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._closing: weakref.finalize[[], SqliteCache] | None = None
        self._left_open = False
        with _FORKING:
            _LIVING.add(self)
        start_anew_in_child(self)

    def get_many(self, keys: Sequence[str]) -> dict[str, CachedScore]:
        """The scores of the keys that are known."""
        found: dict[str, CachedScore] = {}
        if not keys:
            return found
        with self._connected() as connection:
            for start in range(0, len(keys), _KEYS_PER_QUERY):
                some = keys[start : start + _KEYS_PER_QUERY]
                places = ",".join("?" * len(some))
                for key, score, model, checksum in connection.execute(
                    f"SELECT key, score, model, checksum FROM scores WHERE key IN ({places})", some
                ).fetchall():
                    if type(score) is not float or _checksum(key, score, model) != checksum:
                        raise sqlite3.DatabaseError("damaged: use another path, or delete the file")
                    found[key] = CachedScore(score, model)
        return found

    def set_many(self, scores: Mapping[str, CachedScore]) -> None:
        """Keeps all of these scores in one transaction, or none. NaN is refused."""
        if not scores:
            return
        rows = [
            (key, float(score), model, _checksum(key, score, model))
            for key, (score, model) in scores.items()
        ]
        with self._connected() as connection, connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("INSERT OR REPLACE INTO scores VALUES (?, ?, ?, ?)", rows)
            if self.max_entries is not None:
                connection.execute(
                    "DELETE FROM scores WHERE rowid <= (SELECT max(rowid) FROM scores) - ?",
                    (self.max_entries,),
                )

    def clear(self) -> None:
        """Forgets everything, for all processes; the file keeps its size, to be filled anew."""
        with self._connected() as connection:
            connection.execute("DELETE FROM scores")

    def close(self) -> None:
        """Closes the file; a later use opens it again."""
        with self._lock:
            self._close()

    def start_anew(self) -> None:
        """Makes a new lock: in a forked child, another thread may have held the old one."""
        self._lock = threading.Lock()
        if self._connection is not None:  # in use when the process forked
            _PARENTS.append(self._connection)
            self._left_open, self._connection = True, None
            if self._closing is not None:
                self._closing.detach()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __len__(self) -> int:
        with self._connected() as connection:
            (count,) = connection.execute("SELECT count(*) FROM scores").fetchone()
        return int(count)

    def __repr__(self) -> str:
        bound = "" if self.max_entries is None else f", max_entries={self.max_entries}"
        return f"SqliteCache({self.path!r}{bound})"

    @contextlib.contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        """The connection, for one thread at a time; errors name the file."""
        lock = self._lock
        if not lock.acquire(timeout=_PATIENCE):
            raise sqlite3.OperationalError(f"{self.path}: in use by another thread for too long")
        try:
            if self._connection is None:
                self._open()
            assert self._connection is not None
            yield self._connection
        except sqlite3.Error as error:
            error.args = (f"{self.path}: {error}",)
            raise
        finally:
            lock.release()

    def _open(self) -> None:
        if self._left_open:
            raise sqlite3.OperationalError("was in use in another thread when the process forked")
        os.makedirs(os.path.dirname(self.path), exist_ok=True)
        connection = sqlite3.connect(
            self.path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False
        )
        try:
            _prepare(connection)
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        self._closing = weakref.finalize(self, connection.close)

    def _close(self) -> None:
        if self._closing is not None:
            self._connection = None
            self._closing()


def _checked_path(path: object) -> str:
    # Absolute, so that it outlives a change of folder and is no name that SQLite gives a meaning.
    if not isinstance(path, str | os.PathLike) or not isinstance(os.fspath(path), str):
        raise ConfigurationError(f"path must be a str or a path, not {type(path).__name__}")
    absolute = os.path.abspath(os.fspath(path))
    if "\0" in absolute:
        raise ConfigurationError("path holds a null character")
    if os.path.isdir(absolute):
        raise ConfigurationError(f"path must be a file's, and {absolute} is a folder")
    return absolute


_bits = struct.Struct("<d").pack


def _checksum(key: str, score: float, model: str | None) -> int:
    return zlib.crc32(f"{key}\0{model}".encode(), zlib.crc32(_bits(score)))


def _prepare(connection: sqlite3.Connection) -> None:
    """Makes an empty file a cache, and refuses any other that isn't one."""
    with connection:
        connection.execute("BEGIN")  # one moment's view, while another process may make the cache
        empty = _is_empty(connection)
    if empty:
        with connection:
            connection.execute("BEGIN IMMEDIATE")
            if _is_empty(connection):
                connection.execute(_TABLE)
                connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
                connection.execute(f"PRAGMA user_version = {_FORMAT}")
    # The file is known to be ours: not before may the kind of its journal change.
    _write_ahead(connection)
    # A power cut may cost the last entries, but never the file; a killed process costs nothing.
    connection.execute("PRAGMA synchronous = NORMAL")


def _is_empty(connection: sqlite3.Connection) -> bool:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (things,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application == _APPLICATION_ID and version == _FORMAT:
        return False
    if application == _APPLICATION_ID:
        raise sqlite3.DatabaseError(
            f"a cache of format {version}, and this release reads {_FORMAT}: use another path"
        )
    if application or version or things:
        raise sqlite3.DatabaseError("a database, but no cache of scores: use another path")
    return True


def _write_ahead(connection: sqlite3.Connection) -> None:
    # SQLite does not wait here, where several processes may come at once.
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(0.005)
        else:
            return


# Guards the set of caches, and is held as long as a fork takes: re-entrant, since a signal handler
# may fork.
_FORKING = threading.RLock()
_LIVING: weakref.WeakSet[SqliteCache] = weakref.WeakSet()
_HELD: list[threading.Lock] = []
_PARENTS: list[sqlite3.Connection] = []  # only to keep them from being closed


def _let_go() -> None:
    """Closes all connections, once no thread uses them, and keeps others from being opened."""
    _FORKING.acquire()
    for cache in list(_LIVING):
        # A thread that uses it this long, or this very one, is left alone; see start_anew().
        if cache._lock.acquire(timeout=2 * _PATIENCE):
            _HELD.append(cache._lock)
            with contextlib.suppress(sqlite3.Error):
                cache._close()


def _go_on() -> None:
    while _HELD:
        _HELD.pop().release()
    _FORKING.release()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(before=_let_go, after_in_parent=_go_on)


@in_child
def _unlock() -> None:
    global _FORKING
    _FORKING = threading.RLock()
    _HELD.clear()
