"""What the scores of each reranker come to: its figures, its curves, and the others' beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..catalogue import CATALOGUE, RerankModel
from ..reranker import Reranker
from .changes import changes
from .collection_scores import Scored
from .comparisons import corrected, pairs
from .cost_limit import dollars_by_depth
from .curves import depth_curve, reordered, threshold_curve, threshold_for
from .data.collection import Candidates, Collection, Qrels
from .measures import figures, per_query
from .results import Depth, Figure, ModelResult, Pair, PerQuery

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
    precision = judged.wanted_precision
    wanted = None if precision is None else threshold_for(scores, qrels, precision)
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
        depths=_depths(judged, reranker, scored),
        thresholds=tuple(threshold_curve(scores, qrels, wanted)),
        threshold_for_precision=wanted,
        usage=scored.usage,
        published={} if published is None else _published(published),
    )


def _depths(judged: Judged, reranker: Reranker, scored: Scored) -> tuple[Depth, ...]:
    curve = depth_curve(judged.candidates, scored.scores, judged.qrels, judged.depths)
    dollars = dollars_by_depth(reranker, judged.collection, judged.candidates, judged.depths)
    return tuple(
        Depth(
            candidates=depth,
            ndcg_at_10=ndcg,
            p50_ms=_milliseconds(scored.seconds.get(depth), 50),
            p95_ms=_milliseconds(scored.seconds.get(depth), 95, _ENOUGH_FOR_P95),
            calls=len(scored.seconds.get(depth, ())),
            dollars_per_1000_queries=dollars[depth],
        )
        for depth, ndcg in curve.items()
    )


def _published(model: RerankModel) -> dict[str, float]:
    return {**model.beir, **{f"ms@{count}": float(ms) for count, ms in model.latency_ms.items()}}


def _milliseconds(seconds: Sequence[float] | None, percentile: int, least: int = 1) -> float | None:
    if seconds is None or len(seconds) < least:
        return None
    return float(np.percentile(seconds, percentile)) * 1000
