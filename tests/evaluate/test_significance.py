"""Intervals and p-values against scipy and against every assignment; Holm against statsmodels'."""

from __future__ import annotations

import itertools
import tracemalloc
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from assisters_rerank.evaluate.comparisons import corrected, pairs
from assisters_rerank.evaluate.results import Figure
from assisters_rerank.evaluate.significance import holm, paired
from assisters_rerank.evaluate.verdicts import Verdict, verdict

_SAMPLES: dict[str, Callable[[np.random.Generator], NDArray[np.float64]]] = {
    "two queries": lambda chance: np.array([0.0, 1.0]),
    "few queries": lambda chance: chance.normal(0.05, 0.2, 12),
    "as of a rerank": lambda chance: chance.normal(0.02, 0.3, 300) * (chance.random(300) < 0.4),
    "skewed": lambda chance: chance.exponential(0.1, 1500),
}


@pytest.mark.parametrize("sample", _SAMPLES)
def test_the_interval_is_student_s(sample: str) -> None:
    from scipy import stats  # takes a second, not for all who collect

    values = _SAMPLES[sample](np.random.default_rng(3))
    theirs = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    found = paired(values.tolist())
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), abs=1e-9)
    assert found.differing == np.count_nonzero(values)


@pytest.mark.parametrize("queries", [2, 3, 7, 10])
def test_p_is_the_share_of_all_assignments_that_give_as_much(queries: int) -> None:
    moved = np.random.default_rng(queries).normal(0.1, 0.2, queries).round(6)
    values = [*moved.tolist(), 0.0, 0.0, 0.0]
    sums = [np.dot(signs, moved) for signs in itertools.product((-1, 1), repeat=queries)]
    as_much = sum(abs(each) >= abs(moved.sum()) - 1e-9 for each in sums)
    assert paired(values).p == pytest.approx(as_much / len(sums))


def test_p_is_scipy_s_but_for_what_chance_leaves() -> None:
    from scipy import stats  # takes a second, not for all who collect

    values = np.random.default_rng(8).normal(0.05, 0.2, 40)
    theirs = stats.permutation_test(
        (values,), np.mean, permutation_type="samples", vectorized=True, rng=1
    )
    assert paired(values.tolist()).p == pytest.approx(theirs.pvalue, abs=0.015)


def test_p_of_many_queries_is_near_that_of_the_t_test() -> None:
    from scipy import stats  # takes a second, not for all who collect

    values = np.random.default_rng(5).normal(0.03, 0.2, 200)
    assert paired(values.tolist()).p == pytest.approx(stats.ttest_1samp(values, 0).pvalue, abs=0.01)


@pytest.mark.parametrize("values", [[0.1], [0.0] * 300, [0.1] * 7, [-1 / 3] * 3])
def test_nothing_that_varies(values: list[float]) -> None:
    found = paired(values)
    assert (found.low, found.high) == pytest.approx((values[0], values[0]))
    assert found.p == (1.0 if not any(values) else 2 / 2 ** len(values))


def test_no_queries() -> None:
    with pytest.raises(ValueError, match="no queries"):
        paired([])


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(-1, 1), min_size=1, max_size=20))
def test_mirrored_and_repeated(values: list[float]) -> None:
    found, mirrored = paired(values), paired([-value for value in values])
    assert (mirrored.low, mirrored.high) == pytest.approx((-found.high, -found.low), abs=1e-9)
    assert mirrored.p == pytest.approx(found.p, abs=1e-9)
    assert paired(values) == found


def test_memory_is_bounded() -> None:
    values = np.random.default_rng(4).random(5_000).tolist()
    tracemalloc.start()
    try:
        paired(values)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # All assignments at once would be 400 MB.
    assert peak < 60e6


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], []),
        ([0.04], [0.04]),
        # The example of R's p.adjust(c(0.01, 0.02, 0.03, 0.04), "holm").
        ([0.01, 0.02, 0.03, 0.04], [0.04, 0.06, 0.06, 0.06]),
        ([0.04, 0.01, 0.9], [0.08, 0.03, 0.9]),
        ([0.6, 0.6], [1.0, 1.0]),
    ],
)
def test_holm(values: Sequence[float], expected: Sequence[float]) -> None:
    assert holm(values) == pytest.approx(expected)


def _figure(gain: float, p: float, differing: int = 20) -> Figure:
    return Figure(0.5, gain, gain - 0.1, gain + 0.1, p, p, differing)


def test_the_main_measure_is_corrected_for_the_models_and_is_the_gate_of_the_rest() -> None:
    first = {"nDCG@10": _figure(0.2, 0.03), "MAP": _figure(0.2, 0.02), "R@100": Figure(1, 0, 0, 0)}
    second = {"nDCG@10": _figure(0.2, 0.2), "MAP": _figure(0.2, 0.3)}
    found = corrected([first, second])
    assert [figure.p_corrected for figure in found[0].values()] == pytest.approx([0.06, 0.06, 1])
    assert [figure.p_corrected for figure in found[1].values()] == pytest.approx([0.2, 0.3])
    (alone,) = corrected([first])
    assert [figure.p_corrected for figure in alone.values()] == pytest.approx([0.03, 0.03, 1])
    (few,) = corrected([{**first, "nDCG@10": _figure(0.2, 0.001, 9)}])
    assert [verdict(figure) for figure in few.values()] == [
        Verdict.TOO_FEW,
        Verdict.UNCLEAR,
        Verdict.SAME,
    ]
    assert [verdict(figure) for figure in alone.values()] == [
        Verdict.BETTER,
        Verdict.BETTER,
        Verdict.SAME,
    ]
    assert verdict(found[0]["nDCG@10"]) is Verdict.UNCLEAR


def test_a_verdict_needs_interval_p_value_and_ten_queries() -> None:
    assert verdict(_figure(0.2, 0.05)) is Verdict.BETTER
    assert verdict(_figure(-0.2, 0.05)) is Verdict.WORSE
    assert verdict(_figure(0.2, 0.051)) is Verdict.UNCLEAR
    assert verdict(_figure(0.1, 0.01)) is Verdict.UNCLEAR
    assert verdict(_figure(0.2, 0.0001, 9)) is Verdict.TOO_FEW
    assert verdict(_figure(0.2, 0.0001, 10)) is Verdict.BETTER
    assert verdict(_figure(0.0, 1.0, 0)) is Verdict.SAME


def test_two_models_whose_intervals_overlap_may_differ_for_sure() -> None:
    """Against the first stage both vary with the queries, against each other they do not."""
    chance = np.random.default_rng(7)
    first = {str(q): float(v) for q, v in enumerate(chance.uniform(0.2, 0.6, 60))}
    moved = chance.normal(0.0, 0.15, 60)
    one = {q: v + m + 0.03 for (q, v), m in zip(first.items(), moved, strict=True)}
    noise = chance.normal(0, 0.02, 60)
    other = {q: v + m + n for (q, v), m, n in zip(first.items(), moved, noise, strict=True)}
    from assisters_rerank.evaluate.measures import figure

    over = [figure(values, first) for values in (one, other)]
    assert over[0].low < over[1].high
    names = ("one", "other", "other again")
    values = [{"nDCG@10": each} for each in (one, other, dict(other))]
    found = pairs(list(zip(names, values, strict=True)))
    assert [(pair.model, pair.other) for pair in found] == [*itertools.combinations(names, 2)]
    assert [verdict(pair.difference) for pair in found] == [
        Verdict.BETTER,
        Verdict.BETTER,
        Verdict.SAME,
    ]
    assert found[0].difference.p_corrected == pytest.approx(3 * found[0].difference.p)
