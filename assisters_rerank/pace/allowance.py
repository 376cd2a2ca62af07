"""What an answer's headers tell of the rate limit: `X-RateLimit-{Limit,Remaining,Reset}-…`."""

from __future__ import annotations

import math
from typing import NamedTuple

from ..wire.messages import Answer

# The limits are a minute's. An end that is further away means that the clocks differ, where the
# server tells no time of its own, or another kind of limit.
_LONGEST_WINDOW = 65.0
# Smaller numbers are seconds from now, as some servers send them; the service sends Unix times.
_EARLIEST_UNIX_TIME = 1_000_000_000


class Allowance(NamedTuple):
    """Of requests or of tokens: what a window allows, what is left of it, seconds to its end.

    `ends` is that end as a Unix time of the server's, the same for the answers of one window.
    """

    limit: int
    remaining: int
    resets_in: float | None
    ends: float | None


def requests_allowed(answer: Answer) -> Allowance | None:
    """The requests of this window; None if the answer tells nothing of them."""
    return _allowance(answer, "rpm")


def tokens_allowed(answer: Answer) -> Allowance | None:
    """The tokens of this window; None if the answer tells nothing of them."""
    return _allowance(answer, "tpm")


def _allowance(answer: Answer, unit: str) -> Allowance | None:
    remaining = _number(answer, f"x-ratelimit-remaining-{unit}")
    if remaining is None:
        return None
    limit = _number(answer, f"x-ratelimit-limit-{unit}")
    if not limit or limit < 1:
        return None
    return Allowance(int(limit), int(remaining), *_reset(answer, unit))


def _reset(answer: Answer, unit: str) -> tuple[float, float] | tuple[None, None]:
    reset = _number(answer, f"x-ratelimit-reset-{unit}")
    if reset is None:
        return None, None
    time = answer.server_time()
    seconds = reset - time if reset >= _EARLIEST_UNIX_TIME else reset
    if seconds > _LONGEST_WINDOW:
        return None, None
    seconds = max(0.0, seconds)
    return seconds, reset if reset >= _EARLIEST_UNIX_TIME else time + seconds


def _number(answer: Answer, header: str) -> float | None:
    try:
        number = float(answer.headers[header])
    except (KeyError, ValueError):
        return None
    return number if math.isfinite(number) else None
