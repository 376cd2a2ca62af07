"""Tests that measure time have the machine to themselves: a lock between the worker processes.

A test marked `timed` holds it alone, all others hold it together. Two files: whoever wants in takes
the `door` first, and a timed test keeps it while it waits for the `room` to become empty. So nobody
else comes in meanwhile, and it waits no longer than for the tests that have begun.
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
    """One process's way into the room; the others' begin in the same folder."""

    def __init__(self, folder: Path) -> None:
        self._door = os.open(folder / "door.lock", os.O_RDWR | os.O_CREAT, 0o600)
        self._room = os.open(folder / "room.lock", os.O_RDWR | os.O_CREAT, 0o600)

    def close(self) -> None:
        os.close(self._door)
        os.close(self._room)

    @contextmanager
    def take(self, *, alone: bool) -> Iterator[None]:
        """Waits for a turn, and ends it with the block."""
        if fcntl is None:
            yield
            return
        try:
            fcntl.flock(self._door, fcntl.LOCK_EX)
            try:
                fcntl.flock(self._room, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
            finally:
                fcntl.flock(self._door, fcntl.LOCK_UN)
            yield
        finally:
            # Said, not left to close(): a forked child may hold the same file open for longer.
            fcntl.flock(self._room, fcntl.LOCK_UN)
