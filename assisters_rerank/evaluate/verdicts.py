"""The conclusions of an evaluation: is a gain certain, how many candidates, which threshold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from .results import Depth, Figure, ModelResult, Threshold
from .significance import LEAST_DIFFERING, SIGNIFICANT

ENOUGH_OF_THE_GAIN = 0.95
"""The share of the best gain at which reranking more candidates is not worth its price."""

FEW_QUERIES = 25
"""Fewer make unstable conclusions: Buckley and Voorhees, "Evaluating evaluation measure
stability" (SIGIR 2000)."""


class Verdict(StrEnum):
    """What interval and p-value of a gain say."""

    BETTER = "better"
    WORSE = "worse"
    UNCLEAR = "unclear"
    SAME = "same"
    TOO_FEW = "too few"


def verdict(figure: Figure) -> Verdict:
    """Better or worse only if the interval excludes zero and the corrected p-value is low."""
    if not figure.differing:
        return Verdict.SAME
    if figure.differing < LEAST_DIFFERING:
        return Verdict.TOO_FEW
    if figure.p_corrected <= SIGNIFICANT and figure.low > 0:
        return Verdict.BETTER
    if figure.p_corrected <= SIGNIFICANT and figure.high < 0:
        return Verdict.WORSE
    return Verdict.UNCLEAR


@dataclass(frozen=True, slots=True)
class EnoughCandidates:
    """The fewest candidates that give nearly the best gain.

    Attributes:
        depth: with so many.
        share: of the best gain over all depths, 0…1.
        best: the depth with that gain.
    """

    depth: Depth
    share: float
    best: Depth


def enough_candidates(depths: Sequence[Depth], first: float) -> EnoughCandidates | None:
    """The fewest that give 95 % of the best gain over the first stage; None if no depth gains."""
    best = max(depths, key=lambda depth: depth.ndcg_at_10, default=None)
    if best is None or best.ndcg_at_10 <= first:
        return None
    for depth in sorted(depths, key=lambda depth: depth.candidates):
        share = (depth.ndcg_at_10 - first) / (best.ndcg_at_10 - first)
        if share >= ENOUGH_OF_THE_GAIN:
            return EnoughCandidates(depth, share, best)
    return None


def balanced(thresholds: Sequence[Threshold]) -> Threshold | None:
    """The threshold with the highest F1 of precision and recall; None if none keeps anything."""
    kept = [threshold for threshold in thresholds if _f1(threshold) > 0]
    return max(kept, key=_f1, default=None)


def _f1(threshold: Threshold) -> float:
    precision, recall = threshold.precision or 0.0, threshold.recall
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def beside_published(model: ModelResult) -> Mapping[str, tuple[float, float | None]]:
    """The published figures, each with the measured one or None.

    `ms@50` is a latency with 50 candidates, next to which the measured median is shown.
    """
    measured = {name: figure.mean for name, figure in model.figures.items()}
    for depth in model.depths:
        if depth.p50_ms is not None:
            measured[f"ms@{depth.candidates}"] = depth.p50_ms
    return {name: (value, measured.get(name)) for name, value in model.published.items()}
