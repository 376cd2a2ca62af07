"""What the headers tell of the rate limit, whatever a server or a gateway writes into them."""

from __future__ import annotations

import math
from email.utils import formatdate

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from assisters_rerank.pace.allowance import Allowance, allowances
from assisters_rerank.wire.messages import Answer

NOW = 1_800_000_000


def requests_allowed(answer: Answer) -> Allowance | None:
    return allowances(answer)[0]


def tokens_allowed(answer: Answer) -> Allowance | None:
    return allowances(answer)[1]


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


# --- other dialects ---


def headers(**named: str) -> Answer:
    """An answer with `ratelimit_policy="…"` as `ratelimit-policy: …`."""
    dated = {"Date": formatdate(NOW, usegmt=True)}
    return Answer(
        200, httpx.Headers(dated | {n.replace("_", "-"): v for n, v in named.items()}), b""
    )


@pytest.mark.parametrize(
    ("reset", "seconds"),
    [
        ("8.64s", 8.64),
        ("1m2s", 62.0),
        ("20ms", 0.02),
        ("1m0s", 60.0),
        ("0s", 0.0),
        ("500us", 0.0005),
        ("7", 7.0),
        (f"{NOW + 12}", 12.0),
        ("2m52.8s", None),  # of a day's limit
        ("6m0s", None),
        ("1h", None),
        ("s", None),
        ("-5s", None),
        ("5 s", None),
        ("5x", None),
        ("2026-03-29T14:00:32Z", None),
        ("9" * 400 + "s", None),
    ],
)
def test_openais_and_litellms_headers(reset: str, seconds: float | None) -> None:
    answer = headers(
        x_ratelimit_limit_requests="60",
        x_ratelimit_remaining_requests="59",
        x_ratelimit_reset_requests=reset,
        x_ratelimit_limit_tokens="150000",
        x_ratelimit_remaining_tokens="149984",
        x_ratelimit_reset_tokens="6ms",
    )
    requests = requests_allowed(answer)
    assert requests is not None
    assert requests[:3] == (60, 59, None if seconds is None else pytest.approx(seconds))
    assert tokens_allowed(answer) == _like(150_000, 149_984, 0.006)


def test_azures_minus_ones_report_nothing() -> None:
    answer = headers(
        x_ratelimit_limit_tokens="-1",
        x_ratelimit_remaining_tokens="-1",
        x_ratelimit_reset_tokens="0",
    )
    assert tokens_allowed(answer) is None


def test_the_services_own_headers_go_first() -> None:
    answer = headers(
        x_ratelimit_limit_rpm="10",
        x_ratelimit_remaining_rpm="9",
        x_ratelimit_limit_requests="500",
        x_ratelimit_remaining_requests="400",
    )
    assert requests_allowed(answer) == _like(10, 9, None)


@pytest.mark.parametrize(
    ("service", "policy", "figures"),
    [
        ('"default";r=50;t=30', '"default";q=100;w=60', (100, 50, 30.0)),
        ('"default";r=50', '"default";q=100', (100, 50, None)),
        ('"default"; r=50; t=30', '"default"; q=100; w=60', (100, 50, 30.0)),
        ('"a";r=50;t=30,"b";r=2;t=9', '"a";q=100;w=60, "b";q=5;w=10', (5, 2, 9.0)),
        ('"a,b;r=1";r=50;t=30', '"a,b;r=1";q=100;w=60', (100, 50, 30.0)),
        ('"a";r=3;t=4;pk=:cGs=:', '"a";q=9;w=10;qu="requests";pk=:cGs=:', (9, 3, 4.0)),
        ('"a";r=0;t=30', "", (1, 0, 30.0)),  # its quota is not known
        ('"a";r=7;t=30', '"other";q=100', (7, 7, 30.0)),
        ('"a";r=7;t=86400', '"a";q=100;w=86400', (100, 7, None)),
        ("limit=100, remaining=50, reset=5", "100;w=60", (100, 50, 5.0)),  # draft 07
    ],
)
def test_the_fields_of_the_ietfs_draft(
    service: str, policy: str, figures: tuple[int, int, float | None]
) -> None:
    answer = headers(ratelimit=service, ratelimit_policy=policy)
    assert requests_allowed(answer) == _like(*figures)
    assert tokens_allowed(answer) is None


def test_the_ietfs_quota_units() -> None:
    answer = headers(
        ratelimit='"p";r=1;t=3, "b";r=9;t=3, "t";r=70;t=8',
        ratelimit_policy=(
            '"p";q=4;qu="concurrent-requests","b";q=99;qu="content-bytes","t";q=90;qu="tokens"'
        ),
    )
    assert requests_allowed(answer) is None
    assert tokens_allowed(answer) == _like(90, 70, 8.0)


def test_the_three_fields_of_the_ietfs_first_drafts() -> None:
    answer = headers(ratelimit_limit="100", ratelimit_remaining="50", ratelimit_reset="5")
    assert requests_allowed(answer) == _like(100, 50, 5.0)
    assert tokens_allowed(answer) is None


@pytest.mark.parametrize(
    "service",
    ["", " ", '"a"', '"a";r', '"a";r=', '"a";r=x', '"a";r=nan', '"a;r=5', "a b c", ",,,", ";;r=5",
     '"a";t=5', '"a" "b";r=5', "limit=5", "remaining=5", '"\\"', "="],
)  # fmt: skip
def test_a_field_that_makes_no_sense_is_ignored(service: str) -> None:
    assert requests_allowed(headers(ratelimit=service, ratelimit_policy=service)) is None


@given(
    service=st.text('"ar;=, 0159tqwu.-:\\limtren', max_size=40),
    policy=st.text('"ar;=, 0159tqwu.-:\\', max_size=40),
    reset=st.text("0123456789.hmsnuµ -+e", max_size=15),
)
def test_no_text_of_theirs_raises_or_waits_for_ever(service: str, policy: str, reset: str) -> None:
    reset = reset.replace("µ", "u")
    answer = headers(
        ratelimit=service,
        ratelimit_policy=policy,
        x_ratelimit_limit_tokens="5",
        x_ratelimit_remaining_tokens="5",
        x_ratelimit_reset_tokens=reset,
    )
    for allowance in (requests_allowed(answer), tokens_allowed(answer)):
        if allowance is not None and allowance.resets_in is not None:
            assert 0 <= allowance.resets_in <= 65
            assert allowance.limit >= 1
