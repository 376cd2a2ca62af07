"""What the flow may ask of the world around it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

from ..wire.messages import Answer, Request
from .events import Event

T = TypeVar("T")


class Port(Protocol):
    """What the flow may ask of the world around it."""

    spent: float
    """Seconds of the call that went by before its port was there."""

    def now(self) -> float:
        """Seconds on a clock for measuring spans, which the ports of a process have in common."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Waits."""
        ...

    def event(self) -> Event:
        """A new event that this call can wait for, and whoever wants to wake it can set."""
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
