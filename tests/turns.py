"""Tests that measure time are kept apart from all others: locks between the worker processes.

There are two rooms: one for the tests marked `timed`, one for all others. In each there may be as
many as there are workers, but never in both at once. A test marked `timed(alone=True)`, which
measures what takes much of the processor, has both rooms to itself. Whoever wants in takes the
`door` first, and keeps it until there is room. So nobody else comes in meanwhile, and it waits no
longer than for the tests that have begun.
"""

from __future__ import annotations

import enum
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows: nobody is kept out
    fcntl = None  # type: ignore[assignment]


class Turn(enum.IntEnum):
    """With whom a test may run at once; in this order they are run."""

    TOGETHER = 0  # with all that measure no time
    ALONE = 1
    TIMED = 2  # with others that measure time, most of which wait


class Turns:
    """One process's way into the rooms; the others' begin in the same folder."""

    def __init__(self, folder: Path) -> None:
        self._door, self._together, self._timed = (
            os.open(folder / f"{name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
            for name in ("door", "together", "timed")
        )

    def close(self) -> None:
        for lock in (self._door, self._together, self._timed):
            os.close(lock)

    @contextmanager
    def take(self, turn: Turn) -> Iterator[None]:
        """Waits for a turn, and ends it with the block."""
        if fcntl is None:
            yield
            return
        try:
            fcntl.flock(self._door, fcntl.LOCK_EX)
            try:
                for lock, own in ((self._together, Turn.TOGETHER), (self._timed, Turn.TIMED)):
                    fcntl.flock(lock, fcntl.LOCK_SH if turn is own else fcntl.LOCK_EX)
                    if turn not in (own, Turn.ALONE):  # it was empty, and the door is held
                        fcntl.flock(lock, fcntl.LOCK_UN)
            finally:
                fcntl.flock(self._door, fcntl.LOCK_UN)
            yield
        finally:
            # Said, not left to close(): a forked child may hold the same file open for longer.
            for lock in (self._together, self._timed):
                fcntl.flock(lock, fcntl.LOCK_UN)
