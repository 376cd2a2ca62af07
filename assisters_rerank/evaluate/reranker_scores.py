"""The scores of several rerankers, one after the other, and the queries that all of them did."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from ..errors import AssistersError
from ..reranker import Reranker
from .collection_scores import Scored, score_all
from .curves import reordered
from .export import Export
from .preparation import Prepared


@dataclass(slots=True)
class RerankerScores:
    """What the rerankers have scored.

    Attributes:
        common: the queries that all reported rerankers have done.
        reported: rerankers with their scores, those that have done some of the same queries.
        tags: the names of their runs.
        stopped: what ended early, and why.
        failed: something ended so because of a failure, and not because the money was spent.
    """

    common: set[str]
    reported: list[tuple[Reranker, Scored]] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    failed: bool = False

    @property
    def left_out(self) -> dict[str, str]:
        """The queries that the server found too long for one of them, and what it said."""
        return {
            query: reason
            for _, scored in self.reported
            for query, reason in scored.left_out.items()
        }


def score_each(
    rerankers: Sequence[Reranker],
    prepared: Prepared,
    depths: Sequence[int],
    measurable: Collection[str],
    exported: Export,
    *,
    max_cost: float | None,
    at_once: int,
    progress: Callable[[int], None],
) -> RerankerScores:
    """Scores all candidates with each reranker, and writes its run.

    Args:
        rerankers: in the order of the report.
        prepared: the queries and their candidates.
        depths: numbers of candidates whose latency is measured, the last one being all.
        measurable: the queries that figures are of; who has done none of them is not reported.
        exported: takes the runs.
        max_cost: dollars for all of them together.
        at_once: queries under way at the same time.
        progress: called with 1 for each finished query.

    Raises:
        AssistersError: of the first reranker; what ends a later one is in `stopped`.
    """
    collection, candidates = prepared.collection, prepared.candidates
    found = RerankerScores(set(collection.queries))
    spent = 0.0
    for reranker in rerankers:
        spent_before = reranker.total_usage.cost or 0.0
        try:
            scored = score_all(
                reranker,
                collection,
                candidates,
                depths,
                max_cost=None if max_cost is None else max(0.0, max_cost - spent),
                at_once=at_once,
                progress=progress,
            )
        except AssistersError as error:
            if not found.reported:
                raise
            # What the others found is not to be lost.
            reason = str(error).rstrip(".")
            found.stopped.append(f"{reranker.model} before its first query: {reason}")
            found.failed = True
            continue
        finally:
            spent += (reranker.total_usage.cost or 0.0) - spent_before
        found.failed = found.failed or scored.failed
        if scored.stopped:
            done = f"{len(scored.scores):,} of {len(collection.queries):,} queries"
            found.stopped.append(f"{reranker.model} after {done}: {scored.stopped}")
        if not any(query in scored.scores for query in measurable):
            continue
        done_candidates = {
            query: candidates[query] for query in candidates if query in scored.scores
        }
        ranked = reordered(done_candidates, scored.scores, depths[-1])
        tag = exported.write(reranker.model, ranked, scored.scores)
        common = found.common & scored.scores.keys()
        if common.isdisjoint(measurable):
            found.stopped.append(
                f"{reranker.model} has done none of the queries of those before it"
            )
            continue
        found.common = common
        found.reported.append((reranker, scored))
        found.tags.append(tag)
    return found
