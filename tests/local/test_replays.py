from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from assisters_rerank.local import LocalServer, RateLimits
from assisters_rerank.local.http.refusal import Refusal
from assisters_rerank.local.http.replays import Replays

from .surroundings import BODY, Steered, connect

KEY = {"Idempotency-Key": "the-key"}


class Counting:
    """Makes answers, and counts how often."""

    def __init__(self, answer: bytes = b"answer") -> None:
        self.answer = answer
        self.calls = 0

    async def __call__(self) -> bytes:
        self.calls += 1
        await asyncio.sleep(0)
        return self.answer + str(self.calls).encode()


async def test_a_key_gets_one_answer_and_other_keys_get_others() -> None:
    replays, first = Replays(), Counting()
    assert await replays.once("a", b"body", first) == (b"answer1", False)
    assert await replays.once("a", b"body", first) == (b"answer1", True)
    assert await replays.once("b", b"body", first) == (b"answer2", False)
    for keyless in (None, "", None):
        assert not (await replays.once(keyless, b"body", first))[1]
    assert first.calls == 5


async def test_duplicates_at_once_are_answered_once() -> None:
    replays, first = Replays(), Counting()
    answers = await asyncio.gather(*(replays.once("a", b"body", first) for _ in range(5)))
    assert {answer for answer, _ in answers} == {b"answer1"}
    assert sorted(replayed for _, replayed in answers) == [False, True, True, True, True]


async def test_another_body_under_the_same_key_is_refused() -> None:
    replays, first = Replays(), Counting()
    other = replays.once("a", b"one", first), replays.once("a", b"other", first)
    done, refused = await asyncio.gather(*other, return_exceptions=True)
    assert done == (b"answer1", False)
    assert isinstance(refused, Refusal)
    with pytest.raises(Refusal, match="another body") as caught:
        await replays.once("a", b"other", first)
    assert (caught.value.status, caught.value.param) == (400, "Idempotency-Key")


async def test_failures_are_shared_but_not_remembered() -> None:
    replays, calls = Replays(), 0

    async def fail() -> bytes:
        nonlocal calls
        calls += 1
        await asyncio.sleep(0)
        raise Refusal(500, "server_error", "no")

    attempts = (replays.once("a", b"body", fail) for _ in range(3))
    outcomes = await asyncio.gather(*attempts, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [Refusal] * 3
    assert calls == 1
    assert await replays.once("a", b"body", Counting()) == (b"answer1", False)


async def test_a_first_request_that_is_cancelled_leaves_nobody_waiting() -> None:
    replays, begun = Replays(), asyncio.Event()

    async def never() -> bytes:
        begun.set()
        await asyncio.Event().wait()
        return b""

    first = asyncio.create_task(replays.once("a", b"body", never))
    await begun.wait()
    second = asyncio.create_task(replays.once("a", b"body", never))
    await asyncio.sleep(0)
    first.cancel()
    outcomes = await asyncio.wait_for(asyncio.gather(first, second, return_exceptions=True), 5)
    assert [type(outcome) for outcome in outcomes] == [asyncio.CancelledError] * 2
    assert await replays.once("a", b"body", Counting()) == (b"answer1", False)


async def test_who_waits_may_give_up() -> None:
    replays, go = Replays(), asyncio.Event()

    async def wait() -> bytes:
        await go.wait()
        return b"late"

    tasks = [asyncio.create_task(replays.once("a", b"body", wait)) for _ in range(3)]
    await asyncio.sleep(0)
    tasks[1].cancel()
    await asyncio.sleep(0)
    go.set()
    assert [await tasks[0], await tasks[2]] == [(b"late", False), (b"late", True)]


async def test_memory_is_bounded_by_answers_and_by_bytes() -> None:
    few, small = Replays(max_answers=2), Replays(max_bytes=20)
    for replays in (few, small):
        for key in "abc":  # 8 bytes each
            await replays.once(key, b"body", Counting())
        assert [(await replays.once(key, b"body", Counting()))[1] for key in "cb"] == [True] * 2
        assert not (await replays.once("a", b"body", Counting()))[1]
    huge = Counting(b"x" * 50)
    assert not (await small.once("d", b"body", huge))[1]
    assert not (await small.once("d", b"body", huge))[1]
    assert huge.calls == 2


def test_a_repeated_request_gets_its_first_answer_and_costs_nothing() -> None:
    scored: list[str] = []

    def score(document: str) -> float:
        scored.append(document)
        return 0.5

    limits = RateLimits(requests_per_minute=1, tokens_per_minute=1000)
    with LocalServer(limits=limits, scorer=Steered(score)) as server, connect(server) as client:
        first, second = (client.post("/rerank", json=BODY, headers=KEY) for _ in range(2))
        keyless = client.post("/rerank", json=BODY)
    assert (second.status_code, second.content) == (200, first.content)
    assert second.headers["x-request-id"] != first.headers["x-request-id"]
    remaining = "x-ratelimit-remaining-tpm"
    assert 1000 > int(second.headers[remaining]) == int(first.headers[remaining])
    assert keyless.status_code == 429
    assert scored == BODY["documents"]
    told = [(recorded.status, recorded.replayed) for recorded in server.requests]
    assert told == [(200, False), (200, True), (429, False)]
    assert server.requests[1].documents == server.requests[0].documents


def test_a_429_gives_the_key_another_chance() -> None:
    limits = RateLimits(requests_per_minute=1, window=0.2)
    with LocalServer(limits=limits) as server, connect(server) as client:
        assert client.post("/rerank", json=BODY).status_code == 200
        assert client.post("/rerank", json=BODY, headers=KEY).status_code == 429
        reset = threading.Event()
        while client.get("/rate-limit").json()["requests"]["remaining"] < 1:
            reset.wait(0.01)
        assert client.post("/rerank", json=BODY, headers=KEY).status_code == 200


def test_two_clients_at_once_are_scored_once() -> None:
    scored: list[str] = []
    begun, go = threading.Event(), threading.Event()

    def score(document: str) -> float:
        scored.append(document)
        begun.set()
        assert go.wait(timeout=20)
        return 0.5

    with (
        LocalServer(scorer=Steered(score)) as server,
        connect(server) as client,
        ThreadPoolExecutor(2) as pool,
    ):
        first = pool.submit(client.post, "/rerank", json=BODY, headers=KEY)
        assert begun.wait(timeout=20)
        second = pool.submit(client.post, "/rerank", json=BODY, headers=KEY)
        other = client.post("/rerank", json=BODY | {"query": "another"}, headers=KEY)
        go.set()
        assert first.result().content == second.result().content
    assert (other.status_code, other.json()["error"]["param"]) == (400, "Idempotency-Key")
    assert scored == BODY["documents"]
