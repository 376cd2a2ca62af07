"""The flow in its three worlds, sync, asyncio and trio, over servers that answer in any order."""

from __future__ import annotations

import asyncio
import json
import random
import threading
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any

import anyio
import anyio.lowlevel
import trio

from assisters_rerank import Document, Ranking, RerankOptions
from assisters_rerank.call import rerank_flow
from assisters_rerank.call.state import State
from assisters_rerank.net import Blocking, Evented, run_blocking
from assisters_rerank.wire.messages import Answer, Request

from .answers import answer, scored


@dataclass
class Shuffling:
    """A server that answers requests, and the results within each, in an order of its own."""

    seed: int
    failing: Callable[[], Answer] | None = None
    fails_on: str = ""
    asked: list[str] = field(default_factory=list)
    """Every document of every request that was answered."""
    orders: random.Random = field(init=False)
    lock: threading.Lock = field(default_factory=threading.Lock)
    spent: float = 0.0

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
            self.asked += payload["documents"]
            return answer(scored(payload, self.orders))


class OnThreads(Shuffling):
    """The sync world: the real `together` and `aside`, requests in threads."""

    together = Blocking.together
    aside = Blocking.aside

    async def send(self, request: Request, budget: float) -> Answer:
        return self.reply(request)


class OnTheLoop(Shuffling):
    """The async worlds: the real `together` and `aside`, and answers that let each other pass."""

    together = Evented.together
    aside = Evented.aside

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


def ranked(
    world: str,
    port: Shuffling,
    texts: Sequence[str],
    top_n: int | None = None,
    threshold: float | None = None,
    **options: object,
) -> Ranking:
    """One call of the flow in this world, over a port made for it."""
    _, run = WORLDS[world]
    settings = RerankOptions(**{"base_url": "https://scripted.test/v1", **options})
    documents = [Document(text, text) for text in texts]
    return run(rerank_flow.rerank(port, settings, State(), "a query", documents, top_n, threshold))
