"""What wakes a call that waits: from any thread, event loop, finalizer or signal handler."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import weakref
from collections.abc import Hashable
from typing import Any, Protocol

import anyio
import anyio.lowlevel


class Event(Protocol):
    """Wakes one waiting call."""

    line: Hashable
    """The same for all that wait in one event loop; one for all threads."""

    def set(self) -> bool:
        """Wakes the call; False if its event loop is closed. Never blocks or raises."""
        ...

    async def wait(self, seconds: float) -> bool:
        """Whether it is set, or was set since the last wait, within so many seconds."""
        ...


class ThreadEvent:
    """Wakes a thread. A bare lock: `threading.Event` has one of its own, which could block."""

    line: Hashable = "threads"

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()

    def set(self) -> bool:
        """Wakes the thread."""
        with contextlib.suppress(RuntimeError):  # it was set before
            self._lock.release()
        return True

    async def wait(self, seconds: float) -> bool:
        """Blocks the thread."""
        return self._lock.acquire(timeout=max(0.0, seconds))


class LoopEvent:
    """Wakes a task of the event loop that runs when it is made: asyncio's or trio's."""

    def __init__(self) -> None:
        token = anyio.lowlevel.current_token()
        loop = getattr(token, "native_token", token)  # before anyio 4.11 it is the loop
        self.line: Hashable = weakref.ref(loop)
        self._loop: Any = loop
        self._is_asyncio = isinstance(loop, asyncio.AbstractEventLoop)
        self._is_set = False
        self._waiter: asyncio.Future[None] | anyio.Event | None = None

    def set(self) -> bool:
        """Wakes the task."""
        try:
            if self._is_asyncio:
                self._loop.call_soon_threadsafe(self._set)
            else:
                self._loop.run_sync_soon(self._set)
        except RuntimeError:  # the loop is closed
            return False
        return True

    def _set(self) -> None:
        self._is_set = True
        self._end_waiting()

    def _end_waiting(self) -> None:
        if isinstance(self._waiter, anyio.Event):
            self._waiter.set()
        elif self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def wait(self, seconds: float) -> bool:
        """Lets the other tasks run."""
        if not self._is_set:
            await (self._wait_on_asyncio if self._is_asyncio else self._wait)(seconds)
        was_set, self._is_set = self._is_set, False
        return was_set

    async def _wait(self, seconds: float) -> None:
        self._waiter = waiter = anyio.Event()
        with anyio.move_on_after(seconds):
            await waiter.wait()

    async def _wait_on_asyncio(self, seconds: float) -> None:
        # Thousands may wait: this is a third of the objects that a cancel scope and an event take.
        self._waiter = waiter = self._loop.create_future()
        timer = self._loop.call_later(seconds, self._end_waiting)
        try:
            await waiter
        finally:
            timer.cancel()
