"""Daemon threads of our own next to an event loop, for what computes or reads files.

A loop's default executor belongs to the user: it may be full of threads that wait for this very
call. Nothing here takes a lock, so that no signal handler and no finalizer can wait for itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import sys
import threading
from collections import deque
from collections.abc import Callable
from functools import partial
from queue import SimpleQueue
from typing import Any, TypeVar

from ..after_fork import in_child

T = TypeVar("T")


class Threads:
    """At most so many daemon threads, started when needed, which outlive every loop."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.start_anew()

    def start_anew(self) -> None:
        """In a forked child, where the parent's threads do not run."""
        self._waiting: SimpleQueue[Callable[[], object]] = SimpleQueue()
        self._idle: deque[None] = deque()
        self._unused: deque[None] = deque([None] * self._most)

    def start(self, work: Callable[[], object]) -> None:
        """Has `work`, which must not raise, done as soon as a thread is free."""
        self._waiting.put(work)
        with contextlib.suppress(IndexError):
            self._idle.pop()
            return
        with contextlib.suppress(IndexError):
            self._unused.pop()
            try:
                threading.Thread(target=self._serve, daemon=True, name="rerank-aside").start()
            except BaseException:
                self._unused.append(None)
                raise

    def _serve(self) -> None:
        waiting, idle = self._waiting, self._idle
        while True:
            waiting.get()()
            idle.append(None)


USERS = Threads(8)
"""For tokenizers, caches and large answers: what runs here may be the user's, and may hang."""

OURS = Threads(2)
"""For imports and certificates, which no work of the user's holds up."""

LOOK_UPS = Threads(4)
"""For names of hosts: a name server may be slow to answer."""


@in_child
def _start_anew() -> None:
    for threads in (USERS, OURS, LOOK_UPS):
        threads.start_anew()


async def in_thread(work: Callable[[], T], threads: Threads = USERS) -> T:
    """What `work` gives, done in a thread, which is left alone when the call is cancelled."""
    done, tell = _event()
    outcomes: list[Callable[[], T]] = []
    context = contextvars.copy_context()
    abandoned = False

    def serve() -> None:
        if abandoned:
            return
        outcomes.append(context.run(_outcome, work))
        with contextlib.suppress(RuntimeError):  # the loop is gone
            tell()

    threads.start(serve)
    try:
        await done.wait()
    finally:
        abandoned = True
    return outcomes[0]()


def runs_trio() -> bool:
    """Whether the caller's coroutine is trio's, which may itself be a guest of asyncio's loop."""
    if "trio" not in sys.modules:
        return False
    import sniffio  # trio's own way to say so

    return bool(sniffio.current_async_library() == "trio")


def _event() -> tuple[Any, Callable[[], object]]:
    """An event of the running library, and what sets it from another thread."""
    if runs_trio():
        import trio

        event = trio.Event()
        return event, partial(trio.lowlevel.current_trio_token().run_sync_soon, event.set)
    told = asyncio.Event()
    return told, partial(asyncio.get_running_loop().call_soon_threadsafe, told.set)


def _outcome(work: Callable[[], T]) -> Callable[[], T]:
    """What gives the result or raises the error, without a future, which changes some errors."""
    sniffio = sys.modules.get("sniffio")
    if sniffio is not None:  # no loop runs in this thread, whatever the caller's context says
        sniffio.current_async_library_cvar.set(None)
    try:
        result = work()
    except BaseException as error:  # of a thread nobody else would hear of it
        failure = error

        def fail() -> T:
            raise failure

        return fail
    return lambda: result
