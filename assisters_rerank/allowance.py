"""What an answer's headers tell of the rate limit: `X-RateLimit-{Limit,Remaining,Reset}-…`."""

from __future__ import annotations

import math
from typing import NamedTuple

from .messages import Answer

# A limit a minute that is renewed later than in an hour is not what these headers are about.
_LONGEST_WINDOW = 3600.0
# Smaller numbers are seconds from now, as some servers send them; the service sends Unix times.
_EARLIEST_UNIX_TIME = 1_000_000_000


class Allowance(NamedTuple):
    """Of requests or of tokens: what a window allows, what is left of it, seconds to its end."""

    limit: int
    remaining: int
    resets_in: float | None


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
    return Allowance(int(limit), int(remaining), _resets_in(answer, unit))


def _resets_in(answer: Answer, unit: str) -> float | None:
    reset = _number(answer, f"x-ratelimit-reset-{unit}")
    if reset is None:
        return None
    seconds = reset - answer.server_time() if reset >= _EARLIEST_UNIX_TIME else reset
    return max(0.0, seconds) if seconds <= _LONGEST_WINDOW else None


def _number(answer: Answer, header: str) -> float | None:
    try:
        number = float(answer.headers[header])
    except (KeyError, ValueError):
        return None
    return number if math.isfinite(number) else None
