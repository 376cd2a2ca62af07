"""Tests that measure time are kept apart from all others: locks between the worker processes.

There are two rooms: one for the tests marked `timed`, one for all others. In each there may be as
many as there are workers, but never in both at once. Whoever wants in takes the `door` first, and
keeps it until the other room is empty. So nobody else comes in meanwhile, and it waits no longer
than for the tests that have begun.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows: nobody is kept out
    fcntl = None  # type: ignore[assignment]


class Turns:
    """One process's way into the rooms; the others' begin in the same folder."""

    def __init__(self, folder: Path) -> None:
        self._door, self._timed, self._others = (
            os.open(folder / f"{name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
            for name in ("door", "timed", "others")
        )

    def close(self) -> None:
        for lock in (self._door, self._timed, self._others):
            os.close(lock)

    @contextmanager
    def take(self, *, timed: bool) -> Iterator[None]:
        """Waits for a turn, and ends it with the block."""
        if fcntl is None:
            yield
            return
        own, other = (self._timed, self._others) if timed else (self._others, self._timed)
        try:
            fcntl.flock(self._door, fcntl.LOCK_EX)
            try:
                fcntl.flock(other, fcntl.LOCK_EX)  # it is empty, and stays so: the door is held
                fcntl.flock(other, fcntl.LOCK_UN)
                fcntl.flock(own, fcntl.LOCK_SH)
            finally:
                fcntl.flock(self._door, fcntl.LOCK_UN)
            yield
        finally:
            # Said, not left to close(): a forked child may hold the same file open for longer.
            fcntl.flock(own, fcntl.LOCK_UN)
