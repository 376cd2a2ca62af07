"""All that holds requests back, and what of them is under way.

Not for several threads at once: the queue's lock is around every call.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from ..wire.messages import Answer
from .allowance import allowances, minute_limits
from .rate_limits import GO, OwnLimit, ReportedLimit, Wait
from .recovery import Recovery
from .waiting import Limits, Turn

# An attempt may outlast its call's deadline by as much: sockets count in whole seconds.
_OUTLASTS = 1.0

REQUESTS, TOKENS = "requests a minute", "tokens a minute"


class AllLimits:
    """The user's own limits, those reported, a wait that was asked for, care after a refusal."""

    def __init__(self) -> None:
        self.in_flight: dict[int, Turn] = {}
        """By their tickets. Each counts until its call's deadline, if nothing ends it before."""
        self.tokens_in_flight = 0
        self.own_requests, self.own_tokens = OwnLimit(), OwnLimit()
        self.reported_requests, self.reported_tokens = ReportedLimit(), ReportedLimit()
        self.told_by_minute: tuple[int | None, int | None] = (None, None)
        """Requests and tokens that the server allows in a minute, where it reports only that."""
        self.recovery = Recovery()
        self.held_until = -math.inf
        self._next_end = math.inf  # of those in flight: none ends before

    def wait(self, turn: Turn, now: float) -> Wait:
        """How long the request has to wait if it is the next."""
        if now >= self._next_end:
            self._end_the_overdue(now)
        if not self._is_limited(turn.limits):
            return GO
        wait = GO
        for _, each in self._waits(turn, now):
            wait = wait.and_also(each)
        return wait if wait.at_most < math.inf else Wait(wait.at_least, self._next_end - now)

    def reason(self, turn: Turn, now: float) -> tuple[str, float] | None:
        """What holds the request back for longest, and for how many seconds; None if it may go."""
        if not self._is_limited(turn.limits):
            return None
        reason, wait = max(self._waits(turn, now), key=lambda each: each[1].at_least)
        return (reason, wait.at_least) if wait.at_least > 0 else None

    def _waits(self, turn: Turn, now: float) -> Iterator[tuple[str, Wait]]:
        """What may hold the request back, each with its wait."""
        requests, tokens = len(self.in_flight), self.tokens_in_flight
        held = self.held_until - now
        of_requests, of_tokens = self._by_minute(turn.limits)
        yield REQUESTS, self.own_requests.wait(of_requests, requests, 1, now)
        yield TOKENS, self.own_tokens.wait(of_tokens, tokens, turn.tokens, now)
        yield REQUESTS, self.reported_requests.wait(requests, 1, now)
        yield TOKENS, self.reported_tokens.wait(tokens, turn.tokens, now)
        yield "the server asked for it", Wait(held, held) if held > 0 else GO
        yield "care after a refusal", self.recovery.wait(self.held_until, now)

    def _is_limited(self, limits: Limits | None) -> bool:
        """Whether anything could hold a request back; mostly nothing does."""
        return (
            self.held_until > -math.inf
            or self.reported_requests.limit is not None
            or self.reported_tokens.limit is not None
            or self.recovery.is_careful
            or limits is None
            or limits.requests_per_minute is not None
            or limits.tokens_per_minute is not None
            or self.told_by_minute != (None, None)
        )

    def _by_minute(self, limits: Limits | None) -> tuple[int | None, int | None]:
        """The lower ones of the user's own limits and the server's."""
        own = (limits.requests_per_minute, limits.tokens_per_minute) if limits else (None, None)
        if self.told_by_minute == (None, None):  # mostly
            return own
        requests, tokens = (
            min((limit for limit in pair if limit is not None), default=None)
            for pair in zip(own, self.told_by_minute, strict=True)
        )
        return requests, tokens

    def let_go(self, turn: Turn, now: float) -> None:
        """The request is on its way."""
        turn.let_go_at = now
        turn.ends_at = math.inf if turn.time is None else turn.time.begin(now) + _OUTLASTS
        turn.round = self.recovery.let_go(now)
        self.in_flight[turn.ticket] = turn
        self.tokens_in_flight += turn.tokens
        self._next_end = min(self._next_end, turn.ends_at)

    def ended(self, turn: Turn, now: float, answer: Answer | None) -> bool:
        """The request is over; whether it may make room, which a refusal does not."""
        if self.in_flight.pop(turn.ticket, None) is None:
            return True
        self.tokens_in_flight -= turn.tokens
        if answer is not None and answer.status < 300:
            self.told_by_minute = minute_limits(answer)
            self.own_requests.counts |= self.told_by_minute[0] is not None
            self.own_tokens.counts |= self.told_by_minute[1] is not None
        self.own_requests.ended(1, now)
        self.own_tokens.ended(turn.tokens, now)
        requests, tokens = (None, None) if answer is None else allowances(answer)
        self.reported_requests.ended(1, requests, now)
        self.reported_tokens.ended(turn.tokens, tokens, now)
        taken = answer is not None and answer.status != 429 and answer.status < 500
        self.recovery.ended(turn.round, taken=taken)
        return taken or answer is None

    def _end_the_overdue(self, now: float) -> None:
        for turn in [turn for turn in self.in_flight.values() if turn.ends_at <= now]:
            self.ended(turn, turn.ends_at, None)
        self._next_end = min((turn.ends_at for turn in self.in_flight.values()), default=math.inf)

    def refused(self, turn: Turn) -> int | None:
        """See `Recovery.refused`."""
        explained = self.reported_requests.is_used_up(1) or (
            self.reported_tokens.is_used_up(turn.tokens)
        )
        return self.recovery.refused(turn.round, explained=explained)

    def hold(self, until: float) -> None:
        """Lets nothing go until then."""
        self.held_until = max(self.held_until, until)

    def recount(self) -> None:
        """Sums up again what is kept as totals: something was raised in the middle."""
        flying = list(self.in_flight.values())
        self.tokens_in_flight = sum(turn.tokens for turn in flying)
        self._next_end = min((turn.ends_at for turn in flying), default=math.inf)
        self.own_requests.recount()
        self.own_tokens.recount()
        self.recovery.recount(sum(turn.round == self.recovery.round for turn in flying))
