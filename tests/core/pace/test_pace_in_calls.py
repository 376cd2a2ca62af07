"""Whole calls that have to wait: against `timeout`, beside others, on a clock that jumps."""

from __future__ import annotations

import copy
import json
import os
import threading
import time
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat

import httpx
import pytest
import trio
import trio.testing

from assisters_rerank import Reranker, RerankOptions
from assisters_rerank.call import rerank_flow
from assisters_rerank.call.state import State
from assisters_rerank.errors import BudgetExceeded, RateLimitError, StatusError
from assisters_rerank.net import run_blocking
from assisters_rerank.ranking import Document, Ranking
from assisters_rerank.wire.messages import Answer, Request

from ..answers import answer, honest, refused, scored
from ..net.test_fork import in_child
from ..scripted_port import ScriptedPort, rank

Respond = Callable[[httpx.Request, float], Awaitable[httpx.Response]]


def rank_with(state: State, port: ScriptedPort, **options: object) -> Ranking:
    """A call of a reranker that has this state."""
    settings = RerankOptions(**{"base_url": "https://scripted.test/v1", **options})
    documents = [Document("a text", "a text")]
    return run_blocking(rerank_flow.rerank(port, settings, state, "a query", documents, None, None))


# --- waits and the budget ---


def test_a_wait_for_the_users_limit_counts_against_the_timeout() -> None:
    state, port = State(), ScriptedPort([honest, honest], send_seconds=1)
    rank_with(state, port, requests_per_minute=1, timeout=90)
    rank_with(state, port, requests_per_minute=1, timeout=90)
    assert sum(port.sleeps) == pytest.approx(60)
    assert [sent.budget for sent in port.sent] == [90, pytest.approx(30)]


def test_a_wait_that_does_not_fit_is_told_at_once() -> None:
    state, port = State(), ScriptedPort([honest])
    rank_with(state, port, requests_per_minute=1)
    with pytest.raises(BudgetExceeded, match=r"wait 60\.0 s.*timeout=30 s"):
        rank_with(state, port, requests_per_minute=1)
    assert port.sleeps == []
    assert not state.pace._waiting


def of_a_key(**limits: str) -> Callable[[Request], Answer]:
    """As LiteLLM answers: what the key may have in a minute, and nothing of what is left of it."""
    return lambda request: answer(
        scored(json.loads(request.body)), x_litellm_call_id="d5ff", **limits
    )


@pytest.mark.parametrize("own", [None, 2, 9])
def test_what_a_key_may_have_in_a_minute_is_obeyed_from_the_first_answer_on(
    own: int | None,
) -> None:
    state, port = State(), ScriptedPort(repeat(of_a_key(x_litellm_key_rpm_limit="3"), 7))
    for _ in range(7):
        rank_with(state, port, timeout=200, requests_per_minute=own)
    assert sum(port.sleeps) == pytest.approx(180 if own == 2 else 120)


def test_what_a_key_may_have_of_tokens_in_a_minute_is_obeyed() -> None:
    few_tokens = of_a_key(x_litellm_key_tpm_limit="1")
    state, port = State(), ScriptedPort([few_tokens, few_tokens, honest, honest])
    for _ in range(4):
        rank_with(state, port, timeout=200)
    # The first was not counted in tokens, as nothing was known of a limit; the last has none.
    assert sum(port.sleeps) == pytest.approx(60)


def test_a_told_limit_that_does_not_fit_is_told_at_once() -> None:
    told = {"X-RateLimit-Limit-RPM": "1", "X-RateLimit-Remaining-RPM": "0",
            "X-RateLimit-Reset-RPM": "50"}  # fmt: skip
    warm = honest
    state = State()

    def answer(request: object) -> object:
        answered = warm(request)  # type: ignore[arg-type]
        answered.headers.update(told)  # type: ignore[attr-defined]
        return answered

    port = ScriptedPort([answer])  # type: ignore[list-item]
    rank_with(state, port)
    with pytest.raises(BudgetExceeded, match=r"wait 50\.0 s"):
        rank_with(state, port)
    assert port.sleeps == []


def test_a_refused_request_whose_next_turn_does_not_fit_raises_its_refusal() -> None:
    port = ScriptedPort([refused(429, retry_after="5")])
    with pytest.raises(RateLimitError):
        rank(port, requests_per_minute=1, timeout=40)
    assert sum(port.sleeps) <= 5


@pytest.mark.parametrize("status", [429, 503])
def test_what_a_refusal_asked_for_is_kept_though_its_own_call_gives_up(status: int) -> None:
    state = State()
    port = ScriptedPort([refused(status, retry_after="5"), honest])
    with pytest.raises(StatusError):
        rank_with(state, port, max_retries=0)
    rank_with(state, port)
    assert sum(port.sleeps) == 5


@pytest.mark.parametrize("status", [429, 503])
def test_a_pass_through_keeps_what_the_refusal_asked_for(status: int) -> None:
    state = State()
    port = ScriptedPort([refused(status, retry_after="5"), honest])
    assert rank_with(state, port, max_retries=0, on_error="passthrough").degraded
    assert not rank_with(state, port, on_error="passthrough").degraded
    assert sum(port.sleeps) == 5


def test_a_wait_that_does_not_fit_passes_through_at_once() -> None:
    state, port = State(), ScriptedPort([honest])
    rank_with(state, port, requests_per_minute=1)
    ranking = rank_with(state, port, requests_per_minute=1, on_error="passthrough")
    assert ranking.degraded
    assert port.sleeps == []


def test_options_count_as_they_are_at_the_call() -> None:
    state, port = State(), ScriptedPort([honest] * 4)
    for limit in (1, None, 5):
        rank_with(state, port, requests_per_minute=limit)
    assert port.sleeps == []
    with pytest.raises(BudgetExceeded):
        rank_with(state, port, requests_per_minute=1)


# --- several calls on one reranker, in virtual time ---


class Service(httpx.AsyncBaseTransport):
    """Answers by `respond`, and notes when each request came."""

    def __init__(self, respond: Respond) -> None:
        self.came: list[tuple[str, float]] = []
        self._respond = respond

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        query = json.loads(request.content)["query"]
        self.came.append((query, trio.current_time()))
        return await self._respond(request, trio.current_time())


def right(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json=scored(json.loads(request.content)))


def in_jumping_time(main: Callable[[], Awaitable[None]]) -> None:
    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0.001))


def first_refused(status: int, retry_after: str | None) -> Respond:
    """Refuses the very first request, and answers all others after a second."""
    met: list[httpx.Request] = []

    async def respond(request: httpx.Request, now: float) -> httpx.Response:
        met.append(request)
        if len(met) > 1:
            await trio.sleep(1)
            return right(request)
        headers = {} if retry_after is None else {"Retry-After": retry_after}
        return httpx.Response(status, headers=headers, json={"error": {"message": "no"}})

    return respond


async def calls(reranker: Reranker, starts: Iterable[float]) -> dict[str, float]:
    """When each call, named by its number, was over."""
    over: dict[str, float] = {}

    async def one(number: int, start: float) -> None:
        await trio.sleep(start)
        await reranker.arerank(str(number), ["a", "b"])
        over[str(number)] = trio.current_time()

    async with trio.open_nursery() as nursery:
        for number, start in enumerate(starts):
            nursery.start_soon(one, number, start)
    return over


@pytest.mark.parametrize(
    ("status", "retry_after", "held"), [(429, "7", True), (503, "7", True), (500, None, False)]
)
@pytest.mark.parametrize("on_error", ["raise", "passthrough"])
def test_a_wait_that_the_server_asks_for_holds_all_back(
    status: int, retry_after: str | None, held: bool, on_error: str
) -> None:
    async def main() -> None:
        service = Service(first_refused(status, retry_after))
        async with httpx.AsyncClient(transport=service) as client:
            reranker = Reranker(base_url="http://x", async_http_client=client, on_error=on_error)
            await calls(reranker, [0.0, 0.1, 0.15, 0.2])
        start = service.came[0][1]
        later = [at - start for _, at in service.came[1:]]
        if held:
            # One as a probe, whose answer takes a second, then two at a time.
            assert later == pytest.approx([7, 8, 8, 9], abs=0.1)
        else:
            assert later[:3] == pytest.approx([0.1, 0.15, 0.2], abs=0.01)  # before the retry

    in_jumping_time(main)


def test_two_rerankers_have_nothing_in_common() -> None:
    async def main() -> None:
        service = Service(first_refused(429, "7"))
        async with httpx.AsyncClient(transport=service) as client:
            one = Reranker(base_url="http://x", async_http_client=client)
            others = [one.model_copy(), copy.copy(one), copy.deepcopy(one)]
            async with trio.open_nursery() as nursery:
                nursery.start_soon(calls, one, [0.0])
                for other in others:
                    nursery.start_soon(calls, other, [0.5])
        start = service.came[0][1]
        waits = [at - start for _, at in service.came[1:]]
        assert waits == pytest.approx([0.5] * 3 + [7], abs=0.01)

    in_jumping_time(main)


def test_a_cancelled_call_gives_its_place_to_the_next() -> None:
    async def respond(request: httpx.Request, now: float) -> httpx.Response:
        return right(request)

    async def main() -> None:
        service = Service(respond)
        async with httpx.AsyncClient(transport=service) as client:
            reranker = Reranker(
                base_url="http://x", async_http_client=client, requests_per_minute=1, timeout=130
            )
            await reranker.arerank("first", ["a", "b"])
            start = trio.current_time()
            scope = trio.CancelScope()

            async def cancelled() -> None:
                with scope:
                    await reranker.arerank("cancelled", ["a", "b"])

            async with trio.open_nursery() as nursery:
                nursery.start_soon(cancelled)
                await trio.sleep(1)
                nursery.start_soon(reranker.arerank, "next", ["a", "b"])
                await trio.sleep(1)
                scope.cancel()
        assert [query for query, _ in service.came] == ["first", "next"]
        assert service.came[1][1] - start < 62

    in_jumping_time(main)


def test_answers_under_way_are_waited_for_as_long_as_there_is_time() -> None:
    """The look for an answer is not a wait that the limit asks for."""

    async def respond(request: httpx.Request, now: float) -> httpx.Response:
        await trio.sleep(0.3)
        answer = right(request)
        answer.headers.update(
            {"X-RateLimit-Limit-RPM": "200", "X-RateLimit-Remaining-RPM": str(left.pop())}
        )
        return answer

    left = [150, 1, 1, 1]  # taken from the end

    async def main() -> None:
        service = Service(respond)
        async with httpx.AsyncClient(transport=service) as client:
            reranker = Reranker(base_url="http://x", async_http_client=client, timeout=1)
            await reranker.arerank("warm", ["a", "b"])
            left[:] = [150] * 300
            await calls(reranker, [0.0] * 100)  # one asks; the others hear of 150

    in_jumping_time(main)


# --- threads ---


@pytest.mark.timed
def test_a_failed_call_leaves_no_one_in_the_queue() -> None:
    """Threads of a call that is over sleep on, but nobody waits behind them."""
    under_way = threading.Event()
    rerankers: list[Reranker] = []

    def respond(request: httpx.Request) -> httpx.Response:
        documents = json.loads(request.content)["documents"]
        if documents == ["wrong"]:
            under_way.set()
            while rerankers[0]._state.pace._limits.held_until < 0:
                time.sleep(0.001)
            return httpx.Response(401, json={"error": {"message": "no"}})
        if documents == ["waits"]:
            assert under_way.wait(10)
            return httpx.Response(503, headers={"Retry-After": "1"}, json={})
        return right(request)

    with httpx.Client(transport=httpx.MockTransport(respond)) as client:
        reranker = Reranker(
            base_url="http://x",
            http_client=client,
            max_documents_per_request=1,
            requests_per_minute=3,
            timeout=50,
        )
        rerankers.append(reranker)
        with pytest.raises(StatusError):
            reranker.rerank("q", ["waits", "wrong"])
        time.sleep(1.1)  # until the thread has woken, and the server lets all go again
        start = time.monotonic()
        reranker.rerank("q", ["fine"])  # the third of this minute
        assert time.monotonic() - start < 1


@pytest.mark.timed
def test_threads_and_a_loop_with_another_clock_share_one_pace() -> None:
    came: list[float] = []

    def respond(request: httpx.Request) -> httpx.Response:
        came.append(time.monotonic())
        if len(came) == 1:
            return httpx.Response(429, headers={"Retry-After": "1"}, json={})
        return right(request)

    transport = httpx.MockTransport(respond)
    reranker = Reranker(
        base_url="http://x",
        http_client=httpx.Client(transport=transport),
        async_http_client=httpx.AsyncClient(transport=transport),
    )

    def on_trio(number: int) -> None:
        trio.run(reranker.arerank, str(number), ["a", "b"])

    def in_thread(number: int) -> None:
        reranker.rerank(str(number), ["a", "b"])

    with ThreadPoolExecutor(5) as threads:
        first = threads.submit(in_thread, 0)
        while not came:
            time.sleep(0.001)
        time.sleep(0.05)
        others = [threads.submit(on_trio if n % 2 else in_thread, n) for n in range(1, 5)]
        for each in (first, *others):
            each.result()
    assert len(came) == 6
    assert all(0.99 <= at - came[0] <= 1.5 for at in came[1:])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.timed
def test_a_child_forked_while_a_request_waits_does_not_wait_for_it() -> None:
    parent = os.getpid()
    came: list[httpx.Request] = []

    def respond(request: httpx.Request) -> httpx.Response:
        came.append(request)
        if os.getpid() == parent and len(came) == 1:
            return httpx.Response(429, headers={"Retry-After": "1"}, json={})
        return right(request)

    with httpx.Client(transport=httpx.MockTransport(respond)) as client:
        reranker = Reranker(base_url="http://x", http_client=client, requests_per_minute=2)

        def call() -> None:
            start = time.monotonic()
            reranker.rerank("child", ["a", "b"])
            assert time.monotonic() - start < 0.5

        with ThreadPoolExecutor(1) as threads:
            waiting = threads.submit(reranker.rerank, "parent", ["a", "b"])
            while reranker._state.pace._limits.held_until < 0:
                time.sleep(0.001)
            in_child(call)
            assert len(waiting.result().results) == 2
    assert len(came) == 2
