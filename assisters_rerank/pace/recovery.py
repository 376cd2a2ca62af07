"""After a refusal: one request as a probe, then carefully more.

A server that does not report its limit refuses all that is too much, so that whatever was sent at
once would be refused at once again. After each refusal a round begins: one request is sent, and
with the answers more may be under way at a time, as in TCP's slow start and congestion avoidance
(RFC 5681). What the round before had taken when it was refused is sent no faster than that again;
what goes beyond is sent one by one. So a limit on requests in a window costs one refusal a window,
and a limit on parallel requests is found without a burst.
"""

from __future__ import annotations

import math
import random

from .rate_limits import GO, Wait

# Where the server names no wait: 0.5 s doubled each time, at most 8 s, each shortened by up to half
# at random so that callers don't come back all at once.
_FIRST_WAIT = 0.5
_LONGEST_WAIT = 8.0

# Without a refusal for so long, care ends: limits are a minute's.
_QUIET = 60.0

# An answer that takes longer than this holds nobody back: it may never come.
_PATIENCE = 5.0


def back_off(retries: int) -> float:
    """Seconds to wait before the next attempt, after so many of them."""
    longest = min(_FIRST_WAIT * 2.0 ** min(retries, 10), _LONGEST_WAIT)
    return longest * random.uniform(0.5, 1.0)


class Recovery:
    """How many requests may be under way, after a refusal that no reported limit explains."""

    def __init__(self) -> None:
        self.round = 0
        self.is_careful = False
        self._room = 1.0
        self._double_below = 1.0
        self._sent = self._taken = self._in_flight = self._most = 0
        self._known = self._known_round = 0
        self._refused_rounds = 0
        self._last_sent = -math.inf

    def wait(self, held_until: float, now: float) -> Wait:
        """How long the next request has to wait."""
        if not self.is_careful or self._in_flight < self._room:
            return GO
        if now >= held_until + _QUIET:
            self.is_careful = False
            return GO
        return Wait(0.0, max(0.0, self._last_sent + _PATIENCE - now))

    def let_go(self, now: float) -> int:
        """A request is on its way; in which round."""
        self._sent += 1
        self._in_flight += 1
        self._most = max(self._most, self._in_flight)
        self._last_sent = now
        if self._sent == self._known:
            self._room = 1.0
        return self.round

    def ended(self, round: int, *, taken: bool) -> None:
        """A request of this round is over; `taken` if the server has not refused it."""
        if round == self.round:
            self._in_flight -= 1
            if taken:
                self._taken += 1
                self._refused_rounds = 0
                self._room += 1 if self._room < self._double_below else 1 / self._room
        elif taken and round == self._known_round:
            self._known += 1

    def refused(self, round: int, *, explained: bool) -> int | None:
        """How many rounds before were refused in a row; None if this is no news of this round.

        `explained` if a reported limit says the same, which then is all the care that is needed.
        """
        if round != self.round:
            return None
        if self._sent > 1:
            self._known, self._known_round = self._taken, round
            self._double_below = self._most / 2
        self.round += 1
        self.is_careful = self.is_careful or not explained
        self._room = 1.0
        self._sent = self._taken = self._in_flight = self._most = 0
        self._refused_rounds += 1
        return self._refused_rounds - 1

    def recount(self, in_flight: int) -> None:
        """Sets the number of this round's requests that are under way."""
        self._in_flight = in_flight
