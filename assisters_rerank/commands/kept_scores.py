"""Where a command keeps the scores that were paid for: in the user's cache folder, or --cache."""

from __future__ import annotations

import errno
import hashlib
import os
import sqlite3
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from ..cache.sqlite_cache import SqliteCache
from ..errors import ConfigurationError

_DAYS = 30  # after which nobody goes on with a run that was broken off
_ASIDE = ("", "-wal", "-shm")  # SQLite's own files have these endings


def opened(file: Path) -> SqliteCache:
    """The cache in this file, which is read once, so that what is wrong with it shows at once.

    Raises:
        ConfigurationError: it cannot be read or written.
    """
    cache = SqliteCache(file)
    try:
        cache.get_many(["-"])
        if not os.access(file, os.W_OK):
            raise PermissionError(errno.EACCES, "it cannot be written", str(file))
    except (OSError, sqlite3.Error) as error:
        cache.close()
        reason = getattr(error, "strerror", None) or error
        raise ConfigurationError(f"cache: {file} cannot be used ({reason}).") from None
    return cache


def in_users_folder(name: str) -> SqliteCache | None:
    """A cache of this name in the user's cache folder; None, and a line, where there is none."""
    try:
        return opened(_folder() / name)
    except ConfigurationError as error:
        sys.stderr.write(
            "assisters-rerank: The scores of this run are not kept: "
            f"{str(error).removeprefix('cache: ').rstrip('.')}; --cache FILE keeps them in another "
            "file.\n"
        )
        return None


def name_for(base_url: str, model: str, query: str, texts: Sequence[str]) -> str:
    """A file for the scores of one run: the same for the same documents, in whatever order."""
    digest = hashlib.blake2b(digest_size=12)
    for part in (base_url, model, query, *sorted(set(texts))):
        digest.update(f"{len(part)}:{part}".encode("utf-8", "surrogatepass"))
    return f"run-{digest.hexdigest()}.db"


def remove(cache: SqliteCache) -> None:
    """Closes a run's cache and deletes its file, and those that were left behind long ago."""
    cache.close()
    file = Path(cache.path)
    old = time.time() - _DAYS * 86_400
    left = [each for each in file.parent.glob("run-*.db") if _modified(each) < old]
    for each in (file, *left):
        for ending in _ASIDE:
            with suppress(OSError):
                each.with_name(each.name + ending).unlink(missing_ok=True)


def _modified(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except OSError:
        return time.time()


def _folder() -> Path:
    """As the XDG base directory specification has it; on Windows %LOCALAPPDATA%."""
    named = os.environ.get("LOCALAPPDATA" if os.name == "nt" else "XDG_CACHE_HOME", "")
    try:
        folder = Path(named or Path.home() / ".cache")
    except RuntimeError:
        folder = Path()
    if not named and os.environ.get("HOME") == "":  # which Python takes for the root folder
        folder = Path()
    if not folder.is_absolute():
        raise ConfigurationError("cache: there is no home folder; set HOME or XDG_CACHE_HOME.")
    return folder / "assisters-rerank"
