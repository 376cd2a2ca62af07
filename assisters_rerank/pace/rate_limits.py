"""Two kinds of limit on what may be sent: so much a minute, and what the server reports is left.

Each counts one unit, requests or tokens, and answers how long a request of some amount has to wait
while others of some amount are under way. What is more than a whole window allows goes by itself.
"""

from __future__ import annotations

import math
from collections import deque
from typing import NamedTuple

from .allowance import Allowance

MINUTE = 60.0

# Whole seconds of the answer's date and of the window's end let the same end differ by as much.
_SAME_WINDOW = 1.5


class Wait(NamedTuple):
    """How long a request has to wait, in seconds: not less, and to ask again when not more.

    `at_most` is above `at_least` where an answer under way may tell more; infinite if only that.
    """

    at_least: float
    at_most: float

    def and_also(self, other: Wait) -> Wait:
        """The wait for both."""
        if other is GO:  # mostly
            return self
        return Wait(max(self.at_least, other.at_least), max(self.at_most, other.at_most))


GO = Wait(0.0, 0.0)


class OwnLimit:
    """No more in any minute than the user wants, or than the server allows and says no more of.

    A minute goes by the ends of its requests, since the server has counted them by then: one that
    is slow on its way and one that is fast can't meet in the same minute of the server's.
    """

    def __init__(self) -> None:
        self.counts = False
        """Whether there is a limit, so that what ends is counted."""
        self._ended: deque[tuple[float, int]] = deque()
        self._used = 0

    def wait(self, per_minute: int | None, in_flight: int, amount: int, now: float) -> Wait:
        """How long `amount` has to wait."""
        if per_minute is None:
            return GO
        self.counts = True
        self._forget_before(now - MINUTE)
        too_much = in_flight + self._used + min(amount, per_minute) - per_minute
        if too_much <= 0:
            return GO
        for ended, freed in self._ended:
            too_much -= freed
            if too_much <= 0:
                seconds = ended + MINUTE - now
                return Wait(seconds, seconds)
        # What is under way makes room a minute after its end.
        return Wait(MINUTE, MINUTE)

    def ended(self, amount: int, now: float) -> None:
        """A request of this amount was answered, or failed."""
        if self.counts:
            # In order, though cancelled ones are counted from an earlier time.
            latest = self._ended[-1][0] if self._ended else now
            self._ended.append((max(now, latest), amount))
            self._used += amount
            self._forget_before(now - MINUTE)

    def recount(self) -> None:
        """Sums up what is kept as a total."""
        self._used = sum(amount for _, amount in self._ended)

    def _forget_before(self, time: float) -> None:
        while self._ended and self._ended[0][0] <= time:
            self._used -= self._ended.popleft()[1]


class ReportedLimit:
    """What is left of the server's window, by what its answers report.

    Answers may overtake each other, and so may requests. Within a window what is left never grows,
    so the lowest figure counts, less all that is under way, of which no answer need know. A window
    goes by its end: an answer that reports a later one begins it.
    """

    def __init__(self) -> None:
        self.limit: int | None = None
        self._left = 0
        self._ends: float | None = None  # as the server reports it: the window's name
        self._resets_at: float | None = None  # the same on our clock, rather too late

    def is_used_up(self, amount: int) -> bool:
        """Whether the window is known to have no room for the amount."""
        return self.limit is not None and self._left < min(max(amount, 1), self.limit)

    def wait(self, in_flight: int, amount: int, now: float) -> Wait:
        """How long `amount` has to wait."""
        if self.limit is None:
            return GO
        if self._resets_at is not None and now >= self._resets_at:
            self._left, self._resets_at = self.limit, None
        wanted = min(amount, self.limit)
        if wanted <= self._left - in_flight:
            return GO
        resets_in = math.inf if self._resets_at is None else self._resets_at - now
        if in_flight and wanted <= self._left:
            return Wait(0.0, resets_in)
        if self._resets_at is not None:
            return Wait(resets_in, resets_in)
        # Where nothing is known of the window, and nothing under way will tell, one asks.
        return Wait(0.0, math.inf) if in_flight else GO

    def ended(self, amount: int, allowance: Allowance | None, now: float) -> None:
        """A request was answered, which reports this; or it failed, and may have counted."""
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
