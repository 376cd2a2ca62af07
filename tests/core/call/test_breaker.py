"""`passthrough_after`: what counts as a failure, when calls pass through, and what ends that.

The threads that probe are in test_probes.py; here nothing probes, or the call itself does.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, repeat

import httpx
import pytest

from assisters_rerank import (
    AssistersError,
    AuthenticationError,
    BudgetExceeded,
    ContractError,
    InvalidRequestError,
    MemoryCache,
    Ranking,
    RerankOptions,
    TransportError,
)
from assisters_rerank.call import rerank_flow
from assisters_rerank.call.breaker import OPEN_FOR, PROBE_WITHIN
from assisters_rerank.call.state import State
from assisters_rerank.net import run_blocking
from assisters_rerank.ranking import Document
from assisters_rerank.wire.messages import Answer, Request

from ..answers import answer, honest, refused
from ..scripted_port import Reply, ScriptedPort


@pytest.fixture(autouse=True)
def watched(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The outages that threads would watch."""
    outages: list[object] = []
    monkeypatch.setattr(rerank_flow, "watch", lambda outage, *_: outages.append(outage))
    return outages


class Service:
    """Calls with one state, and what they meet."""

    def __init__(self, *replies: Reply, then: Reply = honest, **options: object) -> None:
        self.state = State()
        self.port = ScriptedPort(chain(replies, repeat(then)))
        self.options: dict[str, object] = {
            "base_url": "https://scripted.test/v1", "on_error": "passthrough", "max_retries": 0,
            **options,
        }  # fmt: skip

    def call(self, texts: Iterable[str] = ("a", "b"), **options: object) -> Ranking:
        settings = RerankOptions(**{**self.options, **options})
        documents = [Document(text, text) for text in texts]
        return run_blocking(
            rerank_flow.rerank(self.port, settings, self.state, "q", documents, None, None)
        )

    def degraded(self, calls: int, **options: object) -> list[bool]:
        return [self.call(**options).degraded for _ in range(calls)]

    @property
    def asked(self) -> int:
        return len(self.port.sent)


DOWN: dict[str, Callable[[], Reply]] = {
    "refused": lambda: TransportError("No answer from x (ConnectError)."),
    "503": lambda: refused(503),
    "500": lambda: refused(500),
    "408": lambda: refused(408),
    "503-after-an-hour": lambda: refused(503, retry_after="0.001"),
}


@pytest.mark.parametrize("failure", DOWN.values(), ids=DOWN)
def test_calls_pass_through_after_three_failures(
    failure: Callable[[], Reply], caplog: pytest.LogCaptureFixture, watched: list[object]
) -> None:
    service = Service(then=failure())
    caplog.set_level(logging.DEBUG, "assisters_rerank")
    assert service.degraded(3) == [True] * 3
    (outage,) = watched
    assert [record.levelname for record in caplog.records] == ["WARNING"] * 4
    assert "3 calls in a row to https://scripted.test/v1 failed" in caplog.text
    service.port.clock += 10 * OPEN_FOR  # a call does not probe
    ranking = service.call(["b", "a"])
    assert (service.asked, len(caplog.records)) == (3, 4)
    assert ranking.degraded
    assert [(ranked.text, ranked.relevance_score) for ranked in ranking] == [
        ("b", None), ("a", None),
    ]  # fmt: skip
    assert ranking.usage.requests == 0
    assert ranking.degraded_reason is not None
    assert ranking.degraded_reason.startswith("3 calls in a row failed, the last one so: ")
    assert set(watched) == {outage}


def test_a_timeout_counts_if_the_service_had_the_time() -> None:
    patient, impatient = Service(timeout=1), Service(timeout=0.9)
    for service in (patient, impatient):
        service.port.send_seconds = 100
        assert service.degraded(5) == [True] * 5
    assert (patient.asked, impatient.asked) == (3, 5)


def test_a_call_that_retried_and_ran_out_of_time_counts() -> None:
    service = Service(then=refused(503), timeout=1.5, max_retries=5)
    service.port.oversleep = 0.4
    service.degraded(5)
    asked = service.asked
    service.degraded(3)
    assert service.asked == asked


NOT_COUNTED: dict[str, dict[str, object]] = {
    "a-rate-limit": {"then": refused(429, retry_after="0.001")},
    "an-own-limit": {"requests_per_minute": 1},
}


@pytest.mark.parametrize("case", NOT_COUNTED.values(), ids=NOT_COUNTED)
def test_a_limit_is_no_outage(case: dict[str, object], watched: list[object]) -> None:
    service = Service(**{"timeout": 5, **case})  # type: ignore[arg-type]
    assert service.degraded(6)[1:] == [True] * 5
    assert not watched
    service.port.clock += 120
    before = service.asked
    service.call()
    assert service.asked == before + 1


def test_a_limit_before_a_short_wait_is_no_outage(watched: list[object]) -> None:
    limit, timed_out = refused(429, retry_after="0.001"), BudgetExceeded("after no time")
    service = Service(*[limit, timed_out, timed_out] * 4, max_retries=1)
    assert service.degraded(4) == [True] * 4
    assert service.asked == 12
    assert not watched


def test_local_work_is_no_outage() -> None:
    service = Service(timeout=2)

    def slow(text: str) -> int:
        service.port.clock += 3
        return 10

    assert service.degraded(5, count_tokens=slow) == [True] * 5
    assert not service.call().degraded


ANSWERS: dict[str, tuple[Reply, type[AssistersError] | None]] = {
    "scores": (honest, None),
    "401": (refused(401), AuthenticationError),
    "400": (refused(400), InvalidRequestError),
    "a-broken-contract": (answer("nonsense"), ContractError),
    "429": (refused(429), None),
}


@pytest.mark.parametrize(("reply", "error"), ANSWERS.values(), ids=ANSWERS)
def test_any_answer_ends_the_row(reply: Reply, error: type[AssistersError] | None) -> None:
    down = refused(503)
    service = Service(down, down, reply, down, down, honest, then=down)
    service.degraded(2)
    if error is None:
        service.call()
    else:
        with pytest.raises(error):
            service.call()
    assert service.degraded(3, timeout=300) == [True, True, False]
    assert service.degraded(4) == [True] * 4
    assert service.asked == 9


def test_it_can_be_switched_off_and_needs_passthrough() -> None:
    off = Service(then=refused(503), passthrough_after=None)
    assert off.degraded(6) == [True] * 6
    assert off.asked == 6
    raising = Service(then=refused(503), on_error="raise", passthrough_after=1)
    for _ in range(4):
        with pytest.raises(AssistersError, match="503"):
            raising.call()
    assert raising.asked == 4
    # What raises is not counted either.
    assert raising.degraded(2, on_error="passthrough") == [True] * 2
    assert raising.asked == 5


def test_an_answer_to_a_call_that_raises_ends_it(caplog: pytest.LogCaptureFixture) -> None:
    service = Service(*repeat(refused(503), 3))
    assert service.degraded(5) == [True] * 5
    caplog.clear()
    assert not service.call(on_error="raise").degraded
    (record,) = caplog.records
    assert record.getMessage() == (
        "Searches ask https://scripted.test/v1 again; 2 searches were returned unranked so far."
    )
    assert not service.call().degraded
    assert len(caplog.records) == 1


def test_each_reranker_goes_by_its_own_number() -> None:
    service = Service(then=refused(503))
    service.degraded(3, passthrough_after=1)
    assert service.asked == 1
    service.degraded(4, passthrough_after=3)
    assert service.asked == 1 + 2
    service.degraded(2, passthrough_after=None)
    assert service.asked == 3 + 2


def test_a_call_in_parts_counts_once() -> None:
    service = Service(then=refused(503))
    options = {"max_documents_per_request": 1, "max_concurrency": 1}
    service.degraded(5, texts="abcdef", **options)
    assert service.asked == 3


def test_what_the_cache_answers_is_ranked() -> None:
    cache = MemoryCache()
    service = Service(honest, then=refused(503), cache=cache)
    first = service.call("ab")
    assert service.degraded(3, texts="cd") == [True] * 3
    known = service.call("ab")
    assert not known.degraded
    assert known.degraded_reason is None
    assert [ranked.relevance_score for ranked in known] == [
        ranked.relevance_score for ranked in first
    ]
    assert service.call("abc").degraded
    # That was no answer of the service.
    assert service.call("e").degraded
    assert service.asked == 4


def test_nothing_to_ask_is_no_answer() -> None:
    service = Service(then=refused(503))
    service.degraded(2)
    assert not service.call([]).degraded
    assert not service.call(["", " "]).degraded
    service.degraded(3)
    assert service.asked == 3


def test_a_call_that_is_refused_before_it_asks_ends_nothing() -> None:
    service = Service(then=refused(503))
    service.degraded(3)
    with pytest.raises(AssistersError, match="long_documents"):
        service.call(["word " * 10_000], long_documents="error")
    service.degraded(2)
    assert service.asked == 3


def test_failures_count_only_if_nothing_was_answered_since_their_calls_began() -> None:
    """As with many calls at once, of which some fail while others are answered."""
    service = Service()

    def fails_late(request: Request) -> Answer:
        service.call("z")
        return refused(503)

    # Three calls are under way when one is answered, and fail after that.
    replies = [fails_late, fails_late, fails_late, honest]
    service.port = ScriptedPort(chain(replies, repeat(refused(503))))
    assert service.call().degraded
    before = service.asked
    service.degraded(5)
    assert service.asked == before + 3


# An own async client can only be used in its loop, so a call has to probe.
OWN = {"async_http_client": httpx.AsyncClient()}


def opened(*replies: Reply, **options: object) -> Service:
    service = Service(*repeat(refused(503), 3), *replies, **{**OWN, **options})  # type: ignore[arg-type]
    assert service.degraded(4) == [True] * 4
    assert service.asked == 3
    return service


def test_a_call_probes_after_half_a_minute(watched: list[object]) -> None:
    service = opened(refused(503))
    service.port.clock += OPEN_FOR - 0.01
    assert service.call().degraded
    assert service.asked == 3
    service.port.clock += 0.01
    assert service.degraded(3) == [True] * 3
    assert service.asked == 4
    service.port.clock += OPEN_FOR
    assert service.degraded(3) == [False] * 3
    assert not watched


def test_the_probe_is_bounded() -> None:
    service = opened()
    service.port.clock += OPEN_FOR
    service.port.send_seconds = 100
    began = service.port.clock
    assert service.degraded(3, max_retries=3) == [True] * 3
    assert service.port.clock == pytest.approx(began + PROBE_WITHIN)
    assert service.port.sent[-1].budget == pytest.approx(PROBE_WITHIN)


def test_one_call_probes_at_a_time() -> None:
    service = opened()
    meanwhile: list[bool] = []

    def slowly(request: Request) -> Answer:
        meanwhile.extend(service.degraded(3))
        return honest(request)

    service.port = ScriptedPort([slowly], clock=service.port.clock + OPEN_FOR)
    assert not service.call().degraded
    assert meanwhile == [True] * 3


def test_a_cancelled_probe_leaves_it_to_the_next_call() -> None:
    class Cancelled(BaseException):
        pass

    def cancel(request: Request) -> Answer:
        raise Cancelled

    service = opened(cancel)
    service.port.clock += OPEN_FOR
    with pytest.raises(Cancelled):
        service.call()
    assert not service.call().degraded


def test_a_cancelled_call_counts_nothing() -> None:
    def cancel(request: Request) -> Answer:
        raise KeyboardInterrupt

    service = Service(*repeat(cancel, 5))
    for _ in range(5):
        with pytest.raises(KeyboardInterrupt):
            service.call()
    assert not service.call().degraded


@pytest.mark.parametrize(("reply", "error"), ANSWERS.values(), ids=ANSWERS)
def test_any_answer_to_a_probe_ends_it(reply: Reply, error: type[AssistersError] | None) -> None:
    service = opened(reply)
    service.port.clock += OPEN_FOR
    if error is None:
        service.call()
    else:
        with pytest.raises(error):
            service.call()
    assert not service.call(timeout=300).degraded


def test_a_lasting_failure_of_a_probe_shows_itself() -> None:
    """An untrusted certificate, say, must not pass through for good."""
    failure = TransportError("untrusted", transient=False)
    service = opened(failure, failure)
    service.port.clock += OPEN_FOR
    for _ in range(2):
        with pytest.raises(TransportError, match="untrusted"):
            service.call()


def test_the_reason_is_that_of_the_call_before_it_opens() -> None:
    service = Service(then=TransportError("No answer from x (ConnectError)."))
    assert service.call().degraded_reason == "No answer from x (ConnectError)."
    service = Service(timeout=1)
    service.port.send_seconds = 2
    with pytest.raises(BudgetExceeded) as caught:
        service.call(on_error="raise")
    assert service.call().degraded_reason == str(caught.value)


def test_closing_is_logged_for_one_reranker_only(caplog: pytest.LogCaptureFixture) -> None:
    ours, theirs = Service(*repeat(refused(503), 3)), Service(*repeat(refused(503), 3))
    for service in (ours, theirs):
        service.degraded(4)
    caplog.clear()
    ours.call(on_error="raise")
    assert len(caplog.records) == 1
    assert theirs.call().degraded


@pytest.fixture(autouse=True, scope="module")
def close_own() -> Iterator[None]:
    yield
    import anyio

    anyio.run(OWN["async_http_client"].aclose)
