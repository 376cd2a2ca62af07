"""How fast a reranker may send: one queue for all its threads and event loops.

What holds requests back are the user's own limits, those that the server reports, a wait that it
asked for (`Retry-After`), and care after a refusal. Only the first of the queue computes when it
may go; the others sleep until they are woken, each by an event of its own. Times are seconds on the
clock that all ports share.

A coroutine may be collected, or a signal handled, at any time, also while this thread holds the
lock. So `leave` only notes the turn where the lock is held, and whoever holds it settles the rest;
totals are counted again after an exception in the middle; and no event is set inside the lock.
"""

from __future__ import annotations

import itertools
import math
import threading
from collections import deque
from collections.abc import Callable
from typing import TypeVar

from ..after_fork import start_anew_in_child
from ..wire.messages import Answer
from .limits import AllLimits
from .rate_limits import GO, Wait
from .waiting import CallTime, Limits, Turn, Waiting

T = TypeVar("T")

# For so long the others wait for the first to come when it may go.
_COMES_WITHIN = 1.0


class Pace:
    """Lets requests go, no faster than the limits allow; room that is scarce goes to the first."""

    def __init__(self) -> None:
        self._tickets = itertools.count(1)
        self.start_anew()
        start_anew_in_child(self)

    def start_anew(self) -> None:
        """Forgets everything: in a forked child, it is the parent's."""
        self._lock = threading.RLock()  # a signal may come before the holder is noted
        self._holder: int | None = None
        self._is_half_done = False
        self._left: deque[tuple[Turn, float | None]] = deque()
        self._to_wake: deque[Turn] = deque()
        self._waiting = Waiting()
        self._limits = AllLimits()

    def counts_tokens(self, limits: Limits) -> bool:
        """Whether it matters how many tokens a request has."""
        return (
            limits.tokens_per_minute is not None
            or self._limits.reported_tokens.limit is not None
            or self._limits.told_by_minute[1] is not None
        )

    def queue(self, tokens: int = 0, time: CallTime | None = None) -> Turn:
        """A place at the queue's end, until its time is over, for a request of so many tokens."""
        return Turn(next(self._tickets), tokens, time)

    def ask(self, turn: Turn, now: float, limits: Limits) -> Wait | None:
        """None if the request may go, and it counts as gone; else how long it has to wait.

        Whoever has to wait gives the turn an event, asks again, which puts it in line, and waits
        for the event. A request that was refused asks for its next attempt in the same way, at its
        old place.
        """
        turn.limits = limits
        if self._is_mine():
            return None  # from a signal handler, in the middle of the queue's own work
        ask = self._ask if turn.event is None else self._ask_in_line
        return self._locked(lambda: ask(turn, now), now)

    def _ask(self, turn: Turn, now: float) -> Wait | None:
        if (first := self._waiting.first(now)) is not None:
            return Wait(first.not_before - now, math.inf)
        wait = self._limits.wait(turn, now)
        if wait == GO:
            self._let_go(turn, now)
            return None
        return wait

    def _ask_in_line(self, turn: Turn, now: float) -> Wait | None:
        assert turn.event is not None
        self._waiting.add(turn, turn.event.line)
        turn.is_woken, turn.ready_since = False, None
        wait = self._wait_in_line(turn, now)
        if wait is None:
            self._let_go(turn, now)
            self._call_first(now)
            return None
        turn.wakes_at = now + wait.at_most
        return wait

    def _wait_in_line(self, turn: Turn, now: float) -> Wait | None:
        assert turn.line is not None
        while True:
            first = self._waiting.first(now) or turn
            if first is not turn and turn.line.head(now) is not turn:
                return Wait(first.not_before - now, math.inf)
            wait = self._wait_of_first(first, now)
            if first is turn:
                return None if wait == GO else wait
            # The first of each other line looks after the first of all.
            if wait != GO:
                return Wait(wait.at_least, wait.at_most + _COMES_WITHIN)
            if first.ready_since is None:
                first.ready_since = min(now, first.wakes_at)
                self._wake(first)
            comes_within = first.ready_since + _COMES_WITHIN - now
            if comes_within > 0 or first.line is None or first.line.is_late:
                return Wait(0.0, max(comes_within, _COMES_WITHIN / 10))
            first.line.is_late = True

    def _wait_of_first(self, first: Turn, now: float) -> Wait:
        wait = self._limits.wait(first, now)
        first.not_before = now + wait.at_least
        if wait != GO:
            first.ready_since = None
        return wait

    def _call_first(self, now: float) -> None:
        """Wakes the first if it may go, or has to wait for less time than it thinks."""
        first, *others = self._waiting.heads(now) or (None,)
        if first is None:
            return
        wait = self._wait_of_first(first, now)
        if now + wait.at_most < first.wakes_at:
            self._wake(first)
        if wait == GO:
            first.ready_since = now if first.ready_since is None else first.ready_since
            for other in others:  # which look after it
                if other.wakes_at > now + _COMES_WITHIN:
                    self._wake(other)

    def _wake(self, turn: Turn) -> None:
        if not turn.is_woken:
            turn.is_woken = True
            self._to_wake.append(turn)

    def _let_go(self, turn: Turn, now: float) -> None:
        line, turn.line = turn.line, None
        self._limits.let_go(turn, now)
        if line is not None and (head := line.head(now)) is not None:
            self._wake(head)  # it is the one of its line that looks at the clock now
        turn.event, turn.wakes_at = None, math.inf

    def ended(self, turn: Turn, now: float, answer: Answer | None = None) -> None:
        """An attempt is over, with or without an answer."""
        if self._is_mine():
            self._left.append((turn, now))
        else:
            self._locked(lambda: self._ended(turn, now, answer), now)

    def _ended(self, turn: Turn, now: float, answer: Answer | None) -> None:
        # After a refusal nobody goes before it is known what it means for all.
        turn.is_refused = not self._limits.ended(turn, now, answer)
        if not turn.is_refused:
            self._call_first(now)

    def refused(self, turn: Turn) -> int | None:
        """How often in a row all were refused before; None if others have reported this refusal."""
        if self._is_mine():
            return None
        return self._locked(lambda: self._limits.refused(turn), None)

    def reason(self, now: float) -> tuple[str, float] | None:
        """What the first in the queue waits for, and for how many seconds; None if nobody does."""

        def of_first() -> tuple[str, float] | None:
            first = self._waiting.first(now)
            return None if first is None else self._limits.reason(first, now)

        return None if self._is_mine() else self._locked(of_first, now)

    def hold(self, until: float) -> None:
        """Lets nothing go until then."""
        if not self._is_mine():
            self._locked(lambda: self._limits.hold(until), None)

    def leave(self, turn: Turn, now: float | None) -> None:
        """Gives the place up, wherever the request is: answered, refused for good, cancelled.

        Without a time, a request that was sent counts from when it was let go.
        """
        if turn.line is not None or turn.is_refused or turn.ticket in self._limits.in_flight:
            self._left.append((turn, now))
            self._settle()

    def _settle(self) -> None:
        while self._left and self._holder is None:
            self._locked(lambda: None, None)

    def _let_leave(self) -> None:
        while self._left:
            turn, now = self._left.popleft()
            turn.line = None
            if turn.ticket in self._limits.in_flight:
                self._ended(turn, turn.let_go_at if now is None else now, None)
            for head in self._waiting.heads(-math.inf):
                self._wake(head)

    def _is_mine(self) -> bool:
        return self._holder is not None and self._holder == threading.get_ident()

    def _locked(self, change: Callable[[], T], now: float | None) -> T:
        """What `change` gives, which nobody else sees half done; wakes whom it wants to wake."""
        with self._lock:
            self._holder = threading.get_ident()
            try:
                if self._is_half_done:  # an exception came in the middle, of a signal handler, say
                    self._limits.recount()
                self._is_half_done = True
                if self._left:
                    self._let_leave()
                result = change()
                if self._left:
                    self._let_leave()
                self._is_half_done = False
            finally:
                self._holder = None
        while self._to_wake:
            try:
                turn = self._to_wake.popleft()
            except IndexError:
                break
            event = turn.event
            if event is not None and not event.set():
                line = event.line
                self._locked(lambda line=line: self._drop(line, now), now)  # type: ignore[misc]
        if self._left:
            self._settle()
        return result

    def _drop(self, line: object, now: float | None) -> None:
        self._waiting.drop(line)
        if (first := self._waiting.first(-math.inf if now is None else now)) is not None:
            self._wake(first)
