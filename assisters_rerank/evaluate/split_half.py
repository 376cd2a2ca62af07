"""Depths and thresholds, chosen on one half of the queries and measured on the other, many times.

What is chosen on the queries that it is judged by looks better than it is. The halves are drawn at
random, and each serves both ways. Their means vary about as much as means of all queries would with
other queries (McCarthy, Pseudo-replication: half samples, 1969), so the middle 95 % of them is an
interval.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import special  # type: ignore[import-untyped]  # it ships no types

from .data.collection import Qrels, Scores
from .pooled import PooledScores
from .results import ChosenDepth, ChosenThreshold
from .significance import SIGNIFICANT

ENOUGH_OF_THE_GAIN = 0.95
"""The share of the best gain at which reranking more candidates is not worth its price."""

LEAST_QUERIES = 20
"""A threshold rests on documents of at least so many queries."""

_SPLITS = 50
_MIDDLE = (SIGNIFICANT / 2, 1 - SIGNIFICANT / 2)

Queries = NDArray[np.intp]


def chosen_depth(
    depths: Sequence[int], values: NDArray[np.float64], first: NDArray[np.float64], *, better: bool
) -> ChosenDepth | None:
    """The fewest candidates that give 95 % of the best gain, and what they gain held out.

    Args:
        depths: numbers of candidates, rising.
        values: the main measure, a row for each depth and a column for each query.
        first: the first stage's.
        better: whether the gain of all candidates is certain; no depth holds where it is not.

    Returns:
        None if no depth gains anything.
    """
    gains = values - first
    place = _enough(gains.mean(axis=1))
    if place is None:
        return None
    found = ChosenDepth(depths[place], float(_shares(gains.mean(axis=1))[place]))
    held_out = []
    for chosen_on, measured_on in _halves(first.size):
        choice = _enough(gains[:, chosen_on].mean(axis=1))
        # A half in which nothing gains would not have reranked at all.
        held_out.append(0.0 if choice is None else float(gains[choice, measured_on].mean()))
    if not held_out:
        return found
    low, high = np.quantile(held_out, _MIDDLE)
    return replace(
        found,
        gain=float(np.mean(held_out)),
        low=float(low),
        high=float(high),
        holds=better and bool(low > 0),
    )


def _enough(gains: NDArray[np.float64]) -> int | None:
    if gains.max() <= 0:
        return None
    return int(np.flatnonzero(_shares(gains) >= ENOUGH_OF_THE_GAIN)[0])


def _shares(gains: NDArray[np.float64]) -> NDArray[np.float64]:
    shares: NDArray[np.float64] = gains / gains.max()
    return shares


def chosen_threshold(scores: Scores, qrels: Qrels, wanted: float | None) -> ChosenThreshold | None:
    """The lowest score whose precision is surely the wanted one; without one, that of the best F1.

    Surely: the lower end of the precision's one-sided 95 % interval reaches it, by queries and by
    documents, on documents of at least 20 queries.

    Args:
        scores: as for `threshold_curve`.
        qrels: likewise.
        wanted: precision, 0…1.

    Returns:
        None if there is no such score. It holds if most halves have one, and if what is kept on the
        other halves reaches the wanted precision on the whole; that of the best F1 always does.
    """
    pooled = PooledScores.by(scores, qrels)
    everything = np.arange(pooled.queries)

    def choose(queries: Queries) -> int | None:
        return _best_f1(pooled, queries) if wanted is None else _surely(pooled, queries, wanted)

    place = choose(everything) if pooled.places else None
    if place is None:
        return None
    counts = pooled.counts(everything)
    found = ChosenThreshold(
        score=pooled.score(place),
        documents=int(counts.kept[place]),
        queries=int(counts.queries[place]),
    )
    return _held_out(pooled, found, choose, wanted)


def _held_out(
    pooled: PooledScores,
    found: ChosenThreshold,
    choose: Callable[[Queries], int | None],
    wanted: float | None,
) -> ChosenThreshold:
    precisions, recalls = [], []
    halves = list(_halves(pooled.queries))
    for chosen_on, measured_on in halves:
        place = choose(chosen_on)
        if place is None:
            continue
        counts = pooled.counts(measured_on)
        if counts.kept[place] and counts.relevant[-1]:
            precisions.append(counts.relevant[place] / counts.kept[place])
            recalls.append(counts.relevant[place] / counts.relevant[-1])
    if len(precisions) * 2 <= len(halves):
        return replace(found, holds=wanted is None)
    low, high = np.quantile(precisions, _MIDDLE)
    precision = float(np.mean(precisions))
    return replace(
        found,
        precision=precision,
        low=float(low),
        high=float(high),
        recall=float(np.mean(recalls)),
        holds=wanted is None or precision >= wanted,
    )


def _best_f1(pooled: PooledScores, queries: Queries) -> int | None:
    counts = pooled.counts(queries)
    if not counts.relevant[-1]:
        return None
    return int(np.argmax(2 * counts.relevant / (counts.kept + counts.relevant[-1])))


def _surely(pooled: PooledScores, queries: Queries, wanted: float) -> int | None:
    counts = pooled.counts(queries)
    enough = np.flatnonzero(counts.queries >= LEAST_QUERIES)
    if not enough.size:
        return None
    kept, right = counts.kept[enough], counts.relevant[enough]
    precision, z = right / kept, float(special.ndtri(1 - SIGNIFICANT))
    # Of documents that do not depend on one another (Wilson, 1927), and of a ratio of sums over
    # queries (Cochran, Sampling Techniques, 1977, 6.4), whose documents do.
    middle = precision + z * z / (2 * kept)
    spread = z * np.sqrt(precision * (1 - precision) / kept + (z / (2 * kept)) ** 2)
    by_documents = (middle - spread) / (1 + z * z / kept)
    by_queries = precision - z * counts.ratio_error()[enough]
    reached = np.flatnonzero(np.minimum(by_documents, by_queries) >= wanted)
    return int(enough[reached[-1]]) if reached.size else None


def _halves(queries: int) -> Iterator[tuple[Queries, Queries]]:
    """The half to choose on and the half to measure on; none of fewer than 4 queries."""
    if queries < 4:
        return
    chance = np.random.default_rng(0)
    for _ in range(_SPLITS):
        one, other = np.array_split(chance.permutation(queries), 2)
        yield one, other
        yield other, one
