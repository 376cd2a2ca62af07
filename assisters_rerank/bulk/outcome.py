"""What a run reports: how far it is, what it did, why it stopped."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..errors import AssistersError
from ..usage import Usage


@dataclass(frozen=True, slots=True)
class BulkProgress:
    """How far a run is.

    Attributes:
        queries: of the source.
        done: answered, now or in an earlier run.
        resumed: of these, the ones that were known already.
        failed: refused, or not answered after all retries.
        pairs: query and document pairs that were answered in this run.
        pairs_per_second: of the last seconds.
        cost: dollars for all that is done; None if a price is unknown.
        projected_cost: dollars for the whole, if the rest costs as much a query.
        waiting: what holds requests back ("tokens a minute: 31 s"); None: nothing does.
        seconds: since the run began.
    """

    queries: int
    done: int
    resumed: int
    failed: int
    pairs: int
    pairs_per_second: float
    cost: float | None
    projected_cost: float | None
    waiting: str | None
    seconds: float


@dataclass(frozen=True, slots=True)
class BulkReport:
    """What a run that reached its end did.

    Attributes:
        target: the file that was written.
        queries: of the source.
        resumed: those that an earlier run had paid for.
        failed: those that are missing in the target; `errors` has them.
        errors: the file with a line for each failure; None if there was none.
        journal: the file that a further run goes on from; None if nothing is left to do.
        pairs: query and document pairs that were answered in this run.
        model: the model that answered; None if there was no answer, or `model="auto"` had two.
        cost: dollars for the whole target, with those of earlier runs; None if a price is unknown.
        usage: what this run took.
        seconds: how long this run took.
    """

    target: Path
    queries: int
    resumed: int
    failed: int
    errors: Path | None
    journal: Path | None
    pairs: int
    model: str | None
    cost: float | None
    usage: Usage
    seconds: float


class BulkStopped(AssistersError):  # noqa: N818 - the run is stopped, and can go on
    """The run ended before its end; what was paid for is kept, and the same call goes on."""
