"""What a reranker holds while it lives: connections, pace, totals, what it knows of an outage.

Copies start with their own, except those that `with_options` makes: these share it.
"""

from __future__ import annotations

from queue import SimpleQueue
from typing import Self

from ..net.clients import Clients
from ..pace.queue import Pace
from ..usage import TotalUsage
from .breaker import Breaker


class State:
    """The living parts of one reranker, shared by all its threads and event loops."""

    __slots__ = (
        "__weakref__", "_warned", "base64_refused", "breaker", "clients", "pace", "total_usage",
        "watches",
    )  # fmt: skip

    def __init__(self) -> None:
        self.clients = Clients()
        self.pace = Pace()
        self.breaker = Breaker()
        self.watches: set[SimpleQueue[None]] = set()
        """What ends the threads that probe."""
        self.total_usage = TotalUsage()
        self.base64_refused = False
        self._warned: set[str] = set()

    def warns_first_of(self, what: str) -> bool:
        """Whether the caller is to warn of this: only the first one is, of many calls."""
        if what in self._warned:
            return False
        self._warned.add(what)
        return True

    def elsewhere(self) -> Self:
        """For another address or key: these connections and totals, the rest is its own."""
        other = type(self)()
        other.clients, other.total_usage = self.clients, self.total_usage
        other.watches = self.watches
        return other

    def close(self) -> None:
        """Closes the connections of sync calls, and ends the probes."""
        for end_watch in list(self.watches):
            end_watch.put(None)
        self.clients.close()

    def __deepcopy__(self, memo: object) -> Self:
        return type(self)()

    def __reduce__(self) -> tuple[type[Self], tuple[()]]:
        return type(self), ()
