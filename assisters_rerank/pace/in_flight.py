"""The requests that were let go and are not over yet: how many, of how many tokens, until when."""

from __future__ import annotations

import math

from .waiting import Turn


class InFlight:
    """Keeps totals, which are never summed up while requests go and come."""

    def __init__(self) -> None:
        self._turns: dict[int, Turn] = {}
        self.tokens = 0
        self.next_end = math.inf
        """No request ends by its call's deadline before this time."""

    def __len__(self) -> int:
        return len(self._turns)

    def __contains__(self, turn: Turn) -> bool:
        return turn.ticket in self._turns

    def add(self, turn: Turn) -> None:
        """The turn's request is on its way."""
        self._turns[turn.ticket] = turn
        self.tokens += turn.tokens
        self.next_end = min(self.next_end, turn.ends_at)

    def remove(self, turn: Turn) -> bool:
        """The turn's request is over; whether it was under way."""
        if self._turns.pop(turn.ticket, None) is None:
            return False
        self.tokens -= turn.tokens
        return True

    def take_overdue(self, now: float) -> list[Turn]:
        """Removes the requests whose calls' deadlines are over, and gives them."""
        overdue = [turn for turn in self._turns.values() if turn.ends_at <= now]
        for turn in overdue:
            self.remove(turn)
        self.next_end = min((turn.ends_at for turn in self._turns.values()), default=math.inf)
        return overdue

    def recount(self, round: int) -> int:
        """Sums the totals up again; how many of the requests are of this round."""
        turns = list(self._turns.values())
        self.tokens = sum(turn.tokens for turn in turns)
        self.next_end = min((turn.ends_at for turn in turns), default=math.inf)
        return sum(turn.round == round for turn in turns)
