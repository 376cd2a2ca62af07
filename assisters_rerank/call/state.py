"""What a reranker holds while it lives: connections, pace, totals.

Copies start with their own, except those that `with_options` makes: these share it.
"""

from __future__ import annotations

from typing import Self

from ..net.clients import Clients
from ..pace.queue import Pace
from ..usage import TotalUsage


class State:
    """The living parts of one reranker, shared by all its threads and event loops."""

    __slots__ = (
        "base64_refused", "clients", "namespace_told", "pace", "scales_told", "total_usage",
        "truncation_told",
    )  # fmt: skip

    def __init__(self) -> None:
        self.clients = Clients()
        self.pace = Pace()
        self.total_usage = TotalUsage()
        self.truncation_told = False
        self.namespace_told = False
        self.scales_told = False
        self.base64_refused = False

    def elsewhere(self) -> Self:
        """For another address or key: these connections and totals, and a pace of its own."""
        other = type(self)()
        other.clients, other.total_usage = self.clients, self.total_usage
        return other

    def __deepcopy__(self, memo: object) -> Self:
        return type(self)()

    def __reduce__(self) -> tuple[type[Self], tuple[()]]:
        return type(self), ()
