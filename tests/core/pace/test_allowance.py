"""What the headers tell of the rate limit, whatever a server or a gateway writes into them."""

from __future__ import annotations

import math
from email.utils import formatdate

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from assisters_rerank.pace.allowance import Allowance, requests_allowed, tokens_allowed
from assisters_rerank.wire.messages import Answer

NOW = 1_800_000_000


def told(*, dated: bool = True, **headers: str) -> Answer:
    """An answer with `limit_rpm="10"` as `X-RateLimit-Limit-RPM: 10`."""
    named = {f"X-RateLimit-{name.replace('_', '-')}": value for name, value in headers.items()}
    if dated:
        named["Date"] = formatdate(NOW, usegmt=True)
    return Answer(200, httpx.Headers(named), b"")


def requests(limit: str = "10", remaining: str = "4", reset: str = f"{NOW + 30}") -> Allowance:
    allowance = requests_allowed(told(limit_rpm=limit, remaining_rpm=remaining, reset_rpm=reset))
    assert allowance is not None
    return allowance


def test_the_documented_headers() -> None:
    answer = told(
        limit_rpm="10",
        remaining_rpm="9",
        reset_rpm=f"{NOW + 60}",
        limit_tpm="100000",
        remaining_tpm="98765",
        reset_tpm=f"{NOW + 45}",
    )
    assert requests_allowed(answer) == _like(10, 9, 60.0)
    assert tokens_allowed(answer) == _like(100_000, 98_765, 45.0)


def _like(limit: int, remaining: int, resets_in: float | None) -> object:
    """Equal to an allowance with these figures."""

    class Like:
        def __eq__(self, other: object) -> bool:
            return isinstance(other, Allowance) and other[:3] == (limit, remaining, resets_in)

        __hash__ = None  # type: ignore[assignment]

        def __repr__(self) -> str:
            return f"Allowance{(limit, remaining, resets_in)}"

    return Like()


def test_no_headers_tell_nothing() -> None:
    assert requests_allowed(told()) is None
    assert tokens_allowed(told()) is None


def test_one_unit_alone() -> None:
    answer = told(limit_tpm="100", remaining_tpm="7")
    assert requests_allowed(answer) is None
    assert tokens_allowed(answer) == _like(100, 7, None)


GARBAGE = ["", " ", "ten", "nan", "inf", "-inf", "1e999", "0x10", "10;w=60", "10, 10", "∞"]


@pytest.mark.parametrize("value", [*GARBAGE, "0", "-1", "0.5"])
def test_without_a_possible_limit_nothing_is_told(value: str) -> None:
    value = value.encode("ascii", "replace").decode()
    assert requests_allowed(told(limit_rpm=value, remaining_rpm="4")) is None


@pytest.mark.parametrize("value", GARBAGE)
def test_without_a_readable_rest_nothing_is_told(value: str) -> None:
    value = value.encode("ascii", "replace").decode()
    assert requests_allowed(told(limit_rpm="10", remaining_rpm=value)) is None


def test_a_limit_without_a_rest_and_a_rest_without_a_limit() -> None:
    assert requests_allowed(told(limit_rpm="10", reset_rpm=f"{NOW}")) is None
    assert requests_allowed(told(remaining_rpm="4", reset_rpm=f"{NOW}")) is None


def test_numbers_in_other_forms() -> None:
    assert requests(" 10 ", "4.0") == _like(10, 4, 30.0)
    assert requests("1e2", "99.9") == _like(100, 99, 30.0)
    assert requests(remaining="-3").remaining == -3
    assert requests("1" + "0" * 300, "1" + "0" * 300).limit >= 10**299
    assert requests(remaining="11").remaining == 11  # more than the limit: theirs to explain


@pytest.mark.parametrize("reset", [*GARBAGE, f"{NOW}000", f"{NOW + 3601}", "3601", "999999999"])
def test_a_reset_that_cannot_be_one_is_not_believed(reset: str) -> None:
    reset = reset.encode("ascii", "replace").decode()
    assert requests(reset=reset) == _like(10, 4, None)


@pytest.mark.parametrize(
    ("reset", "seconds"),
    [
        (f"{NOW}", 0.0),
        (f"{NOW + 1}", 1.0),
        (f"{NOW + 0.25}", 0.25),
        (f"{NOW - 5}", 0.0),
        (f"{NOW - 100_000_000}", 0.0),
        ("0", 0.0),
        ("-5", 0.0),
        ("2", 2.0),
        ("0.5", 0.5),
        ("60", 60.0),
    ],
)
def test_a_reset_is_a_unix_time_or_some_seconds(reset: str, seconds: float) -> None:
    assert requests(reset=reset).resets_in == pytest.approx(seconds)


@pytest.mark.parametrize("date", [None, "no date", "Tue, 99 Nov 2026 10:00:00 GMT"])
def test_without_a_readable_date_a_unix_time_counts_from_this_machines_clock(
    date: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.time", lambda: NOW + 10.5)
    answer = told(limit_rpm="10", remaining_rpm="4", reset_rpm=f"{NOW + 30}", dated=False)
    if date is not None:
        answer.headers["Date"] = date  # type: ignore[index]
    assert requests_allowed(answer) == _like(10, 4, 19.5)


def test_a_skewed_server_is_taken_at_its_own_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: NOW + 86_400.0)
    assert requests().resets_in == 30.0


def test_a_skewed_machine_and_no_date_does_not_wait_for_longer_than_the_minute(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # A limit a minute is renewed within the minute, whatever the two clocks say.
    monkeypatch.setattr("time.time", lambda: NOW - 1800.0)
    answer = told(limit_rpm="10", remaining_rpm="0", reset_rpm=f"{NOW + 30}", dated=False)
    allowance = requests_allowed(answer)
    assert allowance is not None
    assert allowance.resets_in is None or allowance.resets_in <= 65


_texts = st.one_of(
    st.integers(-(10**30), 10**30).map(str),
    st.floats().map(str),
    st.text("0123456789.-+eE_ naif;,", max_size=12),
    st.just(None),
)


@given(limit=_texts, remaining=_texts, reset=_texts, dated=st.booleans())
@example(limit="1", remaining="-1e308", reset="1e308", dated=True)
def test_whatever_they_hold_the_figures_are_usable(
    limit: str | None, remaining: str | None, reset: str | None, *, dated: bool
) -> None:
    given = {"limit_tpm": limit, "remaining_tpm": remaining, "reset_tpm": reset}
    answer = told(dated=dated, **{name: text for name, text in given.items() if text is not None})
    allowance = tokens_allowed(answer)
    if allowance is None:
        return
    assert type(allowance.limit) is type(allowance.remaining) is int
    assert allowance.limit >= 1
    if allowance.resets_in is not None:
        assert 0 <= allowance.resets_in <= 3600
        assert math.isfinite(allowance.resets_in)
