"""Requests until they are answered: their turns, attempts, waits, inside the call's budget."""

from __future__ import annotations

import logging
import math
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from ..errors import AssistersError, BudgetExceeded, RateLimitError, StatusError
from ..net import Event, Port
from ..options.service_options import ServiceOptions
from ..pace.queue import Pace
from ..pace.recovery import back_off
from ..pace.waiting import Turn
from ..wire.billing import Billing
from ..wire.error_bodies import ADVICE_ON_LIMITS
from ..wire.messages import Answer, Request
from .budget import Budget

logger = logging.getLogger("assisters_rerank")

T = TypeVar("T")

# Decoding a larger body takes milliseconds: that is done out of an event loop's way.
_LARGE_BODY = 250_000

# For how long a call that gives up holds back the others: a server that asks for hours has no
# minute's limit in mind, and may be asked again.
_LONGEST_HOLD = 300.0

# Who waits for less than a second proves nothing with a timeout, nor does what is left of it when
# other things took the rest.
_PATIENT, _WAITED = 1.0, 0.5


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


async def on_texts(budget: Budget, work: Callable[[], T], doing: str, *, large: bool) -> T:
    """What `work` gives, whose time grows with its texts; `doing` says what for."""
    return await budget.aside(work, doing) if large else work()


async def billed(
    billing: Billing, count_tokens: Callable[[], Awaitable[int]], estimate: Callable[[], int]
) -> int:
    """The tokens that an answer reports, else those that are counted.

    The answer is there and paid for: it is not lost because the time ends while they are counted.
    """
    if billing.total_tokens is not None:
        return billing.total_tokens
    try:
        return await count_tokens()
    except BudgetExceeded:
        return estimate()


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
    validate: Callable[[Answer], Awaitable[T]],
) -> tuple[T, int]:
    """What `validate` makes of the answer to the request, and how many retries it took.

    `count_tokens` is asked for the request's tokens if the pace depends on them. `validate` raises
    an error for an answer that is a refusal, or cannot be used.

    Raises:
        AssistersError: the last attempt's, or BudgetExceeded if there is no time for one.
    """
    turn = pace.queue(time=budget)
    refused: AssistersError | None = None
    retries = failures = 0
    try:
        while True:
            await _wait_for(turn, port, options, pace, budget, count_tokens, refused)
            sent_at = port.now()
            try:
                left = budget.left()
                if left <= 0:
                    raise BudgetExceeded(
                        f"timeout={options.timeout:g} s was used up before sending."
                    )
                answer = await port.send(request, left)
                sent_at = math.inf
                pace.ended(turn, port.now(), answer)
                return await validate(answer), retries
            except AssistersError as error:
                waited = port.now() - sent_at
                budget.met_outage |= _shows_outage(error, budget, waited)
                is_limit = isinstance(error, RateLimitError)
                failures += not is_limit
                wait = _wait_after(error, pace, turn, failures - 1)
                left = budget.waits_until - port.now() if is_limit else budget.left()
                gives_up = (
                    not error.transient
                    or failures > options.max_retries
                    or options.max_retries == 0
                    or wait >= left
                )
                if _concerns_all(error):
                    pace.hold(port.now() + (min(wait, _LONGEST_HOLD) if gives_up else wait))
                pace.ended(turn, port.now())
                if gives_up:
                    if isinstance(refused, RateLimitError) and _is_cut_off(error, waited):
                        raise refused from error  # waiting for the limit has left it no time
                    raise
                refused = error
                retries += 1
                logger.info("Retry %d in %.2f s: %s", retries, wait, error)
            if not _concerns_all(refused):
                await port.sleep(wait)
    finally:
        pace.leave(turn, _now_if_any(port))


def _now_if_any(port: Port) -> float | None:
    try:
        return port.now()
    except RuntimeError:  # the coroutine is collected, and no event loop runs
        return None


async def _wait_for(
    turn: Turn,
    port: Port,
    options: ServiceOptions,
    pace: Pace,
    budget: Budget,
    count_tokens: Callable[[], Awaitable[int]],
    refused: AssistersError | None,
) -> None:
    event: Event | None = None
    # A call that has failed may have left this behind in a thread: it must not count as gone.
    while (left := budget.waits_until - port.now()) > 0:
        if pace.counts_tokens(options) and not turn.tokens:  # may have been reported since
            turn.tokens = await count_tokens()
        wait = pace.ask(turn, port.now(), options)
        if wait is None:
            return
        if wait.at_least >= left:
            raise refused or BudgetExceeded(
                f"The rate limit, or the server's Retry-After, asks to wait {wait.at_least:.1f} s "
                f"more, which does not fit into timeout={options.timeout:g} s any more. Raise "
                f"timeout; {ADVICE_ON_LIMITS}"
            )
        if event is None:
            event = turn.event = port.event()
        else:
            await event.wait(min(wait.at_most, left))
    if isinstance(refused, RateLimitError):
        raise refused  # waiting for the limit has taken the rest of the time


def _shows_outage(error: AssistersError, budget: Budget, waited: float) -> bool:
    """Whether the service is down by this error, after a wait of so long for its answer."""
    if isinstance(error, BudgetExceeded):
        return budget.seconds >= _PATIENT and waited >= _WAITED
    return error.transient and not isinstance(error, RateLimitError)


def _is_cut_off(error: AssistersError, waited: float) -> bool:
    """Whether the time ended too soon to say anything of the service: before or after sending."""
    return isinstance(error, BudgetExceeded) and 0 <= waited < _WAITED


def _concerns_all(error: AssistersError) -> bool:
    """Whether the server meant every request by it, not only this one, and a wait cures it."""
    if isinstance(error, RateLimitError):
        return True
    return error.transient and isinstance(error, StatusError) and bool(error.retry_after)


def _wait_after(error: AssistersError, pace: Pace, turn: Turn, failures: int) -> float:
    """Seconds until the next attempt: what the server asked for, else (or for 0) the back-off."""
    asked = error.retry_after if isinstance(error, StatusError) else None
    if not _concerns_all(error):
        return asked or back_off(failures)
    rounds = pace.refused(turn)
    if asked:
        return asked
    # Who was refused together with others waits with them.
    return 0.0 if rounds is None else back_off(rounds)
