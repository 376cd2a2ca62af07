"""One budget for a whole call: attempts get what is left, and no wait is slept past its end."""

from __future__ import annotations

from itertools import repeat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assisters_rerank.errors import (
    AssistersError,
    BudgetExceeded,
    RateLimitError,
    StatusError,
    TransportError,
)
from assisters_rerank.wire.messages import Answer

from ..answers import honest, refused
from ..scripted_port import ScriptedPort, rank


def test_the_first_attempt_gets_the_whole_budget() -> None:
    port = ScriptedPort([honest])
    rank(port, timeout=12.5)
    assert [sent.budget for sent in port.sent] == [12.5]


def test_each_attempt_gets_what_answers_and_waits_have_left() -> None:
    port = ScriptedPort(
        [refused(503, retry_after="2"), refused(503, retry_after="3"), honest], send_seconds=1
    )
    rank(port, timeout=30)
    assert [sent.budget for sent in port.sent] == [30, 27, 23]


@pytest.mark.parametrize("retry_after", ["10", "10.5"])
def test_a_wait_that_does_not_fit_is_not_slept(retry_after: str) -> None:
    port = ScriptedPort([refused(429, retry_after=retry_after)])
    with pytest.raises(RateLimitError):
        rank(port, timeout=10)
    assert port.sleeps == []


def test_a_wait_that_just_fits_is_slept() -> None:
    port = ScriptedPort([refused(429, retry_after="9.5"), honest])
    rank(port, timeout=10)
    assert [sent.budget for sent in port.sent] == [10, 0.5]


def test_a_slow_answer_ends_with_the_budget_and_is_not_asked_for_again() -> None:
    port = ScriptedPort([honest], send_seconds=31)
    with pytest.raises(BudgetExceeded) as caught:
        rank(port, timeout=30)
    assert isinstance(caught.value, TimeoutError)
    assert len(port.sent) == 1
    assert port.clock == 1030


def test_nothing_is_sent_once_nothing_is_left() -> None:
    port = ScriptedPort([refused(503, retry_after="9")], oversleep=2)
    with pytest.raises(BudgetExceeded, match=r"timeout=10 s"):
        rank(port, timeout=10)
    assert len(port.sent) == 1


def test_a_wait_for_a_limit_that_lasts_too_long_ends_with_the_refusal() -> None:
    port = ScriptedPort([refused(429, retry_after="9")], oversleep=2)
    with pytest.raises(RateLimitError, match="set requests_per_minute"):
        rank(port, timeout=10)
    assert len(port.sent) == 1


def test_an_attempt_for_which_a_limit_left_no_time_ends_with_the_refusal() -> None:
    port = ScriptedPort([refused(429, retry_after="0.5"), honest], send_seconds=0.3)
    with pytest.raises(RateLimitError) as caught:
        rank(port, timeout=1)
    assert [sent.budget for sent in port.sent] == [1, pytest.approx(0.2)]
    assert isinstance(caught.value.__cause__, BudgetExceeded)


class Ticking(ScriptedPort):
    """Time goes on between any two looks at the clock, as on a busy machine."""

    def now(self) -> float:
        self.clock += 0.01
        return self.clock


@pytest.mark.parametrize("milliseconds", range(800, 1000, 5))
def test_a_limit_that_leaves_no_time_ends_with_the_refusal_wherever_the_time_ends(
    milliseconds: int,
) -> None:
    port = Ticking([refused(429, retry_after=f"{milliseconds / 1000}"), honest], send_seconds=0.1)
    with pytest.raises(RateLimitError):
        rank(port, timeout=1.02)


@pytest.mark.parametrize(
    ("refusal", "seconds"),
    [
        (refused(429, retry_after="5"), 3),  # half a second is time to answer
        (refused(503, retry_after="6.8"), 3),  # and only a limit is nobody's fault
    ],
)
def test_an_attempt_that_had_time_ends_with_the_budget(refusal: Answer, seconds: float) -> None:
    port = ScriptedPort([refusal, honest], send_seconds=seconds)
    with pytest.raises(BudgetExceeded):
        rank(port, timeout=10)
    assert len(port.sent) == 2


def test_shards_share_one_budget() -> None:
    port = ScriptedPort(repeat(honest), send_seconds=4)
    with pytest.raises(BudgetExceeded):
        rank(port, ["a", "b", "c", "d"], timeout=10, max_documents_per_request=1)
    assert [sent.budget for sent in port.sent] == [10, 6, 2]


def test_no_retries_when_none_are_allowed() -> None:
    port = ScriptedPort([refused(503, retry_after="1")])
    with pytest.raises(StatusError):
        rank(port, max_retries=0)
    assert port.sleeps == []
    assert len(port.sent) == 1


def test_the_last_failure_is_the_one_raised() -> None:
    port = ScriptedPort([TransportError("reset"), refused(500), refused(503, x_request_id="r-3")])
    with pytest.raises(StatusError, match="r-3"):
        rank(port, max_retries=2)


@given(
    timeout=st.floats(0.1, 100),
    retries=st.integers(0, 8),
    send_seconds=st.floats(0, 20),
    waits=st.lists(st.none() | st.floats(0, 200), min_size=9, max_size=9),
)
def test_whatever_happens_the_call_ends_within_its_budget(
    timeout: float, retries: int, send_seconds: float, waits: list[float | None]
) -> None:
    replies = [refused(503, **({} if w is None else {"retry_after": str(w)})) for w in waits]
    port = ScriptedPort(replies, send_seconds=send_seconds)
    with pytest.raises(AssistersError):
        rank(port, timeout=timeout, max_retries=retries)
    assert port.clock - 1000 <= timeout + 1e-9  # the clock's own rounding
    assert 1 <= len(port.sent) <= retries + 1
    assert all(0 < sent.budget <= timeout + 1e-9 for sent in port.sent)
