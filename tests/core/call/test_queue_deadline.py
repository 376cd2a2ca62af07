"""A caller with a deadline waits in the queue until then, and `timeout` begins with a turn."""

from __future__ import annotations

import pytest

from assisters_rerank import RerankOptions
from assisters_rerank.call.attempts import answered
from assisters_rerank.call.budget import Budget
from assisters_rerank.errors import BudgetExceeded, RateLimitError
from assisters_rerank.net import run_blocking
from assisters_rerank.pace.queue import Pace
from assisters_rerank.wire.error_bodies import refusal
from assisters_rerank.wire.messages import Answer, Request

from ..answers import answer, refused
from ..scripted_port import ScriptedPort

REQUEST = Request("https://scripted.test/v1/rerank", {}, b"{}")
FINE = answer({})


def ask(
    port: ScriptedPort, pace: Pace, queue_deadline: float | None, **options: object
) -> tuple[int, int]:
    """Status and retries."""

    async def count() -> int:
        return 1

    async def believe(came: Answer) -> int:
        if came.status != 200:
            raise refusal(came, REQUEST)
        return came.status

    settings = RerankOptions(**{"timeout": 10, **options})
    budget = Budget(port, settings.timeout, queue_deadline)
    return run_blocking(answered(port, settings, pace, budget, REQUEST, count, believe))


def test_a_turn_may_come_later_than_timeout_allows() -> None:
    port, pace = ScriptedPort([FINE, FINE]), Pace()
    pace.hold(port.clock + 300)
    with pytest.raises(BudgetExceeded):
        ask(port, pace, None)
    ask(port, pace, port.clock + 400)
    assert [(sent.at, sent.budget) for sent in port.sent] == [(1300, 10)]


def test_nothing_goes_on_after_the_callers_deadline() -> None:
    port, pace = ScriptedPort([FINE], send_seconds=3), Pace()
    pace.hold(port.clock + 300)
    with pytest.raises(BudgetExceeded):
        ask(port, pace, port.clock + 302)
    assert [sent.budget for sent in port.sent] == [2]
    pace.hold(port.clock + 300)
    with pytest.raises(BudgetExceeded, match="wait"):
        ask(port, pace, port.clock + 299)
    assert len(port.sent) == 1


def test_after_a_refusal_timeout_begins_again_with_the_next_turn() -> None:
    port = ScriptedPort([refused(429, retry_after="100"), FINE], send_seconds=4)
    assert ask(port, Pace(), port.clock + 200) == (200, 1)
    assert [(sent.at, sent.budget) for sent in port.sent] == [(1000, 10), (1104, 10)]


def test_a_refusal_that_asks_for_more_than_the_deadline_is_raised() -> None:
    port = ScriptedPort([refused(429, retry_after="100")])
    with pytest.raises(RateLimitError):
        ask(port, Pace(), port.clock + 50)
    assert port.sleeps == []


def test_a_failed_call_ends_both() -> None:
    port = ScriptedPort([])
    budget = Budget(port, 10, port.clock + 100)
    assert (budget.waits_until, budget.begin(port.clock)) == (1100, 1010)
    budget.end()
    assert (budget.waits_until, budget.left()) == (1000, 0)
