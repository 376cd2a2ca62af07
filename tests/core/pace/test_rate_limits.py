"""The user's own limit by itself: boundaries, order, what is larger than it, memory."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assisters_rerank.pace.rate_limits import OwnLimit


def used(*ended: tuple[float, int], per_minute: int) -> OwnLimit:
    """A limit with amounts that ended at these times."""
    limit = OwnLimit()
    limit.wait(per_minute, 0, 1, -1e6)
    for at, amount in ended:
        limit.ended(amount, at)
    return limit


def wait(limit: OwnLimit, per_minute: int | None, in_flight: int, amount: int, now: float) -> float:
    """How long the amount has to wait, which is the same at least and at most."""
    at_least, at_most = limit.wait(per_minute, in_flight, amount, now)
    assert at_least == at_most
    return at_least


def test_without_a_limit_nothing_waits_and_nothing_is_kept() -> None:
    limit = OwnLimit()
    for second in range(1000):
        assert wait(limit, None, 5, 7, float(second)) == 0
        limit.ended(7, float(second))
    assert not limit._ended


def test_the_last_place_is_given_and_the_next_is_not() -> None:
    limit = used((0, 1), (1, 1), per_minute=3)
    assert wait(limit, 3, 0, 1, 2) == 0
    assert wait(limit, 3, 1, 1, 2) == 58
    assert wait(limit, 3, 2, 1, 2) == 59


def test_a_minute_is_over_at_its_end_and_not_before() -> None:
    limit = used((0, 1), per_minute=1)
    assert wait(limit, 1, 0, 1, 59.5) == 0.5
    assert wait(limit, 1, 0, 1, 60) == 0


def test_what_is_under_way_counts_until_a_minute_after_its_end() -> None:
    limit = used((0, 1), per_minute=2)
    assert wait(limit, 2, 1, 1, 10) == 50
    assert wait(limit, 2, 2, 1, 10) == 60
    limit.ended(1, 20)
    limit.ended(1, 21)
    assert wait(limit, 2, 0, 1, 60) == 20


def test_more_than_the_limit_goes_alone() -> None:
    limit = used((0, 1), per_minute=100)
    assert wait(limit, 100, 0, 500, 1) == 59
    assert wait(limit, 100, 0, 500, 60) == 0
    assert wait(limit, 100, 500, 1, 61) == 60
    limit.ended(500, 70)
    assert wait(limit, 100, 0, 1, 71) == 59
    assert wait(limit, 100, 0, 1, 130) == 0


def test_a_limit_that_is_lowered_and_raised_between_calls() -> None:
    limit = used((0, 1), (1, 1), (2, 1), per_minute=10)
    assert wait(limit, 3, 0, 1, 3) == 57
    assert wait(limit, 1, 0, 1, 3) == 59
    assert wait(limit, 4, 0, 1, 3) == 0
    assert wait(limit, None, 0, 1, 3) == 0


def test_what_ends_between_calls_without_a_limit_counts_for_those_with_one() -> None:
    limit = used((0, 1), per_minute=2)
    assert wait(limit, None, 0, 1, 1) == 0
    limit.ended(1, 2)
    assert wait(limit, 2, 0, 1, 3) == 57


@pytest.mark.parametrize("ends", [(50.0, 0.0), (10.0, 50.0, 0.0)])
def test_ends_that_come_late_open_no_gap(ends: tuple[float, ...]) -> None:
    # A cancelled request is counted from when it was let go, which may be long ago.
    limit = used(*((end, 1) for end in ends), per_minute=2)
    assert wait(limit, 2, 1, 1, 70) > 0  # one of 50 counts until 110


@given(
    ends=st.lists(st.tuples(st.floats(0, 100), st.integers(1, 9)), max_size=12),
    per_minute=st.integers(1, 12),
    now=st.floats(100, 130),
    in_flight=st.lists(st.integers(0, 12), min_size=2, max_size=5),
)
def test_the_more_is_under_way_the_longer_is_the_wait(
    ends: list[tuple[float, int]], per_minute: int, now: float, in_flight: list[int]
) -> None:
    limit = used(*ends, per_minute=per_minute)
    waits = [wait(limit, per_minute, amount, 1, now) for amount in sorted(in_flight)]
    assert waits == sorted(waits)


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
    seconds = wait(limit, per_minute, 0, amount, now)
    assert seconds <= 60
    assert wait(limit, per_minute, 0, amount, now + seconds + 1e-6) == 0


@given(ends=st.lists(st.tuples(st.floats(0, 200), st.integers(1, 9)), max_size=40))
def test_the_total_is_the_sum(ends: list[tuple[float, int]]) -> None:
    limit = used(*ends, per_minute=5)
    limit.wait(5, 0, 1, 150)
    total = limit._used
    limit.recount()
    assert limit._used == total


def test_memory_is_bounded_by_a_minute() -> None:
    limit = OwnLimit()
    for tenth in range(10_000):
        limit.wait(1000, 0, 1, tenth / 10)
        limit.ended(1, tenth / 10)
    assert len(limit._ended) <= 601
