"""Rows in which the server is busy or broken: what is retried, when, and how often."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pytest

from assisters_rerank.errors import RateLimitError, StatusError

from .answers import right, says
from .behaviours import dated
from .row import Row, among
from .rows_status import error_body
from .server import Behaviour

NOW = {"Retry-After": "0"}
LIMITED = error_body("rate_limit_exceeded", "rate_limit_error")
BROKEN = error_body("server_error", "server_error")
HOUR = 3600.0
BUSY = (
    (429, LIMITED, RateLimitError, 1.0),
    (503, BROKEN, StatusError, 0.3),  # the standard has whole seconds; some servers do not
)


def a_number_to_wait(value: object) -> bool:
    """None, or seconds that one can wait."""
    return value is None or (isinstance(value, float) and value >= 0 and not math.isnan(value))


def retry_after_rows() -> list[Row]:
    """429 and 503 with every kind of `Retry-After`."""
    rows = []
    for status, body, error, seconds in BUSY:

        def busy(value: str, status: int = status, body: str = body) -> Behaviour:
            return says(body, status, headers={"Retry-After": value})

        def told(seconds: object, status: int = status) -> Mapping[str, object]:
            return {"status": status, "retry_after": seconds}

        rows += [
            Row(
                name=f"{status}-retry-after-{seconds:g}-seconds",
                script=[busy(f"{seconds:g}"), right()],
                requests=2,
                gap=seconds - 0.01,
            ),
            Row(
                name=f"{status}-retry-after-as-a-date-gone-by",
                script=[dated(status, body, -60), right()],
                requests=2,
            ),
            Row(
                name=f"{status}-retry-after-as-a-date-to-come",
                script=[dated(status, body, 3)],
                outcome=error,
                attributes=told(pytest.approx(2.5, abs=1)),
                options={"max_retries": 0},
            ),
            Row(
                name=f"{status}-retry-after-a-date-by-a-clock-that-is-wrong",
                script=[dated(status, body, 3, clock=HOUR)],
                outcome=error,
                attributes=told(pytest.approx(3, abs=1)),
                options={"max_retries": 0},
            ),
            Row(
                name=f"{status}-retry-after-garbage-then-right",
                script=[busy("soon"), right()],
                requests=2,
            ),
            Row(
                name=f"{status}-retry-after-an-hour",
                script=[busy("3600")],
                outcome=error,
                attributes=told(HOUR),
            ),
            Row(
                name=f"{status}-retry-after-a-date-in-an-hour",
                script=[dated(status, body, HOUR)],
                outcome=error,
                attributes=told(pytest.approx(HOUR, abs=10)),
            ),
            Row(
                name=f"{status}-retry-after-beyond-the-budget",
                script=[busy("7")],
                outcome=error,
                attributes=told(7.0),
                options={"timeout": 5.0},
            ),
            Row(
                name=f"{status}-for-ever",
                script=[busy("0")],
                outcome=error,
                attributes=told(0.0),
                # A limit is waited for as long as `timeout` lasts.
                options={"timeout": 1.0} if status == 429 else {},
                requests=None if status == 429 else 4,
            ),
            Row(
                name=f"{status}-without-retry-after",
                script=[says(body, status)],
                outcome=error,
                attributes=told(None),
                options={"max_retries": 0},
            ),
        ]
    return rows


def unreadable_retry_after_rows() -> list[Row]:
    """`Retry-After` that is no time: as if it were not there."""
    return [
        Row(
            name=f"429-retry-after-{name}",
            script=[says(LIMITED, 429, headers={"Retry-After": value})],
            outcome=RateLimitError,
            attributes={"status": 429, "retry_after": matcher},
            options={"max_retries": 0},
        )
        for name, value, matcher in (
            ("empty", "", None),
            ("words", "soon", None),
            ("nan", "nan", None),
            ("infinite", "inf", None),
            ("negative", "-5", among(None, 0.0)),
            ("of-400-digits", "9" * 400, a_number_to_wait),
            ("impossible-date", "Wed, 99 Foo 2026 25:61:61 GMT", None),
            ("far-date", "Fri, 31 Dec 99999 23:59:59 GMT", a_number_to_wait),
            ("not-ascii", "\u00b2", None),
        )
    ]


def server_error_rows() -> list[Row]:
    """5xx and 408: retried, and given up in the end."""
    rows = []
    for status in (500, 502, 504, 529):  # 503 has its own rows above
        carried = {"status": status, "code": "server_error", "request_id": "req-1"}
        rows += [
            Row(
                name=f"{status}-once-then-right",
                script=[says(BROKEN, status, headers=NOW), right()],
                requests=2,
            ),
            Row(
                name=f"{status}-for-ever",
                script=[says(BROKEN, status, headers=NOW)],
                outcome=StatusError,
                attributes=carried,
                options={"max_retries": 2},
                requests=3,
            ),
        ]
    return [
        *rows,
        Row(
            name="408-once-then-right",
            script=[says("", 408, headers=NOW), right()],
            requests=2,
        ),
        Row(
            name="408-for-ever",
            script=[says("", 408, headers=NOW)],
            outcome=StatusError,
            attributes={"status": 408},
            options={"max_retries": 1},
            requests=2,
        ),
        Row(
            name="500-without-retry-after-then-right",
            script=[says(BROKEN, 500), right()],
            requests=2,
        ),
    ]


ROWS = [*retry_after_rows(), *unreadable_retry_after_rows(), *server_error_rows()]
