"""Who waits for a turn, and who is first.

There is a line for each event loop, and one for all threads. A loop may be closed, stopped or busy
while its calls wait; then its whole line is passed over, and nobody else waits for it. The queue
keeps no waiting call alive: it holds weak references to the turns, which their calls hold.
"""

from __future__ import annotations

import heapq
import math
import weakref
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Protocol


class Limits(Protocol):
    """The user's own limits: `ServiceOptions`."""

    requests_per_minute: int | None
    tokens_per_minute: int | None


class CallTime(Protocol):
    """The time of the call that a request belongs to: `Budget`, which may be ended early."""

    @property
    def waits_until(self) -> float:
        """When waiting for a turn ends."""
        ...

    def begin(self, now: float) -> float:
        """The turn has come; the time when the request has to be answered."""
        ...


class Event(Protocol):
    """What wakes a waiting call, from any thread, finalizer or signal handler."""

    line: Hashable
    """The same for all that wait in one event loop; one for all threads."""

    def set(self) -> bool:
        """Wakes the call; False if its event loop is closed. Never blocks or raises."""
        ...


@dataclass(slots=True, weakref_slot=True, eq=False)
class Turn:
    """One request's place in the queue, which it keeps over its retries."""

    ticket: int
    tokens: int
    time: CallTime | None
    limits: Limits | None = None
    event: Event | None = None
    line: Line | None = None
    """Where it waits, if it does."""
    wakes_at: float = math.inf
    is_woken: bool = False
    not_before: float = -math.inf
    """As long as it is the first: the earliest time at which it may go."""
    ready_since: float | None = None
    """As long as it is the first, may go, and does not come."""
    is_refused: bool = False
    """Its answer was a refusal, of which the queue has not heard more yet."""
    let_go_at: float = 0.0
    ends_at: float = math.inf
    round: int = 0


class Line:
    """The turns that wait in one event loop, or in threads, in order."""

    def __init__(self) -> None:
        self.is_late = False
        self._turns: list[tuple[int, weakref.ref[Turn]]] = []

    def add(self, turn: Turn) -> None:
        """Puts it in its place."""
        turn.line = self
        heapq.heappush(self._turns, (turn.ticket, weakref.ref(turn)))

    def head(self, now: float) -> Turn | None:
        """The first that is still there, and whose time is not over."""
        while self._turns:
            turn = self._turns[0][1]()
            if turn is not None and turn.line is self:
                if turn.time is None or turn.time.waits_until > now:
                    return turn
                turn.line = None
            heapq.heappop(self._turns)
        return None


class Waiting:
    """All lines."""

    def __init__(self) -> None:
        self._lines: dict[Hashable, Line] = {}

    def __bool__(self) -> bool:
        return bool(self._lines)

    def add(self, turn: Turn, line: Hashable) -> None:
        """Puts the turn in its place, if it is not there; its line is awake."""
        found = self._lines.get(line)
        if found is None:
            found = self._lines[line] = Line()
        if turn.line is not found:
            found.add(turn)
        found.is_late = False

    def drop(self, line: Hashable) -> None:
        """Forgets a line whose event loop is closed."""
        self._lines.pop(line, None)

    def heads(self, now: float) -> list[Turn]:
        """The first of each line, the one that has waited longest at the front, late ones last."""
        heads = []
        for key, line in list(self._lines.items()):
            head = line.head(now)
            if head is None:
                del self._lines[key]
            else:
                heads.append((line.is_late, head.ticket, head))
        if len(heads) > 1:
            heads.sort()
        return [head for _, _, head in heads]

    def first(self, now: float) -> Turn | None:
        """The one that has waited longest, of lines that are not late if there are any."""
        heads = self.heads(now) if self._lines else ()
        return heads[0] if heads else None
