"""Sync, asyncio, trio, sharded or not: one result, over servers that answer in any order."""

from __future__ import annotations

import asyncio
import json
import random
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

import anyio
import anyio.lowlevel
import pytest
import trio
from hypothesis import example, given, settings
from hypothesis import strategies as st

from assisters_rerank import Ranking, RerankOptions, flow
from assisters_rerank.errors import AssistersError, TransportError
from assisters_rerank.messages import Answer, Request
from assisters_rerank.ports import Blocking, Evented, run_blocking
from assisters_rerank.ranking import Document

from .answers import answer, refused, score, scored
from .texts import lists, on_the_wire


@dataclass
class Shuffling:
    """A server that answers requests, and the results within each, in an order of its own."""

    seed: int
    failing: Callable[[], Answer] | None = None
    fails_on: str = ""
    orders: random.Random = field(init=False)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.orders = random.Random(self.seed)

    def now(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        pass

    def reply(self, request: Request) -> Answer:
        payload = json.loads(request.body)
        if self.failing is not None and self.fails_on in payload["documents"]:
            return self.failing()
        with self.lock:  # a Random is not for several threads
            return answer(scored(payload, self.orders))


class OnThreads(Shuffling):
    """The sync world: the real `together`, requests in threads."""

    together = Blocking.together

    async def send(self, request: Request, budget: float) -> Answer:
        return self.reply(request)


class OnTheLoop(Shuffling):
    """The async worlds: the real `together`, and answers that let each other pass."""

    together = Evented.together

    async def send(self, request: Request, budget: float) -> Answer:
        for _ in range(self.orders.randrange(4)):
            await anyio.lowlevel.checkpoint()
        return self.reply(request)


Runner = Callable[[Coroutine[Any, Any, Ranking]], Ranking]


def on_trio(coroutine: Coroutine[Any, Any, Ranking]) -> Ranking:
    async def main() -> Ranking:
        return await coroutine

    return trio.run(main)


WORLDS: dict[str, tuple[type[Shuffling], Runner]] = {
    "sync": (OnThreads, run_blocking),
    "asyncio": (OnTheLoop, asyncio.run),
    "trio": (OnTheLoop, on_trio),
}


def reference(
    texts: list[str], top_n: int | None, threshold: float | None
) -> list[tuple[int, float]]:
    """What a call should give, written down as plainly as possible."""
    scores = {i: score(on_the_wire(text)) for i, text in enumerate(texts) if text.strip()}
    blank = min([0.0, *scores.values()])
    ranked = [
        *sorted(scores.items(), key=lambda item: -item[1]),
        *((i, blank) for i in range(len(texts)) if i not in scores),
    ]
    return [pair for pair in ranked if threshold is None or pair[1] >= threshold][:top_n]


@settings(max_examples=200)
@given(
    texts=lists,
    size=st.integers(1, 13),
    concurrency=st.integers(1, 4),
    top_n=st.none() | st.integers(0, 14),
    threshold=st.none() | st.sampled_from([-0.5, -1 / 6, 0.0, 1 / 6, 0.5, 0.6]),
    seed=st.integers(0, 1000),
)
@example(["\ud83d", "\udfff", "a", "\ufffd", "a"], 1, 2, 3, None, 0)
def test_all_worlds_agree_with_a_plain_reference(
    texts: list[str],
    size: int,
    concurrency: int,
    top_n: int | None,
    threshold: float | None,
    seed: int,
) -> None:
    documents = [Document(text, text) for text in texts]
    expected = reference(texts, top_n, threshold)
    for port, run in WORLDS.values():
        for shard in (size, 100):
            options = RerankOptions(
                base_url="https://scripted.test/v1",
                max_documents_per_request=shard,
                max_concurrency=concurrency,
            )
            call = flow.rerank(port(seed), options, "a query", documents, top_n, threshold)
            ranking = run(call)
            assert [(r.index, r.relevance_score) for r in ranking] == expected
            assert [r.text for r in ranking] == [texts[r.index] for r in ranking]


def broken() -> Answer:
    raise TransportError("reset")


def stumbled() -> Answer:
    raise LookupError("none of ours")


FAILURES: dict[str, Callable[[], Answer]] = {
    "401": lambda: refused(401),
    "402": lambda: refused(402),
    "422": lambda: refused(422),
    "429": lambda: refused(429, retry_after="3600"),
    "503": lambda: refused(503),
    "contract": lambda: answer({"results": None}),
    "transport": broken,
    "foreign": stumbled,
}


@pytest.mark.parametrize("size", [1, 2, 100])
@pytest.mark.parametrize("failing", FAILURES.values(), ids=FAILURES)
def test_all_worlds_raise_the_same_error(failing: Callable[[], Answer], size: int) -> None:
    documents = [Document(text, text) for text in ("a", "b", "c", "d", "e")]
    options = RerankOptions(base_url="https://scripted.test/v1", max_documents_per_request=size)
    raised: list[Exception] = []
    for port, run in WORLDS.values():
        call = flow.rerank(port(1, failing, "d"), options, "a query", documents, None, None)
        with pytest.raises((AssistersError, LookupError)) as caught:
            run(call)
        raised.append(caught.value)
    assert len({type(error) for error in raised}) == 1
    assert len({str(error) for error in raised}) == 1
