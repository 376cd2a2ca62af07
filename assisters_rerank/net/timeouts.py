"""httpx's timeouts for blocking sockets, so that a whole answer is held to one budget."""

from __future__ import annotations

import math
import time
from typing import Any


class TimeLeft(dict[str, float]):
    """The timeout of each phase: the seconds that are left of the budget when the phase begins."""

    def __init__(self, deadline: float, budget: float) -> None:
        super().__init__(connect=budget, pool=budget, write=budget, read=budget)
        self._deadline = deadline

    def __getitem__(self, phase: str) -> float:
        return max(self._deadline - time.monotonic(), 0.001)

    def get(self, phase: str, default: object = None) -> Any:
        """What a transport takes as the phase's timeout in seconds."""
        return self[phase]

    def check(self) -> None:
        """Raises TimeoutError if the budget is used up."""
        if time.monotonic() >= self._deadline:
            raise TimeoutError("the budget is used up")


class CountingDown(TimeLeft):
    """The same for our own transports, whose timeouts get shorter within a phase.

    httpx gives the same timeout to every address of a host and to every single read and write, so
    that an answer which arrives byte by byte would never time out.
    """

    def get(self, phase: str, default: object = None) -> Any:
        """What httpcore takes as the phase's timeout in seconds."""
        if phase == "pool":  # a wait for a lock, which takes only real numbers
            return self[phase]
        return _Countdown(self._deadline)


class _Countdown:
    """A socket timeout that shrinks: each use asks anew how much is left.

    Python's sockets ask `__index__`, in whole seconds; those of gevent and eventlet `__float__`.
    """

    def __init__(self, deadline: float) -> None:
        self._deadline = deadline

    def __float__(self) -> float:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the budget is used up")
        return left

    def __index__(self) -> int:
        return math.ceil(float(self))
