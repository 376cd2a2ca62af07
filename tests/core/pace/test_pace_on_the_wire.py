"""Ten requests in a window: what arrives at the local server, over threads, loops and shards.

The window is two seconds, since HTTP's headers know whole ones only. Each case has a server and
a reranker of its own, and all run at once: they mostly wait.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
import trio

from assisters_rerank import Reranker
from assisters_rerank.local import LocalServer, RateLimits
from assisters_rerank.pace import rate_limits

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timed,
    pytest.mark.xdist_group("pace on the wire"),  # in one worker: each would play all cases
]

WINDOW = 2.0
CALLS = 25
LIMITS = RateLimits(10, 100_000, window=WINDOW)

Calls = Callable[[Reranker], None]


def in_sequence(reranker: Reranker) -> None:
    for number in range(CALLS):
        reranker.rerank(f"q {number}", ["a text", "another"])


def on_asyncio(reranker: Reranker, calls: int = CALLS) -> None:
    async def main() -> None:
        await asyncio.gather(*(reranker.arerank(f"q {n}", ["a", "b"]) for n in range(calls)))

    asyncio.run(main())


def on_trio(reranker: Reranker, calls: int = CALLS) -> None:
    async def one(number: int) -> None:
        await reranker.arerank(f"q {number}", ["a", "b"])

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            for number in range(calls):
                nursery.start_soon(one, number)

    trio.run(main)


def in_threads(reranker: Reranker, calls: int = CALLS) -> None:
    start = threading.Barrier(calls)

    def one(number: int) -> None:
        start.wait(10)
        reranker.rerank(f"q {number}", ["a", "b"])

    with ThreadPoolExecutor(calls) as threads:
        list(threads.map(one, range(calls)))


def in_shards(reranker: Reranker) -> None:
    reranker.rerank("q", [f"text {n}" for n in range(CALLS)])


def all_at_once(reranker: Reranker) -> None:
    """Threads, asyncio and trio: three clocks, one pace."""
    with ThreadPoolExecutor(3) as worlds:
        ran = [worlds.submit(world, reranker, CALLS // 3) for world in (in_threads, on_asyncio)]
        ran.append(worlds.submit(on_trio, reranker, CALLS - 2 * (CALLS // 3)))
        for each in ran:
            each.result()


@dataclass(frozen=True)
class Case:
    """What is called, how it is set up, and what the server allows."""

    calls: Calls
    options: dict[str, Any]
    limits: RateLimits = LIMITS
    refused_at_most: int = 0


BURSTS: dict[str, Calls] = {
    "asyncio": on_asyncio,
    "trio": on_trio,
    "threads": in_threads,
    "shards": in_shards,
    "all": all_at_once,
}
SHARDS = {"max_documents_per_request": 1}
# Each call has some tokens by the server's count, of which a window allows fifty.
FEW_TOKENS = RateLimits(1000, 50, window=WINDOW)

CASES = {
    "sequence": Case(in_sequence, {}),
    "sequence-of-tokens": Case(in_sequence, {}, FEW_TOKENS),
    "sequence-set": Case(in_sequence, {"requests_per_minute": 10}),
    **{
        f"{name}-cold": Case(burst, SHARDS if name == "shards" else {}, refused_at_most=1)
        for name, burst in BURSTS.items()
    },
    **{
        f"{name}-set": Case(
            burst, {"requests_per_minute": 10, **(SHARDS if name == "shards" else {})}
        )
        for name, burst in BURSTS.items()
    },
    "asyncio-cold-tokens": Case(on_asyncio, {}, RateLimits(1000, 40, WINDOW), refused_at_most=1),
    "threads-set-tokens": Case(
        in_threads,
        # Four tokens a call by this count, which is no less than the server's.
        {"tokens_per_minute": 400, "count_tokens": lambda text: 10},
        RateLimits(1000, 400, WINDOW),
    ),
}


def attempts(case: Case) -> list[list[int]]:
    """The statuses of every request's attempts, in their order."""
    with LocalServer(limits=case.limits, scorer="lexical") as server:
        reranker = Reranker(base_url=server.base_url, timeout=90, **case.options)
        case.calls(reranker)
        by_key: dict[str, list[int]] = {}
        for request in server.requests:
            by_key.setdefault(request.headers["idempotency-key"], []).append(request.status)
        reranker.close()
    return list(by_key.values())


@pytest.fixture(scope="module")
def outcomes() -> Iterator[dict[str, Future[list[list[int]]]]]:
    """All cases, under way."""
    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(len(CASES)) as cases:
        patch.setattr(rate_limits, "MINUTE", WINDOW)
        yield {name: cases.submit(attempts, case) for name, case in CASES.items()}


@pytest.mark.parametrize("name", CASES)
def test_what_arrives(name: str, outcomes: dict[str, Future[list[list[int]]]]) -> None:
    statuses = outcomes[name].result(120)
    assert len(statuses) == CALLS
    assert all(of_one[-1] == 200 for of_one in statuses)
    most = max(of_one.count(429) for of_one in statuses)
    assert most <= CASES[name].refused_at_most, sorted(statuses)
