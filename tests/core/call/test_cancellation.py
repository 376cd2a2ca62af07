"""A call given up half-way: its requests end at the server, and the reranker goes on working."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import anyio
import anyio.to_thread
import pytest
import trio

from assisters_rerank import BudgetExceeded, InvalidRequestError, Reranker

from ...faults.server import Exchange, HostileServer
from ..conftest import answer_honestly
from ..expectation import assert_right

pytestmark = pytest.mark.usefixtures("each_transport")
TEXTS = ["a", "b", "c"]


@dataclass
class Stuck:
    """A server that never answers its first `patient` requests, and sees when they are given up."""

    patient: int
    url: str = ""
    arrived: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    given_up: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def hang(self, exchange: Exchange) -> None:
        self.arrived.release()
        with contextlib.suppress(OSError):
            exchange.silence()
        self.given_up.release()
        raise ConnectionError

    async def wait(self, events: threading.Semaphore) -> None:
        for _ in range(self.patient):
            assert await anyio.to_thread.run_sync(lambda: events.acquire(timeout=5))


@contextlib.contextmanager
def stuck(patient: int) -> Iterator[Stuck]:
    server = Stuck(patient)
    with HostileServer([*[server.hang] * patient, answer_honestly]) as hostile:
        server.url = hostile.url
        yield server


@pytest.mark.parametrize("shards", [1, 3])
async def test_a_cancelled_task_hangs_up(shards: int) -> None:
    with stuck(shards) as server:
        reranker = Reranker(base_url=server.url, max_documents_per_request=3 // shards)
        task = asyncio.create_task(reranker.arerank("q", TEXTS))
        await server.wait(server.arrived)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await server.wait(server.given_up)
        assert_right(await reranker.arerank("q", TEXTS), TEXTS)


async def test_asyncios_own_timeout_is_the_users_and_no_error_of_ours() -> None:
    with stuck(1) as server:
        reranker = Reranker(base_url=server.url, on_error="passthrough")
        with pytest.raises(TimeoutError) as caught:
            async with asyncio.timeout(0.1):
                await reranker.arerank("q", TEXTS)
        assert type(caught.value) is TimeoutError
        await server.wait(server.given_up)
        assert_right(await reranker.arerank("q", TEXTS), TEXTS)


@pytest.mark.parametrize("shards", [1, 3])
def test_a_cancelled_trio_scope_hangs_up(shards: int) -> None:
    async def main() -> None:
        with stuck(shards) as server:
            reranker = Reranker(base_url=server.url, max_documents_per_request=3 // shards)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(reranker.arerank, "q", TEXTS)
                await server.wait(server.arrived)
                nursery.cancel_scope.cancel()
            await server.wait(server.given_up)
            assert_right(await reranker.arerank("q", TEXTS), TEXTS)
            await reranker.aclose()

    trio.run(main)


def test_trios_own_timeout_is_the_users_and_no_error_of_ours() -> None:
    async def main() -> None:
        with stuck(1) as server:
            reranker = Reranker(base_url=server.url, on_error="passthrough")
            with pytest.raises(trio.TooSlowError), trio.fail_after(0.1):
                await reranker.arerank("q", TEXTS)
            assert_right(await reranker.arerank("q", TEXTS), TEXTS)
            await reranker.aclose()

    trio.run(main)


@pytest.mark.parametrize("shards", [1, 3])
@pytest.mark.parametrize("world", ["sync", "asyncio", "trio"])
@pytest.mark.timed
def test_the_calls_own_budget_hangs_up_too(world: str, shards: int) -> None:
    async def main() -> None:
        with stuck(shards) as server:
            size = 3 // shards
            reranker = Reranker(base_url=server.url, max_documents_per_request=size, timeout=0.3)
            if world == "sync":
                with pytest.raises(BudgetExceeded, match="timeout"):
                    reranker.rerank("q", TEXTS)
            else:
                with pytest.raises(BudgetExceeded, match="timeout"):
                    await reranker.arerank("q", TEXTS)
            await server.wait(server.given_up)
            reranker.timeout = 10
            assert_right(reranker.rerank("q", TEXTS), TEXTS)
            assert_right(await reranker.arerank("q", TEXTS), TEXTS)
            await reranker.aclose()

    anyio.run(main, backend="trio" if world == "trio" else "asyncio")


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_call_cancelled_while_it_waits_for_a_retry_sends_nothing_more(backend: str) -> None:
    def refuse(exchange: Exchange) -> None:
        exchange.send(b"HTTP/1.1 503 No\r\nRetry-After: 20\r\nContent-Length: 0\r\n\r\n")

    async def main() -> None:
        with HostileServer([refuse]) as server:
            reranker = Reranker(base_url=server.url)
            with anyio.move_on_after(0.2) as scope:
                await reranker.arerank("q", TEXTS)
            assert scope.cancelled_caught
            assert len(server.requests) == 1
            await reranker.aclose()

    anyio.run(main, backend=backend)


@dataclass
class OneRefuses:
    """A server that refuses the document "bad" once all have come, and never answers the others."""

    others: int
    given_up: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def __post_init__(self) -> None:
        self.all_here = threading.Barrier(self.others + 1)

    def answer(self, exchange: Exchange) -> None:
        assert exchange.request is not None
        self.all_here.wait(5)
        if exchange.request.payload["documents"] == ["bad"]:
            exchange.send(b"HTTP/1.1 422 No\r\nContent-Length: 0\r\n\r\n")
        else:
            exchange.silence()
            self.given_up.release()


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_failing_shard_hangs_up_on_the_others(backend: str) -> None:
    async def main() -> None:
        others = OneRefuses(2)
        with HostileServer([others.answer]) as server:
            reranker = Reranker(base_url=server.url, max_documents_per_request=1)
            with pytest.raises(InvalidRequestError):
                await reranker.arerank("q", ["good", "bad", "also good"])
            for _ in range(2):
                await anyio.to_thread.run_sync(others.given_up.acquire, True, 5)
            await reranker.aclose()

    anyio.run(main, backend=backend)


@pytest.mark.timed
def test_a_failing_shard_is_told_at_once_in_the_sync_world_too() -> None:
    with HostileServer([OneRefuses(2).answer]) as server:
        reranker = Reranker(base_url=server.url, max_documents_per_request=1, timeout=20)
        start = time.monotonic()
        with pytest.raises(InvalidRequestError):
            reranker.rerank("q", ["good", "bad", "also good"])
        assert time.monotonic() - start < 5
        reranker.close()
