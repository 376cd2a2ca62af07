"""Threads, loops, cancellations, collections and a bad server at once: no hang, nothing leaks."""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
import gc
import threading
from collections.abc import Iterator

import pytest

from assisters_rerank import AssistersError, Reranker

from ...faults.server import Exchange, HostileServer
from ..conftest import answer_honestly
from .test_event_loops import assert_open_files, open_files

pytestmark = pytest.mark.slow  # some 7 s of one core for each transport

THREADS, LOOPS = 200, 4


@pytest.fixture
def watchdog() -> Iterator[None]:
    """Shows where every thread is, and ends the run, if this takes a minute."""
    faulthandler.dump_traceback_later(60, exit=True)
    yield
    faulthandler.cancel_dump_traceback_later()


def refuse(exchange: Exchange) -> None:
    exchange.send(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n")


def limit(exchange: Exchange) -> None:
    exchange.send(b"HTTP/1.1 429 No\r\nRetry-After: 0.05\r\nContent-Length: 0\r\n\r\n")


def stall(exchange: Exchange) -> None:
    exchange.server.stopping.wait(0.3)
    answer_honestly(exchange)


@pytest.mark.usefixtures("each_transport", "watchdog")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_storm_leaves_nothing_behind() -> None:
    script = [answer_honestly, Exchange.reset, answer_honestly, refuse, stall] * 400
    script[::50] = [limit] * len(script[::50])
    files, threads = open_files(), set(threading.enumerate())
    with HostileServer([*script, answer_honestly]) as server:
        reranker = Reranker(base_url=server.url, timeout=5, max_retries=1)
        answered: list[int] = []
        odd: list[BaseException] = []

        def in_a_thread() -> None:
            try:
                answered.append(reranker.rerank("q", ["a", "b"]).usage.requests)
            except AssistersError:
                pass
            except BaseException as error:
                odd.append(error)

        async def call() -> None:
            with contextlib.suppress(AssistersError):
                answered.append((await reranker.arerank("q", ["a", "b"])).usage.requests)

        async def on_a_loop() -> None:
            calls = [asyncio.ensure_future(call()) for _ in range(20)]
            await asyncio.wait(calls, timeout=20)

        async def cancelled() -> None:
            gone = [asyncio.ensure_future(call()) for _ in range(20)]
            for task in gone:  # some before they send, some while they wait for the answer
                await asyncio.sleep(0.002)
                task.cancel()
            await asyncio.wait(gone)

        def on_dirty_loops() -> None:
            try:
                for main in (on_a_loop, cancelled, on_a_loop):
                    loop = asyncio.new_event_loop()
                    loop.run_until_complete(main())
                    loop.close()
            except BaseException as error:
                odd.append(error)

        workers = [threading.Thread(target=in_a_thread, daemon=True) for _ in range(THREADS)]
        workers += [threading.Thread(target=on_dirty_loops, daemon=True) for _ in range(LOOPS)]
        before = gc.get_threshold()
        gc.set_threshold(1)
        try:
            for worker in workers:
                worker.start()
            gc.set_threshold(50)
            for worker in workers:
                worker.join(30)
        finally:
            gc.set_threshold(*before)
        assert not [worker for worker in workers if worker.is_alive()]
        assert odd == []
        assert len(answered) > THREADS // 4
        # Nothing is awaited between an answer and the end of its call.
        assert reranker.total_usage.requests == sum(answered)
        pace = reranker._state.pace
        assert (pace._limits.in_flight, pace._limits.tokens_in_flight) == ({}, 0)
        assert not pace._waiting
        reranker.close()
        asyncio.run(reranker.arerank("q", ["a"]))  # drops what the closed loops left
    assert_open_files(files + 2)
    left = {thread.name for thread in threading.enumerate() if thread not in threads}
    assert left <= {"rerank-aside"}  # our own few, which serve all loops to come
