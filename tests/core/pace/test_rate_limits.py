"""The user's own limit by itself: boundaries, order, what is larger than it, memory."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assisters_rerank.pace.rate_limits import OwnLimit


def used(*ended: tuple[float, int], per_minute: int) -> OwnLimit:
    """A limit with amounts that ended at these times."""
    limit = OwnLimit()
    limit.wait(per_minute, 0, 1, -1e6)
    for at, amount in ended:
        limit.let_go(amount)
        limit.end(amount, at)
    return limit


def test_without_a_limit_nothing_waits_and_nothing_is_kept() -> None:
    limit = OwnLimit()
    for second in range(1000):
        assert limit.wait(None, 5, 7, float(second)) == 0
        limit.let_go(7)
        limit.end(7, float(second))
    assert not limit._ended


def test_the_last_place_is_given_and_the_next_is_not() -> None:
    limit = used((0, 1), (1, 1), per_minute=3)
    assert limit.wait(3, 0, 1, 2) == 0
    assert limit.wait(3, 1, 1, 2) == 58
    assert limit.wait(3, 2, 1, 2) == 59


def test_a_minute_is_over_at_its_end_and_not_before() -> None:
    limit = used((0, 1), per_minute=1)
    assert limit.wait(1, 0, 1, 59.5) == 0.5
    assert limit.wait(1, 0, 1, 60) == 0


def test_what_is_under_way_counts_until_a_minute_after_its_end() -> None:
    limit = used((0, 1), per_minute=2)
    limit.let_go(1)
    assert limit.wait(2, 0, 1, 10) == 50
    assert not limit.wait(2, 1, 1, 10) <= 0
    limit.end(1, 20)
    assert limit.wait(2, 1, 1, 20) == 60


def test_more_than_the_limit_goes_alone() -> None:
    limit = used((0, 1), per_minute=100)
    assert limit.wait(100, 0, 500, 1) == 59
    assert limit.wait(100, 0, 500, 60) == 0
    limit.let_go(500)
    assert not limit.wait(100, 0, 1, 61) <= 0  # SOON, or a time
    limit.end(500, 70)
    assert limit.wait(100, 0, 1, 71) == 59
    assert limit.wait(100, 0, 1, 130) == 0


def test_nothing_passes_by_one_that_is_larger_than_the_limit() -> None:
    assert OwnLimit().wait(100, 500, 1, 0) != 0
    assert used((0, 50), per_minute=100).wait(100, 500, 1, 1) != 0


def test_a_limit_that_is_lowered_and_raised_between_calls() -> None:
    limit = used((0, 1), (1, 1), (2, 1), per_minute=10)
    assert limit.wait(3, 0, 1, 3) == 57
    assert limit.wait(1, 0, 1, 3) == 59
    assert limit.wait(4, 0, 1, 3) == 0
    assert limit.wait(None, 0, 1, 3) == 0


@pytest.mark.parametrize("ends", [(50.0, 0.0), (10.0, 50.0, 0.0)])
def test_ends_that_come_late_open_no_gap(ends: tuple[float, ...]) -> None:
    # A cancelled request is counted from when it was let go, which may be long ago.
    limit = used(*((end, 1) for end in ends), per_minute=2)
    waits = [limit.wait(2, before, 1, 70) for before in range(2)]
    assert waits[0] <= waits[1]
    assert waits[1] > 0  # one of 50 counts until 110


@given(
    ends=st.lists(st.tuples(st.floats(0, 100), st.integers(1, 9)), max_size=12),
    per_minute=st.integers(1, 12),
    now=st.floats(100, 130),
    befores=st.lists(st.integers(0, 12), min_size=2, max_size=5),
)
def test_whoever_has_more_before_waits_no_less(
    ends: list[tuple[float, int]], per_minute: int, now: float, befores: list[int]
) -> None:
    limit = used(*ends, per_minute=per_minute)
    waits = [limit.wait(per_minute, before, 1, now) for before in sorted(befores)]
    known = [math.inf if math.isnan(wait) else max(0.0, wait) for wait in waits]
    assert known == sorted(known)


@given(
    ends=st.lists(st.tuples(st.floats(0, 100), st.integers(1, 9)), max_size=12),
    per_minute=st.integers(1, 12),
    amount=st.integers(1, 12),
)
def test_who_waits_as_long_as_told_may_go(
    ends: list[tuple[float, int]], per_minute: int, amount: int
) -> None:
    limit = used(*ends, per_minute=per_minute)
    now = 100.0
    wait = limit.wait(per_minute, 0, amount, now)
    assert wait <= 60
    assert limit.wait(per_minute, 0, amount, now + max(0.0, wait) + 1e-6) <= 0


def test_memory_is_bounded_by_a_minute() -> None:
    limit = OwnLimit()
    for tenth in range(10_000):
        limit.wait(1000, 0, 1, tenth / 10)
        limit.let_go(1)
        limit.end(1, tenth / 10)
    assert len(limit._ended) <= 601
