"""Lets calls pass through at once while the service is down, for `on_error="passthrough"`.

So many calls that failed in a row open it, and any answer closes it. Failures are in a row if
nothing was answered from the beginning of the first to the end of the last, also where many calls
run at once: a call that began before the latest answer proves nothing any more. Times are seconds
on the clock that all ports share.
"""

from __future__ import annotations

import logging
import math
import threading
from itertools import count as counter
from queue import SimpleQueue

from ..after_fork import start_anew_in_child
from ..errors import AssistersError, RateLimitError, TransportError
from ..options.rerank_options import RerankOptions
from ..usage import count
from ..wire.address import shown
from .budget import Budget

logger = logging.getLogger("assisters_rerank")

OPEN_FOR = 30.0
"""Seconds until the first probe, and from the beginning of one to the next."""
PROBE_WITHIN = 5.0
"""The longest time of a probe."""

_PROBED_CHARACTERS = 200


class ServiceDownError(TransportError):
    """Nothing was asked, since the calls before got no answer; it always passes through."""


class Outage:
    """From the last of so many failures until an answer."""

    def __init__(self, reason: str, searched: tuple[str, str], now: float) -> None:
        self.reason = reason
        self.retry_at = now + OPEN_FOR
        self.passed = counter()
        self.unwatched: list[None] = [None]  # whoever takes it out begins to watch
        self.end_watch: SimpleQueue[None] = SimpleQueue()
        self.note(searched, now)

    def note(self, searched: tuple[str, str], now: float) -> None:
        """Keeps the query and a part of one document of the latest search, for the next probe."""
        query, text = searched
        self.searched, self.searched_at = (query, text.lstrip()[:_PROBED_CHARACTERS]), now


class Row:
    """Calls in a row that no answer has ended."""

    __slots__ = ("failures", "outage")

    def __init__(self) -> None:
        self.failures = 0
        self.outage: Outage | None = None


class Breaker:
    """Counts the failures in a row at one address with one key, over all threads and loops."""

    def __init__(self) -> None:
        self.start_anew()
        start_anew_in_child(self)

    def start_anew(self) -> None:
        """Forgets everything: in a forked child, the threads that probe are the parent's."""
        self._lock = threading.RLock()  # a signal handler may come back to it
        self.row = Row()

    def answered(self, address: str) -> None:
        """The service has answered, or it is not the service that keeps calls from an answer."""
        with self._lock:
            ended, self.row = self.row, Row()
            outage, ended.outage = ended.outage, None
        if outage is not None:
            outage.end_watch.put(None)
            passed = count(next(outage.passed), "search was", "searches were")
            logger.warning("Searches ask %s again; %s returned unranked so far.", address, passed)

    def failed(
        self, row: Row, after: int, reason: str, searched: tuple[str, str], now: float
    ) -> bool:
        """A call that began in this row has failed; whether calls pass through from now on."""
        with self._lock:
            if row is not self.row:
                return False
            row.failures += 1
            if row.outage is not None or row.failures < after:
                return False
            failures = count(row.failures, "call", "calls in a row")
            row.outage = Outage(f"{failures} failed, the last one so: {reason}", searched, now)
            return True

    def takes_probe(self, outage: Outage, now: float) -> bool:
        """Whether the caller is to probe now; then nobody else does for a while."""
        with self._lock:
            if now < outage.retry_at:
                return False
            outage.retry_at = now + OPEN_FOR
            return True


class GuardedCall:
    """What one call asks the breaker, and reports to it."""

    def __init__(self, breaker: Breaker, options: RerankOptions) -> None:
        self._breaker = breaker
        self._row = breaker.row
        self._address = shown(options.base_url)
        self._after = options.passthrough_after if options.on_error == "passthrough" else None
        # Probes run in a thread, where no async client of the user's can be used.
        self._probes = options.http_client is None and options.async_http_client is not None
        self._searched: tuple[str, str] | None = None
        self._probed: Outage | None = None

    def _outage(self) -> Outage | None:
        row = self._breaker.row
        return None if self._after is None or row.failures < self._after else row.outage

    @property
    def to_watch(self) -> Outage | None:
        """The outage in which the call has passed through, and which a thread has to watch."""
        return None if self._probes else self._outage()

    def begin(self, budget: Budget, query: str, text: str) -> None:
        """The call is about to ask the service for the score of this text, and perhaps of others.

        Raises:
            ServiceDownError: it is to pass through at once.
        """
        if self._searched is not None:
            return  # it asks once more
        searched, outage = (query, text), self._outage()
        if outage is not None:
            now = budget.port.now()
            outage.note(searched, now)
            if not (self._probes and self._breaker.takes_probe(outage, now)):
                next(outage.passed)
                raise ServiceDownError(outage.reason)
            self._probed = outage
            budget.deadline = min(budget.deadline, now + PROBE_WITHIN)
        self._searched = searched

    def succeeded(self) -> None:
        """The call has its scores."""
        if self._searched is not None:
            self._breaker.answered(self._address)

    def failed(self, error: AssistersError, budget: Budget) -> None:
        """The call has ended with this error."""
        if self._searched is None:
            return
        if not is_no_answer(error):
            self._breaker.answered(self._address)
        elif self._after is not None and budget.met_outage:
            about = str(error), self._searched, budget.port.now()
            if self._breaker.failed(self._row, self._after, *about):
                logger.warning(
                    "%s to %s failed; searches return their documents unranked at once, "
                    "until a probe is answered, every %g s.",
                    count(self._after, "call", "calls in a row"),
                    self._address,
                    OPEN_FOR,
                )

    def given_up(self) -> None:
        """The call was cancelled: the next one may probe in its place."""
        if self._probed is not None:
            self._probed.retry_at = -math.inf


def is_no_answer(error: AssistersError) -> bool:
    """Whether the service gave no answer that speaks for it."""
    return error.transient and not isinstance(error, RateLimitError)
