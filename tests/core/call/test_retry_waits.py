"""How long the flow waits before the next attempt: the server's wish, else a jittered back-off."""

from __future__ import annotations

from email.utils import formatdate
from itertools import repeat

import pytest

from assisters_rerank.errors import RateLimitError, StatusError, TransportError

from ..answers import honest, refused
from ..scripted_port import ScriptedPort, rank

THE_DATE = "Tue, 24 Nov 2026 10:00:00 GMT"


def wait_after(**headers: str) -> float:
    """The one wait of a call whose first attempt meets a 429 with these headers."""
    port = ScriptedPort([refused(429, **headers), honest])
    rank(port)
    (wait,) = port.sleeps
    return wait


def test_backoff_doubles_from_half_a_second_to_eight_and_jitters_by_half() -> None:
    seen: list[list[float]] = [[] for _ in range(7)]
    for _ in range(200):
        port = ScriptedPort([*repeat(refused(503), 7), honest])
        rank(port, max_retries=7, timeout=1000)
        for waits, wait in zip(seen, port.sleeps, strict=True):
            waits.append(wait)
    for waits, longest in zip(seen, [0.5, 1, 2, 4, 8, 8, 8], strict=True):
        assert longest / 2 <= min(waits) < longest * 0.6  # 200 draws reach near both ends
        assert longest * 0.9 < max(waits) <= longest


def test_backoff_never_overflows() -> None:
    port = ScriptedPort([*repeat(refused(503), 1100), honest])
    rank(port, max_retries=1100, timeout=86_400)
    assert len(port.sleeps) == 1100
    assert max(port.sleeps) <= 8


@pytest.mark.parametrize(
    ("retry_after", "seconds"), [("3", 3.0), ("0.25", 0.25), (" 7 ", 7.0), ("29", 29.0)]
)
def test_retry_after_in_seconds_is_obeyed(retry_after: str, seconds: float) -> None:
    assert wait_after(retry_after=retry_after) == seconds


@pytest.mark.parametrize(
    "retry_after",
    [
        "Tue, 24 Nov 2026 10:00:12 GMT",
        "Tuesday, 24-Nov-26 10:00:12 GMT",  # the obsolete form that HTTP still has to read
        "Tue, 24 Nov 2026 11:00:12 +0100",
    ],
)
def test_retry_after_as_a_date_counts_from_the_answers_own_date(retry_after: str) -> None:
    assert wait_after(retry_after=retry_after, date=THE_DATE) == 12


@pytest.mark.parametrize("date", [{}, {"date": "no date"}])
def test_without_a_readable_date_it_counts_from_this_machines_clock(
    date: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.time", lambda: 1_800_000_000.0)
    later = formatdate(1_800_000_005, usegmt=True)
    assert wait_after(retry_after=later, **date) == 5


@pytest.mark.parametrize(
    "retry_after",
    ["soon", "", "0", "-5", "nan", "inf", "-inf", "1e999", "Tue, 99 Nov 2026 10:00:00 GMT",
     "Tue, 24 Nov 2026 09:59:00 GMT", "12 monkeys", "0x10"],
)  # fmt: skip
def test_a_useless_retry_after_leaves_the_backoff(retry_after: str) -> None:
    assert 0.25 <= wait_after(retry_after=retry_after, date=THE_DATE) <= 0.5


@pytest.mark.parametrize(
    ("milliseconds", "seconds"), [("1500", 1.5), ("20", 0.02), ("soon", 4), ("-1", 4), ("nan", 4)]
)
def test_retry_after_ms_goes_first_if_it_makes_sense(milliseconds: str, seconds: float) -> None:
    assert wait_after(retry_after="4", retry_after_ms=milliseconds) == pytest.approx(seconds)


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_every_transient_status_may_ask_for_a_wait(status: int) -> None:
    port = ScriptedPort([refused(status, retry_after="4"), honest])
    rank(port)
    assert port.sleeps == [4]


@pytest.mark.parametrize("wait", ["3600", "Tue, 24 Nov 2026 11:00:00 GMT"], ids=["seconds", "date"])
def test_a_wait_of_an_hour_is_not_slept_but_told(wait: str) -> None:
    port = ScriptedPort([refused(429, retry_after=wait, date=THE_DATE)])
    with pytest.raises(RateLimitError, match="wait 3600 s") as caught:
        rank(port)
    assert caught.value.retry_after == 3600
    assert caught.value.status == 429
    assert port.sleeps == []


def test_the_error_carries_the_wait_that_did_not_fit_on_a_later_attempt() -> None:
    port = ScriptedPort([refused(503, retry_after="20"), refused(503, retry_after="11")])
    with pytest.raises(StatusError) as caught:
        rank(port, timeout=30)
    assert port.sleeps == [20]
    assert caught.value.retry_after == 11


def test_a_failure_without_an_answer_backs_off_too() -> None:
    port = ScriptedPort([TransportError("reset"), TransportError("refused"), honest])
    rank(port)
    first, second = port.sleeps
    assert 0.25 <= first <= 0.5 <= second <= 1.0


def test_refusals_without_a_wait_back_off_up_to_eight_seconds_while_the_budget_lasts() -> None:
    port = ScriptedPort([*repeat(refused(429), 40), honest])
    ranking = rank(port, timeout=400, max_retries=1)
    assert ranking.usage.retries == 40
    for wait, longest in zip(port.sleeps, [0.5, 1, 2, 4, *repeat(8, 36)], strict=True):
        assert longest / 2 <= wait <= longest


def test_refusals_are_not_counted_as_retries_of_failures() -> None:
    refusal, failure = refused(429, retry_after="1"), refused(500)
    port = ScriptedPort([refusal, failure, refusal, failure, refusal, honest])
    assert rank(port, max_retries=2).usage.retries == 5
    port = ScriptedPort([refusal, failure, refusal, failure, refusal, honest])
    with pytest.raises(StatusError) as caught:
        rank(port, max_retries=1)
    assert caught.value.status == 500
    assert len(port.sent) == 4


def test_without_retries_a_refusal_is_raised_as_well() -> None:
    port = ScriptedPort([refused(429, retry_after="1")])
    with pytest.raises(RateLimitError, match=r"timeout.*requests_per_minute.*max_concurrency"):
        rank(port, max_retries=0)
    assert port.sleeps == []
