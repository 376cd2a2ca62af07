"""A cache of relevance scores in a file, which several processes may use at once (SQLite, WAL)."""

from __future__ import annotations

import logging
import os
import sqlite3
import struct
import zlib
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

from ..errors import ConfigurationError
from ..settings import checked
from .score_cache import MAX_ENTRIES_RULE, CachedScore
from .sqlite_file import Closed, SqliteFile

logger = logging.getLogger("assisters_rerank")

_KEYS_PER_QUERY = 500  # SQLite before 3.32 takes 999 variables
_STEP = 200  # of old entries that a write drops next to as many as it brings


class SqliteCache:
    """Keeps scores in a file, for all threads and for several processes on one machine.

    The file and its folder are made at first use. Then, and not before, these errors are raised:
    `sqlite3.Error` (locked for more than a second, full, read-only, damaged; a file that is no
    cache, or one of another version, is left as it is) and `OSError` (the folder can't be made).
    A process that is killed at any moment leaves the file intact. Not for network file systems,
    where SQLite's write-ahead log does not work.

    An entry takes 120 to 150 bytes on disk. Without `max_entries` the file grows for ever; with
    it, the entries written first go first, and their room is used again. A file that holds far more
    than a new bound shrinks step by step, with every write.

    A pickle holds its path and bound: in another process it opens the same file.

    Use it as a context manager or `close()` it; else it is closed with the interpreter. Once
    closed, it knows and keeps nothing.

    Raises:
        ConfigurationError: `path` is a folder or no path, or `max_entries` is no whole number of
            at least 1.
    """

    def __init__(self, path: str | os.PathLike[str], max_entries: int | None = None) -> None:
        self.path = _checked_path(path)
        self.max_entries = max_entries
        if max_entries is not None:
            self.max_entries = checked(MAX_ENTRIES_RULE, max_entries, "max_entries")
        self._file = SqliteFile(self.path)
        self._has_warned = False
        self._numbered = False  # the rows in the file, without a gap

    def get_many(self, keys: Sequence[str]) -> dict[str, CachedScore]:
        """The scores of the keys that are known."""
        found: dict[str, CachedScore] = {}
        if not keys:
            return found
        try:
            with self._file.reading() as connection:
                for start in range(0, len(keys), _KEYS_PER_QUERY):
                    found |= _read(connection, keys[start : start + _KEYS_PER_QUERY])
        except Closed:
            self._warn()
        return found

    def set_many(self, scores: Mapping[str, CachedScore]) -> None:
        """Keeps all of these scores in one transaction, or none. NaN is refused."""
        if not scores:
            return
        rows = [
            (key, float(score), model, _checksum(key, score, model))
            for key, (score, model) in scores.items()
        ]
        try:
            with self._file.writing() as connection, connection:
                connection.execute("BEGIN IMMEDIATE")
                # An entry that is written again keeps its place among the others.
                connection.executemany(
                    "INSERT INTO scores VALUES (?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET "
                    "score = excluded.score, model = excluded.model, checksum = excluded.checksum",
                    rows,
                )
                if self.max_entries is not None:
                    self._forget(connection, self.max_entries, len(rows) + _STEP)
        except Closed:
            self._warn()

    def clear(self) -> None:
        """Forgets everything, for all processes; the file keeps its size, to be filled anew."""
        try:
            with self._file.writing() as connection:
                connection.execute("DELETE FROM scores")
        except Closed:
            self._warn()

    def close(self) -> None:
        """Closes the file, for good."""
        self._file.close()

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
        try:
            with self._file.reading() as connection:
                return _count(connection)
        except Closed:
            self._warn()
            return 0

    def __reduce__(self) -> tuple[type[Self], tuple[str, int | None]]:
        # For worker processes: an open file does not travel, its place does.
        return type(self), (self.path, self.max_entries)

    def __repr__(self) -> str:
        bound = "" if self.max_entries is None else f", max_entries={self.max_entries}"
        return f"SqliteCache({self.path!r}{bound})"

    def _forget(self, connection: sqlite3.Connection, bound: int, at_most: int) -> None:
        """Drops the entries written first, where there are more than `bound`."""
        first, last = connection.execute(
            "SELECT (SELECT min(rowid) FROM scores), (SELECT max(rowid) FROM scores)"
        ).fetchone()
        count = last - first + 1
        if count > bound and not self._numbered:
            # Earlier releases left gaps. What is written since, and dropped from the beginning,
            # leaves none, and need not be counted, which takes a while in large files.
            exact = _count(connection)
            self._numbered, count = exact == count, exact
        if count > bound:
            connection.execute(
                "DELETE FROM scores WHERE rowid IN "
                "(SELECT rowid FROM scores ORDER BY rowid LIMIT ?)",
                (min(count - bound, at_most),),
            )

    def _warn(self) -> None:
        if not self._has_warned:
            self._has_warned = True
            logger.warning("%r was closed: it knows and keeps no scores any more.", self)


def _read(connection: sqlite3.Connection, keys: Sequence[str]) -> dict[str, CachedScore]:
    found = {}
    places = ",".join("?" * len(keys))
    for key, score, model, checksum in connection.execute(
        f"SELECT key, score, model, checksum FROM scores WHERE key IN ({places})", keys
    ).fetchall():
        if type(score) is not float or _checksum(key, score, model) != checksum:
            raise sqlite3.DatabaseError("damaged: use another path, or delete the file")
        found[key] = CachedScore(score, model)
    return found


def _count(connection: sqlite3.Connection) -> int:
    (count,) = connection.execute("SELECT count(*) FROM scores").fetchone()
    return int(count)


def _checked_path(path: object) -> str:
    # Absolute, so that it outlives a change of folder and is no name that SQLite gives a meaning.
    if not isinstance(path, str | os.PathLike) or not isinstance(os.fspath(path), str):
        raise ConfigurationError(f"path: give a string or a path, not {type(path).__name__}.")
    absolute = os.path.abspath(os.fspath(path))
    if "\0" in absolute:
        raise ConfigurationError("path: it has a null character; leave that out.")
    if os.path.isdir(absolute):
        raise ConfigurationError(f"path: {absolute} is a folder; name a file in it.")
    return absolute


_bits = struct.Struct("<d").pack


def _checksum(key: str, score: float, model: str | None) -> int:
    return zlib.crc32(f"{key}\0{model}".encode(), zlib.crc32(_bits(score)))
