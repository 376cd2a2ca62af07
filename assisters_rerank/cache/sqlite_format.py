"""The format of a cache's file: how an empty one becomes a cache, and any other is refused."""

from __future__ import annotations

import sqlite3
import time

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


def prepare(connection: sqlite3.Connection, patience: float) -> None:
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
    _write_ahead(connection, patience)
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


def _write_ahead(connection: sqlite3.Connection, patience: float) -> None:
    # SQLite does not wait here, where several processes may come at once.
    until = time.monotonic() + patience
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(0.005)
        else:
            return
