"""The scores of all candidates of all queries: each pair asked for once, latencies by depth.

To learn the latency of every depth without paying for a pair twice, each query's candidates go out
in two calls: first as many as one of the depths says, in turn from query to query, then the rest.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from queue import SimpleQueue

from ..errors import AssistersError, ConfigurationError, TooLongError
from ..reranker import Reranker
from ..usage import Usage, dollars
from .cost_limit import CostLimit, check_price
from .data.collection import Candidates, Collection
from .query_scores import Answered, Interrupted, Query, ask, check_model

# What is on its way when the user ends the run is paid for: it is waited for, and cached.
_WAIT_FOR_THE_LAST = 3.0


@dataclass(slots=True)
class Scored:
    """All candidates' scores, and what getting them took.

    Attributes:
        scores: query id, then document id, to score; whole queries only.
        seconds: depth to the latencies of single calls with so many documents, none of them
            from the cache.
        usage: what it took, also for queries that failed.
        answered_by: the model that the server named, or else the one that was asked for; with
            `auto` perhaps two, separated by commas. None if nothing was asked.
        stopped: why it ended early; None if it did not.
        failed: it ended so because of a failure, and not because the money was spent.
        left_out: queries that the server found too long, and what it said; the others went on.
        truncated: query id to the number of texts that the model did not read to their end; None
            if its window is unknown.
        warm_up_calls: timed calls that began before the first answer had come; not in `seconds`.
    """

    scores: dict[str, dict[str, float]] = field(default_factory=dict)
    seconds: dict[int, list[float]] = field(default_factory=dict)
    usage: Usage = field(default_factory=Usage)
    answered_by: str | None = None
    stopped: str | None = None
    failed: bool = False
    left_out: dict[str, str] = field(default_factory=dict)
    truncated: dict[str, int | None] = field(default_factory=dict)
    warm_up_calls: int = 0


def check_reranker(reranker: Reranker, max_cost: float | None) -> None:
    """Raises `ConfigurationError` for a reranker that cannot be evaluated."""
    if reranker.on_error == "passthrough":
        raise ConfigurationError("on_error: an evaluation needs scores; give on_error='raise'.")
    if max_cost is not None:
        check_price(reranker)


def score_all(
    reranker: Reranker,
    collection: Collection,
    candidates: Candidates,
    depths: Sequence[int],
    *,
    max_cost: float | None = None,
    at_once: int = 1,
    progress: Callable[[int], None] = lambda _: None,
) -> Scored:
    """Scores every candidate of every query.

    Args:
        reranker: its cache lets an interrupted run go on; its pace and retries hold. Its own
            `top_n`, `score_threshold` and `max_context_tokens` are left aside.
        collection: the texts.
        candidates: the first stage's documents for each query.
        depths: numbers of candidates whose latency is measured.
        max_cost: dollars; from the first query on that would go beyond, by the estimated tokens,
            only those are done that cost nothing: all of their scores are in the cache.
        at_once: queries under way at the same time.
        progress: called with 1 for each finished query.

    Raises:
        ConfigurationError: `max_cost` without known prices and costs, or `on_error="passthrough"`.
        AssistersError: of the first call, if nothing could be scored. Later ones end the run,
            with what was measured so far.
    """
    check_reranker(reranker, max_cost)
    cost_limit = CostLimit(reranker, max_cost)
    run = _Run(reranker, cost_limit, progress)
    try:
        for query in _queries(collection, candidates, depths):
            if not run.begin(query, at_once):
                break
        while run.under_way:
            run.collect()
    except BaseException:
        run.end()
        raise
    run.found.usage = cost_limit.usage(run.found.usage)
    if not run.found.scores and run.too_long is not None:
        raise run.too_long
    if run.failure is not None:
        if not any(run.found.scores.values()):
            raise run.failure
        run.found.stopped, run.found.failed = str(run.failure).rstrip("."), True
    elif run.broke:
        run.found.stopped = f"the next query would exceed max_cost={dollars(max_cost or 0.0)}"
    return run.found


def _queries(
    collection: Collection, candidates: Candidates, depths: Sequence[int]
) -> Iterator[Query]:
    for (query, text), first in zip(collection.queries.items(), cycle(depths), strict=False):
        documents = candidates.get(query, ())
        texts = [collection.documents[document] for document in documents]
        yield Query(query, text, documents, texts, min(first, len(documents)))


class _Run:
    """The queries under way, each in a thread of its own, and what came of those that ended."""

    def __init__(
        self, reranker: Reranker, cost_limit: CostLimit, progress: Callable[[int], None]
    ) -> None:
        self.found = Scored()
        self.failure: AssistersError | None = None
        self.too_long: TooLongError | None = None
        self.broke = False
        self.under_way: dict[str, tuple[threading.Thread, float]] = {}
        self._reranker = reranker
        self._cost_limit = cost_limit
        self._progress = progress
        self._over = threading.Event()
        self._ended: SimpleQueue[tuple[str, Answered | BaseException]] = SimpleQueue()
        self._models: dict[str, str] = {}
        self._warm = False
        self._cold: set[str] = set()

    def begin(self, query: Query, at_once: int) -> bool:
        """Begins it as soon as there is room, or leaves it out for want of money; False if over."""
        while len(self.under_way) >= at_once:
            self.collect()
        try:
            price = self._cost_limit.price_of(query.text, query.texts)
            # Nor a cheaper one instead: the cheap ones would be no fair sample.
            if self.broke and price:
                return True
            # Those under way may turn out cheaper than they were estimated.
            while not (affords := self._affords(price)) and self.under_way and not self.failure:
                self.collect()
        except AssistersError as error:
            self._fail(error)
            return False
        if self.failure is not None:
            return False
        if not affords:
            self.broke = True
            return True
        # A daemon: nobody waits for it after a Ctrl-C, not even the interpreter's end.
        if not self._warm:
            self._cold.add(query.id)
        thread = threading.Thread(target=self._work, args=(query,), daemon=True, name="evaluate")
        self.under_way[query.id] = thread, price
        thread.start()
        return True

    def collect(self) -> None:
        """Waits for the next one that ends."""
        query, outcome = self._ended.get()
        del self.under_way[query]
        if isinstance(outcome, Interrupted):
            return
        if isinstance(outcome, TooLongError):
            self.found.left_out[query] = str(outcome)
            self.too_long = self.too_long or outcome
            self._progress(1)
        elif isinstance(outcome, AssistersError):
            self._fail(outcome)
        elif isinstance(outcome, BaseException):
            raise outcome
        else:
            try:
                self._keep(outcome)
            except AssistersError as error:
                self._fail(error)

    def end(self) -> None:
        """Lets nothing new begin, and waits a moment for what is on its way."""
        self._over.set()
        deadline = time.monotonic() + _WAIT_FOR_THE_LAST
        for thread, _ in self.under_way.values():
            if thread.is_alive():  # the Ctrl-C may have come before it began
                thread.join(max(0.0, deadline - time.monotonic()))

    def _work(self, query: Query) -> None:
        try:
            self._ended.put((query.id, ask(self._reranker, query, self._over)))
        except BaseException as error:
            self._ended.put((query.id, error))

    def _affords(self, price: float) -> bool:
        return self._cost_limit.affords(price, (price for _, price in self.under_way.values()))

    def _fail(self, error: AssistersError) -> None:
        self._over.set()
        self.failure = self.failure or error

    def _keep(self, answered: Answered) -> None:
        if answered.model is not None:
            check_model(self._models.setdefault(answered.asked, answered.model), answered.model)
        found = self.found
        found.scores[answered.query.id] = answered.scores
        found.usage += answered.usage
        found.answered_by = ", ".join(sorted(set(self._models.values()))) or None
        found.truncated[answered.query.id] = answered.truncated
        self._warm = self._warm or answered.usage.requests > 0
        if answered.seconds is not None and answered.query.id in self._cold:
            found.warm_up_calls += 1
        elif answered.seconds is not None:
            found.seconds.setdefault(answered.query.first, []).append(answered.seconds)
        self._progress(1)
