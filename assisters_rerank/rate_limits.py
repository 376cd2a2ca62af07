"""Two kinds of limit on what may be sent: the user's own, and the one that the server tells of.

Each counts one unit, requests or tokens, and answers how long a request of some amount has to wait
when requests of other amounts are before it: 0 to go, seconds, or `SOON` where only an answer that
is under way can tell. What is more than a whole window allows goes alone.
"""

from __future__ import annotations

import math
from collections import deque

from .allowance import Allowance

MINUTE = 60.0

SOON = math.nan


class OwnLimit:
    """No more than the user wants in any minute.

    A minute goes by the ends of its requests, since the server has counted them by then: one that
    is slow on its way and one that is fast can't meet in the same minute of the server's.
    """

    def __init__(self) -> None:
        self._per_minute: int | None = None
        self._in_flight = 0
        self._ended: deque[tuple[float, int]] = deque()

    def wait(self, per_minute: int | None, before: int, amount: int, now: float) -> float:
        """How long `amount` has to wait behind `before`."""
        self._per_minute = per_minute
        if per_minute is None:
            return 0.0
        self._forget_before(now - MINUTE)
        room = per_minute - before - min(amount, per_minute)
        used = self._in_flight + sum(amount for _, amount in self._ended)
        if used <= room:
            return 0.0
        for ended, freed in self._ended:
            used -= freed
            if used <= room:
                return ended + MINUTE - now
        return SOON

    def let_go(self, amount: int) -> None:
        """A request of this amount is on its way."""
        self._in_flight += amount

    def end(self, amount: int, now: float) -> None:
        """It was answered, or failed."""
        self._in_flight -= amount
        if self._per_minute is not None:
            self._ended.append((now, amount))
            self._forget_before(now - MINUTE)

    def _forget_before(self, time: float) -> None:
        while self._ended and self._ended[0][0] <= time:
            self._ended.popleft()


class ToldLimit:
    """What is left of the server's window, by what its answers tell.

    The answer to the newest request counts, less what was let go after it, of which it can't know.
    Older ones can only lower that: within a window, what is left never grows.
    """

    def __init__(self) -> None:
        self.limit: int | None = None
        self._left = 0
        self._resets_at: float | None = None
        self._let_go = 0

    def wait(self, before: int, amount: int, now: float, *, told_soon: bool) -> float:
        """How long `amount` has to wait behind `before`; `told_soon`: newer answers are coming."""
        if self.limit is None:
            return 0.0
        if self._resets_at is not None and now >= self._resets_at:
            self._left, self._resets_at = self.limit, None
        if before + min(amount, self.limit) <= self._left:
            return 0.0
        if told_soon:
            return SOON
        # Where nothing is known of the window, and nothing under way will tell, the request asks.
        return 0.0 if self._resets_at is None else self._resets_at - now

    def let_go(self, amount: int) -> int:
        """A request of this amount is on its way; returns its mark, for `learn`."""
        self._left -= amount
        self._let_go += amount
        return self._let_go

    def learn(self, allowance: Allowance | None, mark: int, now: float, *, newest: bool) -> None:
        """What the answer to the request with this mark tells; `newest`: no later one is known."""
        if allowance is None:
            return
        self.limit = allowance.limit
        if newest:
            self._left = allowance.remaining - (self._let_go - mark)
        else:
            self._left = min(self._left, allowance.remaining)
        if allowance.resets_in is not None:
            self._resets_at = max(self._resets_at or -math.inf, now + allowance.resets_in)
