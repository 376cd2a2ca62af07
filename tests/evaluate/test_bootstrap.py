"""The paired bootstrap against scipy's."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from assisters_rerank.evaluate.bootstrap import paired_bootstrap

_SAMPLES: dict[str, Callable[[np.random.Generator], NDArray[np.float64]]] = {
    "two queries": lambda chance: np.array([0.0, 1.0]),
    "few queries": lambda chance: chance.normal(0.05, 0.2, 12),
    "as of a rerank": lambda chance: chance.normal(0.02, 0.3, 300) * (chance.random(300) < 0.4),
    "more than one block": lambda chance: chance.exponential(0.1, 1500),
}


@pytest.mark.parametrize("sample", _SAMPLES)
def test_as_scipy_with_the_same_draws(sample: str) -> None:
    values = _SAMPLES[sample](np.random.default_rng(3))
    theirs = stats.bootstrap(
        (values,),
        np.mean,
        method="percentile",
        n_resamples=10_000,
        batch=1000,
        rng=np.random.default_rng(0),
    ).confidence_interval
    assert paired_bootstrap(values.tolist()) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_as_scipy_paired_with_other_draws() -> None:
    chance = np.random.default_rng(5)
    first = chance.random(200)
    second = np.clip(first + chance.normal(0.03, 0.1, 200), 0, 1)
    theirs = stats.bootstrap(
        (second, first),
        lambda x, y, axis: np.mean(x, axis=axis) - np.mean(y, axis=axis),
        paired=True,
        vectorized=True,
        method="percentile",
        n_resamples=10_000,
        batch=1000,
        rng=np.random.default_rng(77),
    ).confidence_interval
    low, high = paired_bootstrap((second - first).tolist())
    # Within what 10,000 resamples leave to chance: about a thirtieth of the standard error.
    assert low == pytest.approx(theirs.low, abs=0.1 * theirs.high - 0.1 * theirs.low)
    assert high == pytest.approx(theirs.high, abs=0.1 * theirs.high - 0.1 * theirs.low)
    unpaired = 1.96 * (first.var() / 200 + second.var() / 200) ** 0.5
    assert high - low < unpaired


def test_the_same_every_time_and_by_the_seed() -> None:
    values = np.random.default_rng(1).random(50).tolist()
    assert paired_bootstrap(values) == paired_bootstrap(values)
    assert paired_bootstrap(values) != paired_bootstrap(values, seed=1)


@pytest.mark.parametrize("values", [[0.1], [0.0] * 300, [0.1] * 7, [-1 / 3] * 3])
def test_nothing_that_varies(values: list[float]) -> None:
    assert paired_bootstrap(values) == (values[0], values[0])


def test_no_queries() -> None:
    with pytest.raises(ValueError, match="no queries"):
        paired_bootstrap([])


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-1, 1), min_size=1, max_size=40))
def test_within_the_values_and_mirrored(values: list[float]) -> None:
    low, high = paired_bootstrap(values, resamples=500)
    assert min(values) - 1e-12 <= low <= high <= max(values) + 1e-12
    mirrored = paired_bootstrap([-value for value in values], resamples=500)
    assert mirrored == pytest.approx((-high, -low), abs=1e-12)


def test_less_confidence_is_narrower() -> None:
    values = np.random.default_rng(2).random(100).tolist()
    low, high = paired_bootstrap(values)
    inner_low, inner_high = paired_bootstrap(values, confidence=0.5)
    assert low < inner_low < inner_high < high


def test_memory_is_bounded() -> None:
    values = np.random.default_rng(4).random(10_000).tolist()
    tracemalloc.start()
    try:
        paired_bootstrap(values, resamples=1000)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # All draws at once would be 80 MB, twice.
    assert peak < 40e6
