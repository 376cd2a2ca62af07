"""The paired bootstrap: how far the mean difference of two rankings would move with other queries.

Percentile method (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13), as
`scipy.stats.bootstrap(…, method="percentile")` computes it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_DRAWS_AT_ONCE = 2**20
"""About 16 MB: an index and a value of 8 bytes for each."""


def paired_bootstrap(
    differences: Sequence[float],
    *,
    resamples: int = 10_000,
    confidence: float = 0.95,
    seed: int = 0,
) -> tuple[float, float]:
    """The interval of the mean of `differences`, one for each query.

    The queries are drawn with replacement, so the two rankings of one query stay together. The
    same seed draws the same queries, whatever the values: figures of one collection are comparable.

    Args:
        differences: one ranking's measure less the other's. All equal (or only one): both ends
            are that value, since nothing was seen that could vary.
        resamples: how often as many queries are drawn as there are.
        confidence: part of the resampled means that lies within the interval.
        seed: of numpy's default generator.

    Returns:
        Lower and upper end.

    Raises:
        ValueError: no differences.
    """
    values = np.asarray(differences, dtype=np.float64)
    if not values.size:
        raise ValueError("no queries to draw from")
    if (values == values[0]).all():
        return float(values[0]), float(values[0])
    generator = np.random.default_rng(seed)
    means = np.empty(resamples)
    block = max(1, _DRAWS_AT_ONCE // values.size)
    for start in range(0, resamples, block):
        rows = min(block, resamples - start)
        drawn = generator.integers(0, values.size, (rows, values.size))
        means[start : start + rows] = values[drawn].mean(axis=1)
    tail = (1 - confidence) / 2
    low, high = np.quantile(means, (tail, 1 - tail))
    return float(low), float(high)
