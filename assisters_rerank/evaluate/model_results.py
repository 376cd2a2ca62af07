"""What the scores of each reranker come to: its figures, its curves, its comparisons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..catalogue import CATALOGUE, RerankModel
from ..reranker import Reranker
from .changes import changes
from .collection_scores import Scored
from .comparisons import corrected, pairs
from .cost_limit import dollars_by_depth
from .curves import depth_curve, reordered, threshold_curve
from .data.collection import Candidates, Collection, Qrels
from .measures import figures, mean, per_query
from .results import MAIN_MEASURE, Depth, Figure, ModelResult, Pair, PerQuery
from .split_half import chosen_depth, chosen_threshold
from .verdicts import Verdict, verdict

# Of fewer calls, one in twenty is less than a single one.
_ENOUGH_FOR_P95 = 20


@dataclass(frozen=True, slots=True)
class Judged:
    """What all models are judged by: the queries that each of them has done.

    Attributes:
        collection: the texts.
        candidates: of these queries.
        graded: the judgements of those that have a relevant document, which figures are of.
        relevant: of all of them, 1 for what counts as relevant and 0 for what does not.
        first: the first stage's values.
        depths: numbers of candidates, up to all.
        names: of the measures.
        relevance_level: the lowest grade that is relevant.
        wanted_precision: of a threshold.
        at_service_prices: whether dollars by depth are by the service's prices.
    """

    collection: Collection
    candidates: Candidates
    graded: Qrels
    relevant: Qrels
    first: PerQuery
    depths: Sequence[int]
    names: Sequence[str]
    relevance_level: int
    wanted_precision: float | None
    at_service_prices: bool

    @classmethod
    def of(
        cls,
        collection: Collection,
        candidates: Candidates,
        depths: Sequence[int],
        names: Sequence[str],
        relevance_level: int,
        wanted_precision: float | None,
        at_service_prices: bool,
    ) -> Judged:
        """With the judgements of the queries in `candidates`."""
        relevant = {
            query: {
                document: int(grade >= relevance_level)
                for document, grade in collection.qrels[query].items()
            }
            for query in candidates
        }
        graded = {q: collection.qrels[q] for q, grades in relevant.items() if any(grades.values())}
        first = per_query(candidates, graded, names, relevance_level)
        return cls(
            collection,
            candidates,
            graded,
            relevant,
            first,
            depths,
            names,
            relevance_level,
            wanted_precision,
            at_service_prices,
        )

    def values(self, ranked: Candidates) -> PerQuery:
        """Every measure of each query."""
        return per_query(ranked, self.graded, self.names, self.relevance_level)

    def judged_at_10(self, ranked: Candidates) -> float:
        """Share of the first ten documents that have a judgement."""
        return mean(per_query(ranked, self.graded, ["Judged@10"])["Judged@10"])

    def without_relevant(self) -> int:
        """How many queries have no relevant document among their candidates."""
        return sum(
            not any(self.relevant[query].get(document) for document in self.candidates[query])
            for query in self.graded
        )


def model_results(
    judged: Judged, reported: Sequence[tuple[Reranker, Scored]]
) -> tuple[tuple[ModelResult, ...], tuple[Pair, ...]]:
    """Each reranker against the first stage, and each two of them."""
    orders = [
        reordered(judged.candidates, scored.scores, judged.depths[-1]) for _, scored in reported
    ]
    values = [judged.values(order) for order in orders]
    all_figures = corrected([figures(each, judged.first) for each in values])
    names = [reranker.model for reranker, _ in reported]
    return (
        tuple(
            _result(judged, reranker, scored, order, of_this, own)
            for (reranker, scored), order, of_this, own in zip(
                reported, orders, all_figures, values, strict=True
            )
        ),
        pairs(list(zip(names, values, strict=True))),
    )


def _result(
    judged: Judged,
    reranker: Reranker,
    scored: Scored,
    order: Candidates,
    of_this: dict[str, Figure],
    values: PerQuery,
) -> ModelResult:
    candidates = judged.candidates
    scores = {query: scored.scores[query] for query in candidates}
    measured = {query: order[query] for query in judged.graded}
    moved = changes(judged.collection, candidates, measured)
    curve = depth_curve(candidates, scores, judged.graded, judged.depths)
    threshold = chosen_threshold(scores, judged.relevant, judged.wanted_precision)
    cut = [scored.truncated[query] for query in candidates]
    holds = threshold is not None and threshold.holds
    score = threshold.score if threshold is not None and holds else None
    # The figures of one model say nothing about another that answered in its place.
    own = scored.answered_by in (None, reranker.model)
    published = CATALOGUE.get(reranker.model) if own else None
    return ModelResult(
        model=reranker.model,
        answered_by=scored.answered_by,
        figures=of_this,
        improved=moved.improved,
        worsened=moved.worsened,
        unchanged=moved.unchanged,
        changes=tuple(moved.most),
        worse=tuple(moved.worse),
        depths=_depths(judged, reranker, scored, curve),
        thresholds=tuple(threshold_curve(scores, judged.relevant, score)),
        threshold_for_precision=None if judged.wanted_precision is None else score,
        usage=scored.usage,
        published={} if published is None else _published(published),
        judged_at_10=judged.judged_at_10(order),
        pairs=sum(map(len, candidates.values())),
        truncated=None if None in cut else sum(each or 0 for each in cut),
        warm_up_calls=scored.warm_up_calls,
        chosen_depth=chosen_depth(
            judged.depths,
            np.array([list(values.values()) for values in curve.values()]),
            np.array(list(judged.first[MAIN_MEASURE].values())),
            better=verdict(of_this[MAIN_MEASURE]) is Verdict.BETTER,
        ),
        chosen_threshold=threshold,
        values=values,
    )


def _depths(
    judged: Judged, reranker: Reranker, scored: Scored, curve: Mapping[int, Mapping[str, float]]
) -> tuple[Depth, ...]:
    priced = reranker.model_copy(update={"prices": {}}) if judged.at_service_prices else reranker
    # Another server's model may be called as one of the catalogue, and cost something else.
    is_known = scored.usage.requests > 0 and scored.usage.cost is not None
    dollars = dollars_by_depth(
        priced,
        judged.collection,
        judged.candidates,
        judged.depths,
        published=judged.at_service_prices or is_known or reranker.asks_the_service(),
    )
    return tuple(
        Depth(
            candidates=depth,
            ndcg_at_10=mean(values),
            p50_ms=_milliseconds(scored.seconds.get(depth), 50),
            p95_ms=_milliseconds(scored.seconds.get(depth), 95, _ENOUGH_FOR_P95),
            calls=len(scored.seconds.get(depth, ())),
            dollars_per_1000_queries=dollars[depth],
        )
        for depth, values in curve.items()
    )


def _published(model: RerankModel) -> dict[str, float]:
    return {**model.beir, **{f"ms@{count}": float(ms) for count, ms in model.latency_ms.items()}}


def _milliseconds(seconds: Sequence[float] | None, percentile: int, least: int = 1) -> float | None:
    if seconds is None or len(seconds) < least:
        return None
    return float(np.percentile(seconds, percentile)) * 1000
