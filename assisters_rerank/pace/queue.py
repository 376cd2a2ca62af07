"""How fast a reranker may send: one queue for all its threads and event loops.

Three things hold requests back, and all waiting ones at once: the user's own limits, what the
server tells of its limits, and a wait that it asked for (`Retry-After`). Times are seconds on the
clock that all ports share.
"""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass
from typing import Protocol

from ..after_fork import start_anew_in_child
from ..wire.messages import Answer
from .allowance import requests_allowed, tokens_allowed
from .rate_limits import OwnLimit, ToldLimit

# How soon to ask again when only an answer under way can tell; later for those far back.
_LOOK_AGAIN = 0.05
_LOOK_AGAIN_AT_MOST = 0.5


class Limits(Protocol):
    """The user's own limits: `RerankOptions`."""

    requests_per_minute: int | None
    tokens_per_minute: int | None


class HasDeadline(Protocol):
    """The time of the call that a request belongs to: `Budget`, which may be ended early."""

    deadline: float


@dataclass(slots=True)
class Turn:
    """One request's place in the queue, which it keeps over its retries."""

    ticket: int
    tokens: int
    time: HasDeadline | None
    let_go_at: float = 0.0


class Pace:
    """Lets requests go, no faster than the limits allow; room that is scarce goes to the first."""

    def __init__(self) -> None:
        self.start_anew()
        start_anew_in_child(self)

    def start_anew(self) -> None:
        """Forgets everything: in a forked child, it is the parent's."""
        self._lock = threading.Lock()
        self._tickets = 0
        self._waiting: dict[int, Turn] = {}
        self._in_flight: dict[int, Turn] = {}
        self._own_requests, self._own_tokens = OwnLimit(), OwnLimit()
        self._told_requests, self._told_tokens = ToldLimit(), ToldLimit()
        self._held_until = -math.inf

    def counts_tokens(self, limits: Limits) -> bool:
        """Whether it matters how many tokens a request has."""
        return limits.tokens_per_minute is not None or self._told_tokens.limit is not None

    def queue(self, tokens: int = 0, time: HasDeadline | None = None) -> Turn:
        """A place at the queue's end, until its time is over, for a request of so many tokens."""
        with self._lock:
            self._tickets += 1
            turn = self._waiting[self._tickets] = Turn(self._tickets, tokens, time)
            return turn

    def wait(self, turn: Turn, now: float, limits: Limits) -> float:
        """0 if the request may go, and it counts as gone; else seconds until to ask again.

        A request that was refused asks for its next attempt in the same way, at its old place.
        """
        with self._lock:
            self._waiting.setdefault(turn.ticket, turn)
            if self._is_needed(limits) and (wait := self._wait(turn, now, limits)) > 0:
                return wait
            del self._waiting[turn.ticket]
            self._in_flight[turn.ticket] = turn
            self._own_requests.let_go(1)
            self._own_tokens.let_go(turn.tokens)
            turn.let_go_at = now
            self._told_requests.let_go(1)
            self._told_tokens.let_go(turn.tokens)
            return 0.0

    def _is_needed(self, limits: Limits) -> bool:
        """Whether anything could hold a request back; mostly nothing does."""
        return (
            self._held_until > -math.inf
            or self._told_requests.limit is not None
            or self.counts_tokens(limits)
            or limits.requests_per_minute is not None
        )

    def _wait(self, turn: Turn, now: float, limits: Limits) -> float:
        # A call that has failed may have left threads asleep, which will not send any more.
        before = [
            other.tokens
            for ticket, other in self._waiting.items()
            if ticket < turn.ticket and not (other.time and other.time.deadline <= now)
        ]
        tokens_before = sum(before)
        waits = (
            self._held_until - now,
            self._own_requests.wait(limits.requests_per_minute, len(before), 1, now),
            self._own_tokens.wait(limits.tokens_per_minute, tokens_before, turn.tokens, now),
            self._told_requests.wait(len(before), 1, now),
            self._told_tokens.wait(tokens_before, turn.tokens, now),
        )
        known = max(wait for wait in waits if not math.isnan(wait))
        if any(map(math.isnan, waits)):
            look_again = min(_LOOK_AGAIN * (1 + len(before) / 10), _LOOK_AGAIN_AT_MOST)
            return max(known, look_again)
        return known

    def ended(self, turn: Turn, now: float, answer: Answer | None = None) -> None:
        """An attempt is over, with or without an answer."""
        with self._lock:
            if self._in_flight.pop(turn.ticket, None) is None:
                return
            self._own_requests.end(1, now)
            self._own_tokens.end(turn.tokens, now)
            requests, tokens = (
                (None, None)
                if answer is None
                else (requests_allowed(answer), tokens_allowed(answer))
            )
            self._told_requests.end(1, requests, now)
            self._told_tokens.end(turn.tokens, tokens, now)

    def hold(self, until: float) -> None:
        """Lets nothing go until then."""
        with self._lock:
            self._held_until = max(self._held_until, until)

    def leave(self, turn: Turn) -> None:
        """Gives the place up, wherever the request is: answered, refused for good, cancelled."""
        if turn.ticket in self._waiting:
            with self._lock:
                self._waiting.pop(turn.ticket, None)
        elif turn.ticket in self._in_flight:
            self.ended(turn, turn.let_go_at)  # a cancelled call has no clock any more
