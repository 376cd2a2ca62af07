"""What the scores of each reranker come to: its figures, its curves, and the others' beside it."""

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
        qrels: likewise.
        first: the first stage's values.
        depths: numbers of candidates, up to all.
        wanted_precision: of a threshold.
    """

    collection: Collection
    candidates: Candidates
    qrels: Qrels
    first: PerQuery
    depths: Sequence[int]
    wanted_precision: float | None


def model_results(
    judged: Judged, reported: Sequence[tuple[Reranker, Scored]]
) -> tuple[tuple[ModelResult, ...], tuple[Pair, ...]]:
    """Each reranker against the first stage, and each two of them."""
    values = [
        per_query(reordered(judged.candidates, scored.scores, judged.depths[-1]), judged.qrels)
        for _, scored in reported
    ]
    all_figures = corrected([figures(each, judged.first) for each in values])
    names = [reranker.model for reranker, _ in reported]
    return (
        tuple(
            _result(judged, reranker, scored, of_this)
            for (reranker, scored), of_this in zip(reported, all_figures, strict=True)
        ),
        pairs(list(zip(names, values, strict=True))),
    )


def _result(
    judged: Judged, reranker: Reranker, scored: Scored, of_this: dict[str, Figure]
) -> ModelResult:
    collection, candidates, qrels = judged.collection, judged.candidates, judged.qrels
    scores = {query: scored.scores[query] for query in candidates}
    moved = changes(collection, candidates, reordered(candidates, scores, judged.depths[-1]))
    curve = depth_curve(candidates, scores, qrels, judged.depths)
    threshold = chosen_threshold(scores, qrels, judged.wanted_precision)
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
        thresholds=tuple(threshold_curve(scores, qrels, score)),
        threshold_for_precision=None if judged.wanted_precision is None else score,
        usage=scored.usage,
        published={} if published is None else _published(published),
        chosen_depth=chosen_depth(
            judged.depths,
            np.array([list(values.values()) for values in curve.values()]),
            np.array(list(judged.first[MAIN_MEASURE].values())),
            better=verdict(of_this[MAIN_MEASURE]) is Verdict.BETTER,
        ),
        chosen_threshold=threshold,
    )


def _depths(
    judged: Judged, reranker: Reranker, scored: Scored, curve: Mapping[int, Mapping[str, float]]
) -> tuple[Depth, ...]:
    dollars = dollars_by_depth(reranker, judged.collection, judged.candidates, judged.depths)
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
