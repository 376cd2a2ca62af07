"""Requests until they are answered: their turns, attempts, waits, inside the call's budget."""

from __future__ import annotations

import logging
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from ..errors import AssistersError, BudgetExceeded, RateLimitError, StatusError
from ..net import Port
from ..options.service_options import ServiceOptions
from ..pace.queue import Pace, Turn
from ..wire.messages import Answer, Request
from .budget import Budget

logger = logging.getLogger("assisters_rerank")

T = TypeVar("T")

# Back-off before the n-th retry when the server names no wait: 0.5 s doubled each time, at most
# 8 s, each shortened by up to half at random so that callers don't come back all at once.
_FIRST_WAIT = 0.5
_LONGEST_WAIT = 8.0

# Decoding a larger body takes milliseconds: that is done out of an event loop's way.
_LARGE_BODY = 250_000

# For how long a call that gives up holds back the others: a server that asks for hours has no
# minute's limit in mind, and may be asked again.
_LONGEST_HOLD = 300.0


async def side_by_side(
    port: Port, budget: Budget, calls: Sequence[Callable[[], Awaitable[T]]], limit: int
) -> list[T]:
    """The results of a call's requests, `limit` of them at a time; the first failure ends all."""
    if len(calls) == 1:
        return [await calls[0]()]
    try:
        return await port.together(calls, limit)
    except BaseException:
        budget.end()
        raise


async def read(budget: Budget, answer: Answer, decode: Callable[[], T]) -> T:
    """What `decode` makes of the answer."""
    if len(answer.body) < _LARGE_BODY:
        return decode()
    return await budget.aside(decode, "the answer was read")


async def answered(
    port: Port,
    options: ServiceOptions,
    pace: Pace,
    budget: Budget,
    request: Request,
    count_tokens: Callable[[], Awaitable[int]],
    believe: Callable[[Answer], Awaitable[T]],
) -> tuple[T, int]:
    """What `believe` makes of the answer to the request, and how many retries it took.

    `count_tokens` is asked for the request's tokens if the pace depends on them. `believe` raises
    an error for an answer that is a refusal, or can't be believed.

    Raises:
        AssistersError: the last attempt's, or BudgetExceeded if there is no time for one.
    """
    turn = pace.queue(time=budget)
    refused: AssistersError | None = None
    retries = 0
    try:
        while True:
            if pace.counts_tokens(options) and not turn.tokens:  # may have been told since
                turn.tokens = await count_tokens()
            await _wait_for(turn, port, options, pace, budget, refused)
            try:
                left = budget.left()
                if left <= 0:
                    raise BudgetExceeded(
                        f"timeout={options.timeout:g} s was used up before sending."
                    )
                answer = await port.send(request, left)
                pace.ended(turn, port.now(), answer)
                return await believe(answer), retries
            except AssistersError as error:
                pace.ended(turn, port.now())
                wait = _back_off(error, retries)
                gives_up = (
                    not error.transient or retries == options.max_retries or wait >= budget.left()
                )
                if _concerns_all(error):
                    pace.hold(port.now() + (min(wait, _LONGEST_HOLD) if gives_up else wait))
                if gives_up:
                    raise
                refused = error
                retries += 1
                logger.info("Retry %d in %.2f s: %s", retries, wait, error)
            if not _concerns_all(refused):
                await port.sleep(wait)
    finally:
        pace.leave(turn)


async def _wait_for(
    turn: Turn,
    port: Port,
    options: ServiceOptions,
    pace: Pace,
    budget: Budget,
    refused: AssistersError | None,
) -> None:
    # A call that has failed may have left this behind in a thread: it must not count as gone.
    while budget.left() > 0 and (wait := pace.wait(turn, port.now(), options)) > 0:
        if wait >= budget.left():
            raise refused or BudgetExceeded(
                f"The rate limit, or the server's Retry-After, asks to wait {wait:.1f} s more, "
                f"which does not fit into "
                f"timeout={options.timeout:g} s any more."
            )
        await port.sleep(wait)


def _concerns_all(error: AssistersError) -> bool:
    """Whether the server meant every request by it, not this one alone, and a wait cures it."""
    if isinstance(error, RateLimitError):
        return True
    return error.transient and isinstance(error, StatusError) and bool(error.retry_after)


def _back_off(error: AssistersError, retries: int) -> float:
    """Seconds until the next attempt: what the server asked for, else (or for 0) the back-off."""
    if isinstance(error, StatusError) and error.retry_after:
        return error.retry_after
    longest = min(_FIRST_WAIT * 2.0 ** min(retries, 10), _LONGEST_WAIT)
    return longest * random.uniform(0.5, 1.0)
