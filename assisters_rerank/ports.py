"""The two worlds that the flow runs in: `Blocking` without an event loop, `Evented` on any loop.

The flow is one coroutine that awaits nothing but its port. `Blocking`'s methods never suspend,
so `run_blocking` finishes the coroutine in a single step: no loop, no thread, and no trouble in a
notebook, where a loop already runs. Both ports turn every failure to get an answer into
`TransportError`; statuses and bodies are the flow's business.
"""

from __future__ import annotations

import contextvars
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from queue import Empty, SimpleQueue
from typing import Any, Protocol, TypeVar, cast

import anyio
import anyio.to_thread
import httpx

from . import loops
from .clients import Clients
from .errors import BudgetExceeded, ConfigurationError, TransportError
from .messages import Answer, Request
from .timeouts import TimeLeft
from .transports import AsyncPoster, AsyncViaClient, Poster, ViaClient

T = TypeVar("T")

# Of httpx's own: the budget around an async request covers every phase.
_NO_TIMEOUTS = httpx.Timeout(None).as_dict()


class Port(Protocol):
    """What the flow may ask of the world around it."""

    def now(self) -> float:
        """Seconds on a clock for measuring spans, which the ports of a process have in common."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Waits."""
        ...

    async def send(self, request: Request, budget: float) -> Answer:
        """POSTs the request and reads the whole answer within `budget` seconds.

        Raises:
            TransportError: no whole answer arrived (BudgetExceeded: not in time).
        """
        ...

    async def together(self, calls: Sequence[Callable[[], Awaitable[T]]], limit: int) -> list[T]:
        """Runs the calls side by side, `limit` at a time; the first failure ends them all."""
        ...

    async def aside(self, work: Callable[[], T], budget: float) -> T:
        """Runs what computes or reads files for a while, out of an event loop's way.

        Raises:
            TimeoutError: it took longer than `budget` seconds, where that can be told.
        """
        ...


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

    def __init__(self, clients: Clients, own: httpx.Client | None) -> None:
        self._clients = clients
        self._own = None if own is None else ViaClient(own)

    def now(self) -> float:
        """Seconds on the monotonic clock."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Blocks the thread."""
        time.sleep(seconds)  # noqa: ASYNC251 - this world has no loop to block

    async def send(self, request: Request, budget: float) -> Answer:
        """POSTs with a `Poster`; see `Port.send`."""
        deadline = self.now() + budget
        timeouts = TimeLeft(deadline, budget)
        poster: Poster = self._own or self._clients.blocking(request.url)
        try:
            response = poster.post(request, {"timeout": timeouts})
            try:
                timeouts.in_body = True
                return _answer(response, response.read())
            finally:
                response.close()
        except Exception as error:
            failure = _failure(
                error,
                request,
                poster,
                own=self._own is not None,
                timed_out=self.now() >= deadline,
            )
            if failure is None:
                raise
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


class Evented:
    """The running event loop: asyncio or trio, through anyio."""

    def __init__(self, clients: Clients, own: httpx.AsyncClient | None) -> None:
        self._clients = clients
        self._own = None if own is None else AsyncViaClient(own)
        self._ahead = loops.clock_ahead()

    def now(self) -> float:
        """Seconds on the loop's clock, less what that is ahead of the monotonic one."""
        return anyio.current_time() - self._ahead

    async def sleep(self, seconds: float) -> None:
        """Lets the other tasks run."""
        await anyio.sleep(seconds)

    async def send(self, request: Request, budget: float) -> Answer:
        """POSTs with an `AsyncPoster`; see `Port.send`."""
        poster: AsyncPoster | None = self._own
        try:
            with anyio.fail_after(budget):
                poster = poster or await self._clients.evented(request.url)
                response = await poster.post(request, {"timeout": _NO_TIMEOUTS})
                try:
                    return _answer(response, await response.aread())
                finally:
                    await response.aclose()
        except Exception as error:
            failure = _failure(
                error,
                request,
                poster,
                own=self._own is not None,
                timed_out=isinstance(error, TimeoutError),
            )
            if failure is None:
                raise
        raise failure

    async def together(self, calls: Sequence[Callable[[], Awaitable[T]]], limit: int) -> list[T]:
        """Runs the calls as tasks; a failure or a cancellation stops the others' requests."""
        results: dict[int, T] = {}
        seats = anyio.CapacityLimiter(limit)

        async def run(place: int, call: Callable[[], Awaitable[T]]) -> None:
            async with seats:
                results[place] = await call()

        try:
            async with anyio.create_task_group() as group:
                for place, call in enumerate(calls):
                    group.start_soon(run, place, call)
        except BaseExceptionGroup as several:
            failure = _first(several)
        else:
            return [results[place] for place in range(len(calls))]
        raise failure  # itself, as in the sync world, not a group

    async def aside(self, work: Callable[[], T], budget: float) -> T:
        """Runs it in a thread, which is left alone when its time is up or the call cancelled."""
        with anyio.fail_after(budget):
            return await anyio.to_thread.run_sync(work, abandon_on_cancel=True)


def _answer(response: httpx.Response, body: bytes) -> Answer:
    return Answer(response.status_code, response.headers, body)


def _failure(
    error: Exception,
    request: Request,
    poster: Poster | AsyncPoster | None,
    *,
    own: bool,
    timed_out: bool,
) -> Exception | None:
    """What a failure to send is called in our tree; None if it is none of ours.

    The original is not chained: its text may quote the server, and the server may quote the key.
    """
    told = request.redact(f"{type(error).__name__}: {error}".rstrip(": "))
    if timed_out:
        return BudgetExceeded(f"No whole answer from {request.url} within timeout ({told}).")
    aiohttp = sys.modules.get("aiohttp")  # httpx over aiohttp lets some of its errors through
    foreign = (aiohttp.ClientError,) if aiohttp else ()
    if isinstance(error, (httpx.HTTPError, OSError, *foreign)):
        return TransportError(f"No answer from {request.url} ({told}).")
    if isinstance(error, (httpx.InvalidURL, UnicodeError)):  # also a host that no DNS can know
        return ConfigurationError(f"base_url can't be used ({told}).")
    if isinstance(error, RuntimeError) and poster is not None and poster.is_closed:
        if own:
            return ConfigurationError("http_client or async_http_client: it has been closed.")
        return TransportError(f"The reranker was closed before the call ended ({told}).")
    return None


def _first(several: BaseExceptionGroup[BaseException]) -> BaseException:
    first = several.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
