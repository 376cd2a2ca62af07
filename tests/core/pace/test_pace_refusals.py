"""A refusal that no wait cures holds nobody back, whatever `Retry-After` it carries."""

from __future__ import annotations

import pytest

from assisters_rerank import RerankOptions
from assisters_rerank.call import rerank_flow
from assisters_rerank.call.state import State
from assisters_rerank.errors import (
    AuthenticationError,
    BudgetExceeded,
    QuotaExceededError,
    StatusError,
)
from assisters_rerank.net import run_blocking
from assisters_rerank.ranking import Document, Ranking
from assisters_rerank.wire.messages import Answer

from ..answers import honest, refused
from ..scripted_port import ScriptedPort


def ask(port: ScriptedPort, state: State, **options: object) -> Ranking:
    settings = RerankOptions(base_url="https://scripted.test/v1", **options)
    call = rerank_flow.rerank(port, settings, state, "q", [Document("a", "a")], None, None)
    return run_blocking(call)


@pytest.mark.parametrize(
    ("refusal", "kind"),
    [
        (refused(401, retry_after="60"), AuthenticationError),
        (refused(402, retry_after="86400"), QuotaExceededError),
        (refused(429, code="tokens_exhausted", retry_after="86400"), QuotaExceededError),
    ],
)
@pytest.mark.parametrize("on_error", ["raise", "passthrough"])
def test_the_next_call_is_sent(refusal: Answer, kind: type[StatusError], on_error: str) -> None:
    port, state = ScriptedPort([refusal, refusal, honest]), State()
    for _ in range(2):
        with pytest.raises(kind):
            ask(port, state, on_error=on_error)
    assert not ask(port, state, on_error=on_error).degraded
    assert len(port.sent) == 3
    assert port.sleeps == []


@pytest.mark.parametrize("status", [429, 503])
def test_hours_hold_the_next_call_back_for_five_minutes_at_most(status: int) -> None:
    port, state = ScriptedPort([refused(status, retry_after="7200"), honest]), State()
    with pytest.raises(StatusError):
        ask(port, state)
    ask(port, state, timeout=400)
    assert sum(port.sleeps) == 300


@pytest.mark.parametrize("status", [429, 503])
def test_who_has_the_time_waits_as_long_as_the_server_asks(status: int) -> None:
    port, state = ScriptedPort([refused(status, retry_after="7200"), honest]), State()
    assert ask(port, state, timeout=8000).usage.retries == 1
    assert sum(port.sleeps) == 7200


def test_a_wait_that_does_not_fit_says_who_asked_for_it() -> None:
    port, state = ScriptedPort([refused(503, retry_after="120")]), State()
    with pytest.raises(StatusError):
        ask(port, state)
    with pytest.raises(BudgetExceeded, match="Retry-After"):
        ask(port, state)
    assert len(port.sent) == 1
