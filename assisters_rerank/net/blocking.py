"""The world without an event loop: threads and blocking sockets."""

from __future__ import annotations

import contextvars
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from queue import Empty, SimpleQueue
from typing import Any, TypeVar, cast

import httpx

from ..wire.messages import Answer, Request
from .body import Body
from .clients import Clients
from .events import ThreadEvent
from .failures import failure_to_send
from .timeouts import CountingDown, TimeLeft
from .transports import Poster, ViaClient

T = TypeVar("T")


def run_blocking(coroutine: Coroutine[Any, Any, T]) -> T:
    """Runs a coroutine that awaits nothing but a `Blocking` port."""
    try:
        coroutine.send(None)
    except StopIteration as finished:
        return cast("T", finished.value)
    coroutine.close()
    raise RuntimeError("the flow awaited something that is not its port")


async def _coroutine(call: Callable[[], Awaitable[T]]) -> T:
    return await call()


class Blocking:
    """Threads and blocking sockets. One request runs in the caller's own thread."""

    spent = 0.0

    def __init__(self, clients: Clients, own: httpx.Client | None) -> None:
        self._clients = clients
        self._own = None if own is None else ViaClient(own)

    def now(self) -> float:
        """Seconds on the monotonic clock."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Blocks the thread."""
        time.sleep(seconds)  # noqa: ASYNC251 - this world has no loop to block

    def event(self) -> ThreadEvent:
        """For this thread."""
        return ThreadEvent()

    async def send(self, request: Request, budget: float) -> Answer:
        """POSTs with a `Poster`; see `Port.send`."""
        deadline = self.now() + budget
        timeouts = (CountingDown if self._own is None else TimeLeft)(deadline, budget)
        poster: Poster | None = self._own
        try:
            poster = poster or self._clients.blocking(request.url)
            response = poster.post(request, {"timeout": timeouts})
            try:
                body = Body(request, response)
                for part in () if body.is_whole else response.iter_raw():
                    for _ in body.add(part):
                        timeouts.check()
                    timeouts.check()
                    if body.is_whole:
                        break
                return body.answer()
            finally:
                response.close()
        except Exception as error:
            failure = failure_to_send(
                error,
                request,
                poster,
                own=self._own is not None,
                timed_out=self.now() >= deadline,
            )
        raise failure

    async def together(self, calls: Sequence[Callable[[], Awaitable[T]]], limit: int) -> list[T]:
        """Runs the calls in threads that see the caller's context variables."""
        waiting: SimpleQueue[tuple[int, Callable[[], Awaitable[T]]]] = SimpleQueue()
        finished: SimpleQueue[tuple[int, T] | BaseException] = SimpleQueue()
        for place_and_call in enumerate(calls):
            waiting.put(place_and_call)

        def work() -> None:
            try:
                while True:
                    place, call = waiting.get_nowait()
                    finished.put((place, run_blocking(_coroutine(call))))
            except Empty:
                return
            except BaseException as error:
                finished.put(error)

        for _ in range(min(limit, len(calls))):
            seen = contextvars.copy_context()
            # Daemons: after a failure nobody waits for the rest, not even the interpreter's end.
            threading.Thread(target=seen.run, args=(work,), daemon=True, name="rerank").start()
        results: dict[int, T] = {}
        while len(results) < len(calls):
            outcome = finished.get()
            if isinstance(outcome, BaseException):
                raise outcome
            results[outcome[0]] = outcome[1]
        return [results[place] for place in range(len(calls))]

    async def aside(self, work: Callable[[], T], budget: float) -> T:
        """Runs it here: there is no loop to keep free."""
        return work()
