"""What an order, a depth or a threshold makes of the candidates: the curves of an evaluation."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .data.collection import Scores
from .measures import per_query
from .results import MAIN_MEASURE, Threshold

if TYPE_CHECKING:
    from .data.collection import Candidates, Qrels

_NICE = (1, 2, 5)
_CUTOFF = 10
"""Of the main measure: what comes later cannot change it."""


def oracle(candidates: Candidates, qrels: Qrels) -> dict[str, list[str]]:
    """The same candidates by falling grade: the best that any reranker could make of them."""
    return {
        query: _by_grade(documents, qrels.get(query, {})) for query, documents in candidates.items()
    }


def _by_grade(documents: Sequence[str], grades: Mapping[str, int]) -> list[str]:
    return sorted(documents, key=lambda document: grades.get(document, 0), reverse=True)


def reordered(candidates: Candidates, scores: Scores, depth: int) -> dict[str, list[str]]:
    """The first `depth` candidates by falling score, then the rest as the first stage had them.

    Equal scores keep the first stage's order.

    Raises:
        KeyError: one of the first `depth` has no score.
    """
    return {
        query: [
            *sorted(documents[:depth], key=scores.get(query, {}).__getitem__, reverse=True),
            *documents[depth:],
        ]
        for query, documents in candidates.items()
    }


def depths_up_to(depth: int) -> list[int]:
    """10, 20, 30, … and `depth` itself: at most ten, in larger steps of 20, 50, 100, … if need be.

    Raises:
        ValueError: `depth` is below 1.
    """
    if depth < 1:
        raise ValueError("the depth must be at least 1")
    steps = (nice * 10**power for power in count(1) for nice in _NICE)
    step = next(step for step in steps if math.ceil(depth / step) <= 10)
    return [*range(step, depth, step), depth]


def depth_curve(
    candidates: Candidates, scores: Scores, qrels: Qrels, depths: Sequence[int]
) -> dict[int, dict[str, float]]:
    """The nDCG@10 of each query for each depth: what reranking only so many would give.

    Raises:
        KeyError: a candidate within the largest depth has no score.
    """
    curve = {}
    for depth in depths:
        shown = {
            query: documents[:_CUTOFF]
            for query, documents in reordered(candidates, scores, depth).items()
        }
        curve[depth] = per_query(shown, qrels, [MAIN_MEASURE])[MAIN_MEASURE]
    return curve


def threshold_curve(scores: Scores, qrels: Qrels, chosen: float | None = None) -> list[Threshold]:
    """At most 50 thresholds from the lowest to the highest score, rising.

    They are quantiles of all scores, quantiles of the relevant candidates' scores, and round
    numbers between; empty without scores.

    Args:
        scores: of all candidates of each query, an empty mapping for a query without any.
        qrels: the grades; a query that is not in it is left out, one without a relevant document
            is not: what is kept for it is wrong.
        chosen: a threshold that has to be among them.
    """
    kept = _Kept.by(scores, qrels)
    if not kept.scores.size:
        return []
    points = {float(kept.scores[0]), float(kept.scores[-1])}
    for group in (kept.scores, kept.scores[kept.relevant]):
        if group.size:
            points.update(np.quantile(group, np.linspace(0, 1, 14), method="nearest").tolist())
    points.update([] if chosen is None else [chosen])
    points.update(_round_numbers(float(kept.scores[0]), float(kept.scores[-1])))
    return [kept.at(point) for point in sorted(points)]


@dataclass(frozen=True, slots=True)
class _Kept:
    """All scores, rising, and how many relevant candidates have that score or a higher one."""

    scores: NDArray[np.float64]
    relevant: NDArray[np.bool_]
    relevant_from: NDArray[np.int64]
    queries: int

    @classmethod
    def by(cls, scores: Scores, qrels: Qrels) -> _Kept:
        pairs = [
            (score, qrels[query].get(document, 0) > 0)
            for query, by_document in scores.items()
            if query in qrels
            for document, score in by_document.items()
        ]
        values = np.array([score for score, _ in pairs], np.float64)
        order = np.argsort(values)
        relevant = np.array([is_relevant for _, is_relevant in pairs], np.bool_)[order]
        above = np.zeros(len(pairs) + 1, np.int64)
        above[:-1] = np.cumsum(relevant[::-1])[::-1]
        return cls(values[order], relevant, above, sum(query in qrels for query in scores))

    def at(self, score: float) -> Threshold:
        start = int(np.searchsorted(self.scores, score))
        kept, right = self.scores.size - start, int(self.relevant_from[start])
        relevant = int(self.relevant_from[0])
        return Threshold(
            score,
            precision=right / kept if kept else None,
            recall=right / relevant if relevant else 0.0,
            documents=kept / self.queries,
        )


def _round_numbers(low: float, high: float) -> list[float]:
    """At most 20 multiples of 1, 2 or 5 times a power of ten within `low`…`high`."""
    least = (high - low) / 19
    # Beyond this, the powers of ten below would be 0 or infinite.
    if not 1e-300 < least < 1e300:
        return []
    unit = 10.0 ** math.floor(math.log10(least))
    step = next(nice * unit for nice in (*_NICE, 10) if nice * unit >= least)
    multiples = range(math.ceil(low / step), math.floor(high / step) + 1)
    # Twelve digits: 3 * 0.1 shall be 0.3.
    numbers = (float(f"{multiple * step:.12g}") for multiple in multiples)
    return [number for number in numbers if low <= number <= high]
