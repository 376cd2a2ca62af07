"""What calls took: requests, documents, tokens, dollars; of one call, and of all together."""

from __future__ import annotations

import math
import threading
from collections import deque
from dataclasses import dataclass

from .after_fork import start_anew_in_child


@dataclass(frozen=True, slots=True)
class Usage:
    """What a call took, or many calls together: usages can be added.

    Documents count as they are sent: equal texts once, blank ones not at all, and with
    `long_documents="split"` every passage as one.

    Attributes:
        models: the models that were asked for, by which it is billed; of one call at most one.
        requests: requests that were answered; an empty list takes none.
        retries: further attempts that these requests needed.
        documents_sent: documents in those requests.
        documents_cached: documents whose scores came from the cache.
        documents_duplicate: documents that were like another one of the same call.
        total_tokens: billed tokens, as the server reports them, else estimated.
        tokens_estimated: True if the tokens of at least one request were not reported.
        search_units: billed units of the service's third generation; None if not reported.
        cost: dollars, by the prices of the catalogue or `prices`; None if a price is unknown.
    """

    models: tuple[str, ...] = ()
    requests: int = 0
    retries: int = 0
    documents_sent: int = 0
    documents_cached: int = 0
    documents_duplicate: int = 0
    total_tokens: int = 0
    tokens_estimated: bool = False
    search_units: int | None = None
    cost: float | None = 0.0

    def figures(self) -> dict[str, object]:
        """All figures by name, as traces take them."""
        return {name: getattr(self, name) for name in self.__slots__}

    def __add__(self, other: Usage) -> Usage:
        """Both together; what is unknown of one is unknown of the sum."""
        if not isinstance(other, Usage):
            return NotImplemented
        return Usage(
            self.models
            if self.models == other.models
            else tuple(sorted({*self.models, *other.models})),
            self.requests + other.requests,
            self.retries + other.retries,
            self.documents_sent + other.documents_sent,
            self.documents_cached + other.documents_cached,
            self.documents_duplicate + other.documents_duplicate,
            self.total_tokens + other.total_tokens,
            self.tokens_estimated or other.tokens_estimated,
            _units(self, other),
            None if self.cost is None or other.cost is None else self.cost + other.cost,
        )


def dollars(cost: float) -> str:
    """A cost for people: two digits that count, never rounded to nothing, e.g. `$0.0012`."""
    digits = 2 if cost >= 1 or cost == 0 else 1 - math.floor(math.log10(cost))
    return f"${cost:,.{digits}f}"


def within(cost: float, most: float) -> bool:
    """Whether dollars keep to a limit: many small sums may be beyond their exact one by a hair."""
    return cost <= most * (1 + 1e-9)


def count(number: int, one: str, more: str | None = None) -> str:
    """A number of things for people: `1 token`, `1,234 tokens`."""
    return f"{number:,} {one if number == 1 else more or one + 's'}"


def in_words(usage: Usage) -> list[str]:
    """What was used, fact by fact, as people are told it; for the money see `dollars`.

    The requests are always named, the rest where there was some: `["1 request", "40 tokens"]`.
    """
    facts = [count(usage.requests, "request")]
    if usage.retries:
        facts.append(count(usage.retries, "retry", "retries"))
    if usage.documents_cached:
        facts.append(count(usage.documents_cached, "score") + " from the cache")
    if usage.total_tokens:
        about = "about " if usage.tokens_estimated else ""
        facts.append(about + count(usage.total_tokens, "token"))
    if usage.search_units is not None:
        facts.append(count(usage.search_units, "search unit"))
    return facts


def _units(one: Usage, other: Usage) -> int | None:
    # A part of the total would pass for the whole; what sent nothing has nothing to report.
    reported = [usage.search_units for usage in (one, other) if usage.requests]
    return None if not reported or None in reported else sum(units or 0 for units in reported)


class TotalUsage:
    """Adds up usage over threads and event loops."""

    def __init__(self) -> None:
        self._sum = Usage()
        self._new: deque[Usage] = deque()
        self.start_anew()
        start_anew_in_child(self)

    def start_anew(self) -> None:
        """In a forked child: a lock of its own. The sum goes on from the parent's."""
        # Reentrant: a signal handler may add while its own thread does.
        self._lock = threading.RLock()
        self._adding = False

    def add(self, usage: Usage) -> None:
        """Adds what a request took."""
        self._new.append(usage)
        with self._lock:
            if self._adding:  # interrupted in the loop below, which goes on with this one
                return
            self._adding = True
            try:
                while self._new:
                    self._sum += self._new.popleft()
            finally:
                self._adding = False

    @property
    def sum(self) -> Usage:
        """Everything so far."""
        return self._sum
