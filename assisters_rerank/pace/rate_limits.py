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

# Whole seconds of the answer's date and of the window's end let the same end differ by as much.
_SAME_WINDOW = 1.5


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
        # What is under way, or still before it, makes room a minute after its end.
        return MINUTE

    def let_go(self, amount: int) -> None:
        """A request of this amount is on its way."""
        self._in_flight += amount

    def end(self, amount: int, now: float) -> None:
        """It was answered, or failed."""
        self._in_flight -= amount
        if self._per_minute is not None:
            # In order, though cancelled ones are counted from an earlier time.
            latest = self._ended[-1][0] if self._ended else now
            self._ended.append((max(now, latest), amount))
            self._forget_before(now - MINUTE)

    def _forget_before(self, time: float) -> None:
        while self._ended and self._ended[0][0] <= time:
            self._ended.popleft()


class ToldLimit:
    """What is left of the server's window, by what its answers tell.

    Answers may overtake each other, and so may requests. Within a window what is left never grows,
    so the lowest figure counts, less all that is under way, of which no answer need know. A window
    goes by its end: an answer that tells of a later one begins it.
    """

    def __init__(self) -> None:
        self.limit: int | None = None
        self._left = 0
        self._ends: float | None = None  # as the server tells it: the window's name
        self._resets_at: float | None = None  # the same on our clock, rather too late
        self._in_flight = 0

    def wait(self, before: int, amount: int, now: float) -> float:
        """How long `amount` has to wait behind `before`."""
        if self.limit is None:
            return 0.0
        if self._resets_at is not None and now >= self._resets_at:
            self._left, self._resets_at = self.limit, None
        wanted = before + min(amount, self.limit)
        if wanted <= self._left - self._in_flight:
            return 0.0
        if self._in_flight and wanted <= self._left:
            return SOON
        if self._resets_at is not None:
            return self._resets_at - now
        # Where nothing is known of the window, and nothing under way will tell, the first asks.
        return SOON if self._in_flight or before else 0.0

    def let_go(self, amount: int) -> None:
        """A request of this amount is on its way."""
        self._in_flight += amount

    def end(self, amount: int, allowance: Allowance | None, now: float) -> None:
        """It was answered, and what the answer tells; or it failed, and may have counted."""
        self._in_flight -= amount
        if allowance is None:
            self._left -= amount
            return
        self.limit = allowance.limit
        if self._is_later(allowance.ends):
            self._left, self._ends, self._resets_at = allowance.remaining, allowance.ends, None
        else:
            self._left = min(self._left, allowance.remaining)
        if allowance.resets_in is not None:
            self._resets_at = max(self._resets_at or -math.inf, now + allowance.resets_in)

    def _is_later(self, ends: float | None) -> bool:
        """Whether this is the end of a later window; where windows have no ends, any may be."""
        return ends is None or self._ends is None or ends > self._ends + _SAME_WINDOW
