"""Requests and tokens in a window of time: what is allowed, what was used, and the refusal."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Literal

from ...errors import ConfigurationError
from .refusal import Refusal

PlanName = Literal["free", "developer", "startup"]

MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class RateLimits:
    """What one window allows. A limit of `None` is not enforced.

    Attributes:
        requests_per_minute: requests in one window.
        tokens_per_minute: tokens in one window, of queries and documents.
        window: its length in seconds; shorter than the service's minute, tests need not wait.
    """

    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    window: float = MINUTE

    def __post_init__(self) -> None:
        for name in ("requests_per_minute", "tokens_per_minute"):
            limit = getattr(self, name)
            if limit is not None and limit < 1:
                raise ConfigurationError(f"{name}: give at least 1, not {limit}.")
        if not 0 < self.window < math.inf:
            raise ConfigurationError(f"window: give more than 0 seconds, not {self.window:g}.")
        unlimited = self.requests_per_minute is None and self.tokens_per_minute is None
        if unlimited and self.window != MINUTE:
            raise ConfigurationError(
                "window: it has no limit to count; give requests_per_minute, tokens_per_minute or "
                "a plan too."
            )


PLANS: dict[PlanName, RateLimits] = {
    "free": RateLimits(10, 100_000),
    "developer": RateLimits(100, 1_000_000),
    "startup": RateLimits(500, 5_000_000),
}
"""The service's published plans (November 2026), without their tokens a month."""


def limits_of(
    plan: PlanName | None, requests: int | None, tokens: int | None, window: float | None
) -> RateLimits:
    """A plan's limits, none without a plan, with those of the other arguments that are given."""
    limits = PLANS[plan] if plan else RateLimits()
    return RateLimits(
        requests or limits.requests_per_minute,
        tokens or limits.tokens_per_minute,
        limits.window if window is None else window,
    )


class RateWindow:
    """What was used of the current window, which begins with the first request after the last one.

    Limits that are not enforced are told as those of the plan Startup, with all of them left: a
    client that obeys what it is told would wait for nothing. Not for threads: the event loop's own.
    """

    def __init__(self, limits: RateLimits | None = None) -> None:
        self._limits = limits or RateLimits()
        self._requests = self._tokens = 0
        self._ends = 0.0

    def admit(self, tokens: int = 0) -> None:
        """Counts a request of so many tokens.

        Raises `Refusal` with status 429 if it goes over a limit; then it is not counted.
        """
        self._begin_anew_if_over()
        requests_allowed = self._limits.requests_per_minute
        tokens_allowed = self._limits.tokens_per_minute
        if requests_allowed is not None and self._requests >= requests_allowed:
            raise self._refusal(f"{requests_allowed} requests")
        if tokens_allowed is not None and self._tokens + tokens > tokens_allowed:
            own = f" This one request has {tokens}." if tokens > tokens_allowed else ""
            raise self._refusal(f"{tokens_allowed} tokens", own)
        self._requests += 1
        self._tokens += tokens

    def headers(self) -> dict[str, str]:
        """`X-RateLimit-{Limit,Remaining,Reset}-{RPM,TPM}`; Reset is a Unix time in seconds."""
        described = self.describe()
        return {
            f"X-RateLimit-{field.title()}-{short}": str(figures[field])
            for short, figures in (("RPM", described["requests"]), ("TPM", described["tokens"]))
            for field in ("limit", "remaining", "reset")
        }

    def describe(self) -> dict[str, dict[str, int]]:
        """`GET /v1/rate-limit`: the headers' figures; the service publishes no shape for it."""
        self._begin_anew_if_over()
        # Rounded up, so that nobody who waits for it comes too early.
        reset = math.ceil(self._ends)
        limits, startup = self._limits, PLANS["startup"]

        def told(limit: int | None, used: int, otherwise: int | None) -> dict[str, int]:
            if limit is None:
                limit, used = otherwise or 0, 0
            return {"limit": limit, "remaining": limit - used, "reset": reset}

        return {
            "requests": told(
                limits.requests_per_minute, self._requests, startup.requests_per_minute
            ),
            "tokens": told(limits.tokens_per_minute, self._tokens, startup.tokens_per_minute),
        }

    def _begin_anew_if_over(self) -> None:
        if time.time() >= self._ends:
            self._ends = time.time() + self._limits.window
            self._requests = self._tokens = 0

    def _refusal(self, limit: str, more: str = "") -> Refusal:
        wait = max(1, math.ceil(self._ends - time.time()))  # HTTP knows whole seconds only
        message = f"The limit of {limit} in {self._limits.window:g} s is reached.{more}"
        return Refusal(429, "rate_limit_exceeded", message, retry_after=wait)
