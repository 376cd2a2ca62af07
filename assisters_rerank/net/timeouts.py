"""Timeouts for blocking sockets that count down, so that a whole answer is held to one budget."""

from __future__ import annotations

import math
import time
from typing import Any


class TimeLeft(dict[str, float]):
    """httpx's timeouts, of which it asks one for every phase: what is left of the budget then.

    httpx would hand the same timeout to every address of a host and to every single read and
    write, so that an answer which drips never times out; what it gets here counts down.
    """

    def __init__(self, deadline: float, budget: float) -> None:
        super().__init__(connect=budget, pool=budget, write=budget, read=budget)
        self._deadline = deadline

    def get(self, phase: str, default: object = None) -> Any:
        """What httpcore takes as the phase's timeout in seconds."""
        if phase == "pool":  # a wait for a lock, which takes numbers alone
            return max(self._deadline - time.monotonic(), 0.001)
        return _Countdown(self._deadline)


class _Countdown:
    """A socket timeout that shrinks: sockets ask `__index__` anew, in whole seconds."""

    def __init__(self, deadline: float) -> None:
        self._deadline = deadline

    def __index__(self) -> int:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the budget is used up")
        return math.ceil(left)
