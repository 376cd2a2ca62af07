"""The time of a whole call, retries and waits included."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from ..errors import BudgetExceeded
from ..net import Port

T = TypeVar("T")


@dataclass(slots=True)
class Budget:
    """So many seconds from the call's begin; every attempt gets what is left of them.

    With a `queue_deadline`, a time on that clock, they begin with the turn of each attempt, and
    waits for the turn go on until then; nothing goes on for longer.
    """

    port: Port
    seconds: float
    queue_deadline: float | None = None
    deadline: float = field(init=False)
    met_outage: bool = False
    """Whether a request of the call met a service that is down, as far as that can be told."""

    def __post_init__(self) -> None:
        ends = self.port.now() - self.port.spent + self.seconds
        self.deadline = ends if self.queue_deadline is None else self.queue_deadline

    @property
    def waits_until(self) -> float:
        """When waiting for a turn ends."""
        return self.deadline if self.queue_deadline is None else self.queue_deadline

    def begin(self, now: float) -> float:
        """A turn has come; the deadline of what is sent."""
        if self.queue_deadline is not None:
            self.deadline = min(now + self.seconds, self.queue_deadline)
        return self.deadline

    def left(self) -> float:
        """Seconds left, 0 or less when the time is up."""
        return self.deadline - self.port.now()

    async def aside(self, work: Callable[[], T], doing: str) -> T:
        """What `work` gives, which is done out of an event loop's way, for as long as time is left.

        Raises:
            BudgetExceeded: the time was used up; `doing` says what for.
        """
        try:
            return await self.port.aside(work, self.left())
        except TimeoutError:
            if self.left() > 0:
                raise  # the work's own
        raise self._used_up(doing)

    def check(self, doing: str) -> Callable[[], None]:
        """What raises BudgetExceeded once the time is up; work in any thread may call it."""
        end = time.monotonic() + self.left()  # a loop's own clock can only be asked in the loop

        def check_time() -> None:
            if time.monotonic() >= end:
                raise self._used_up(doing)

        return check_time

    def _used_up(self, doing: str) -> BudgetExceeded:
        return BudgetExceeded(f"timeout={self.seconds:g} s was used up while {doing}.")

    def end(self) -> None:
        """Ends the call's time now, so that requests that nobody waits for stop retrying."""
        self.deadline = self.port.now()
        if self.queue_deadline is not None:
            self.queue_deadline = self.deadline
