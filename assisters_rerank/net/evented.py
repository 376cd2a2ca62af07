"""The world of event loops: asyncio and trio, through anyio."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import anyio
import anyio.lowlevel
import httpx

from ..wire.messages import Answer, Request
from . import loops
from .body import Body
from .clients import Clients
from .events import LoopEvent
from .failures import failure_to_send
from .threads import in_thread
from .transport_choice import AsyncTransport
from .transports import AsyncPoster, AsyncViaClient

T = TypeVar("T")

# Of httpx's own: the budget around an async request covers every phase.
_NO_TIMEOUTS = httpx.Timeout(None).as_dict()


class Evented:
    """The running event loop: asyncio or trio, through anyio."""

    def __init__(
        self,
        clients: Clients,
        own: httpx.AsyncClient | None,
        transport: AsyncTransport = "auto",
        spent: float = 0.0,
    ) -> None:
        self._clients = clients
        self._transport: AsyncTransport = transport
        self._own = None if own is None else AsyncViaClient(own)
        self.spent = spent
        self._ahead = loops.clock_ahead()

    def now(self) -> float:
        """Seconds on the loop's clock, less what that is ahead of the monotonic one."""
        return anyio.current_time() - self._ahead

    async def sleep(self, seconds: float) -> None:
        """Lets the other tasks run."""
        await anyio.sleep(seconds)

    def event(self) -> LoopEvent:
        """For the running loop."""
        return LoopEvent()

    async def send(self, request: Request, budget: float) -> Answer:
        """POSTs with an `AsyncPoster`; see `Port.send`."""
        poster: AsyncPoster | None = self._own
        try:
            with anyio.fail_after(budget):
                poster = poster or await self._clients.evented(request.url, self._transport)
                response = await poster.post(request, {"timeout": _NO_TIMEOUTS})
                try:
                    return await _read(Body(request, response), response)
                finally:
                    await response.aclose()
        except Exception as error:
            failure = failure_to_send(
                error,
                request,
                poster,
                own=self._own is not None,
                timed_out=isinstance(error, TimeoutError),
            )
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
            failure = first_of(several)
        else:
            return [results[place] for place in range(len(calls))]
        raise failure  # itself, as in the sync world, not a group

    async def aside(self, work: Callable[[], T], budget: float) -> T:
        """Runs it in a thread, which is left alone when its time is up or the call cancelled."""
        with anyio.fail_after(budget):
            return await in_thread(work)


async def _read(body: Body, response: httpx.Response) -> Answer:
    if not body.is_whole:
        async for part in response.aiter_raw():
            for _ in body.add(part):
                await anyio.lowlevel.checkpoint()
            if body.is_whole:
                break
    return body.answer()


def first_of(several: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first of what ended several tasks at once."""
    first = several.exceptions[0]
    return first_of(first) if isinstance(first, BaseExceptionGroup) else first
