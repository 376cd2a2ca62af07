"""Which failures are tried again and which never, and what the attempts have in common."""

from __future__ import annotations

import uuid
from itertools import repeat

import pytest

from assisters_rerank.errors import (
    AssistersError,
    AuthenticationError,
    BudgetExceeded,
    ConfigurationError,
    ContractError,
    InvalidRequestError,
    QuotaExceededError,
    RateLimitError,
    StatusError,
    TransportError,
)

from ..answers import answer, honest, refused
from ..scripted_port import Reply, ScriptedPort, rank

TRANSIENT: dict[str, tuple[Reply, type[AssistersError]]] = {
    "408": (refused(408), StatusError),
    "429": (refused(429, "rate_limit_exceeded", "rate_limit_error"), RateLimitError),
    "429-unknown-code": (refused(429, "slow_down"), RateLimitError),
    "500": (refused(500, kind="server_error"), StatusError),
    "502": (refused(502), StatusError),
    "503": (refused(503), StatusError),
    "504": (refused(504), StatusError),
    "599": (refused(599), StatusError),
    "transport": (TransportError("reset"), TransportError),
}

LASTING: dict[str, tuple[Reply, type[AssistersError]]] = {
    "302": (refused(302, retry_after="1"), StatusError),
    "400": (refused(400, "invalid_model", retry_after="1"), InvalidRequestError),
    "401": (refused(401, "invalid_api_key"), AuthenticationError),
    "402": (refused(402), QuotaExceededError),
    "403": (refused(403, "origin_not_allowed"), AuthenticationError),
    "404": (refused(404), InvalidRequestError),
    "405": (refused(405), StatusError),
    "413": (refused(413), InvalidRequestError),
    "418": (refused(418, retry_after="1"), StatusError),
    "422": (refused(422), InvalidRequestError),
    "429-tokens-type": (
        refused(429, kind="tokens_exhausted_error", retry_after="1"), QuotaExceededError),
    "429-tokens-code": (refused(429, "tokens_exhausted"), QuotaExceededError),
    "429-wallet-type": (refused(429, kind="insufficient_funds_error"), QuotaExceededError),
    "429-wallet-code": (refused(429, "insufficient_funds"), QuotaExceededError),
    "402-tokens": (refused(402, kind="tokens_exhausted_error"), QuotaExceededError),
    "contract": (answer({"results": []}), ContractError),
    "no-json": (answer("<html>"), ContractError),
    "configuration": (ConfigurationError("no proxy"), ConfigurationError),
}  # fmt: skip


@pytest.mark.parametrize(("reply", "error"), TRANSIENT.values(), ids=TRANSIENT)
def test_a_transient_failure_is_tried_again(reply: Reply, error: type[AssistersError]) -> None:
    port = ScriptedPort([reply, reply, honest])
    ranking = rank(port)
    assert len(ranking) == 1
    assert ranking.usage.retries == 2
    assert ranking.usage.requests == 1


@pytest.mark.parametrize(("reply", "error"), TRANSIENT.values(), ids=TRANSIENT)
def test_a_transient_failure_that_stays_is_raised(
    reply: Reply, error: type[AssistersError]
) -> None:
    port = ScriptedPort(repeat(reply))
    with pytest.raises(error) as caught:
        rank(port)
    assert type(caught.value) is error
    assert caught.value.transient
    if error is RateLimitError:  # bounded by `timeout` only: 0.5, 1, 2, 4, 8 s, at most
        assert len(port.sent) > 6
    else:
        assert len(port.sent) == 4


@pytest.mark.parametrize(("reply", "error"), LASTING.values(), ids=LASTING)
def test_a_lasting_failure_is_raised_at_once(reply: Reply, error: type[AssistersError]) -> None:
    port = ScriptedPort([reply])
    with pytest.raises(error) as caught:
        rank(port)
    assert type(caught.value) is error
    assert not caught.value.transient
    assert port.sleeps == []


def test_a_failure_that_is_none_of_ours_passes_untouched() -> None:
    failure = LookupError("the user's own hook")
    port = ScriptedPort([failure])
    with pytest.raises(LookupError) as caught:
        rank(port)
    assert caught.value is failure


def keys_sent(port: ScriptedPort) -> list[str]:
    return [sent.request.headers["Idempotency-Key"] for sent in port.sent]


def test_all_attempts_of_a_request_are_the_same_request() -> None:
    port = ScriptedPort([refused(503), TransportError("reset"), honest])
    rank(port)
    first, second, third = (sent.request for sent in port.sent)
    assert first == second == third
    assert uuid.UUID(keys_sent(port)[0])


def test_every_call_has_its_own_idempotency_key() -> None:
    port = ScriptedPort(repeat(honest))
    for _ in range(3):
        rank(port)
    assert len(set(keys_sent(port))) == 3


def test_every_shard_has_its_own_idempotency_key_over_its_retries() -> None:
    port = ScriptedPort([refused(503), honest, honest, refused(500), refused(500), honest])
    ranking = rank(port, ["a", "b", "c"], max_documents_per_request=1)
    a, again, b, c, c_again, c_third = keys_sent(port)
    assert a == again
    assert c == c_again == c_third
    assert len({a, b, c}) == 3
    assert ranking.usage.requests == 3
    assert ranking.usage.retries == 3


@pytest.mark.parametrize(("reply", "_"), TRANSIENT.values(), ids=TRANSIENT)
def test_passthrough_lets_transient_failures_pass(reply: Reply, _: object) -> None:
    port = ScriptedPort(repeat(reply))
    ranking = rank(port, ["b", "a", "", "a"], top_n=3, score_threshold=0.4, on_error="passthrough")
    assert [(r.index, r.relevance_score, r.text) for r in ranking] == [
        (0, None, "b"), (1, None, "a"), (2, None, ""),
    ]  # fmt: skip
    assert ranking.degraded
    assert len(port.sent) >= 4


def test_passthrough_lets_an_exhausted_budget_pass() -> None:
    port = ScriptedPort([honest], send_seconds=2)
    assert rank(port, timeout=1, on_error="passthrough").degraded
    assert isinstance(BudgetExceeded("x"), TransportError)


@pytest.mark.parametrize(("reply", "error"), LASTING.values(), ids=LASTING)
def test_passthrough_never_hides_a_lasting_failure(
    reply: Reply, error: type[AssistersError]
) -> None:
    with pytest.raises(error):
        rank(ScriptedPort([reply]), on_error="passthrough")
