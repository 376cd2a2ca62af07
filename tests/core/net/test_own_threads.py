"""Threads beside a loop are ours: no executor of the user's is waited for."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable

import anyio
import pytest
import trio

from assisters_rerank import BudgetExceeded, Reranker
from assisters_rerank.net import loops, threads

from ...faults.server import HostileServer
from ..expectation import assert_right
from ..fresh_interpreter import must_run

TEXTS = ["a", "b", "c"]

# The first call of a process, while every thread of the loop's executor waits for such a call.
FULL_EXECUTOR = """
    import asyncio, sys, threading
    from concurrent.futures import ThreadPoolExecutor
    import anyio
    from assisters_rerank import Reranker
    reranker = Reranker(base_url=sys.argv[1], timeout=10)

    async def main():
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(2))

        def tool():
            call = asyncio.run_coroutine_threadsafe(reranker.arerank("q", ["a", "b"]), loop)
            return len(call.result(5))

        print(*await asyncio.gather(*(asyncio.to_thread(tool) for _ in range(2))))

    anyio.run(main) if sys.argv[2] == "anyio" else asyncio.run(main())
"""


@pytest.mark.parametrize("run", ["asyncio", "anyio"])
def test_a_full_executor_does_not_hold_up_the_first_call(
    honest_server: HostileServer, run: str
) -> None:
    assert must_run(FULL_EXECUTOR, honest_server.url, run).split() == ["2", "2"]


def test_a_full_executor_does_not_hold_up_the_look_up_of_a_name(
    honest_server: HostileServer,
) -> None:
    url = honest_server.url.replace("127.0.0.1", "localhost")
    assert must_run(FULL_EXECUTOR, url, "asyncio").split() == ["2", "2"]


@pytest.mark.parametrize("run", [asyncio.run, lambda main: trio.run(lambda: main)])
def test_work_sees_the_callers_context_and_no_running_loop(run: Callable[..., None]) -> None:
    seen = contextvars.ContextVar("seen", default="nothing")

    async def main() -> None:
        seen.set("the caller's")
        assert await threads.in_thread(seen.get) == "the caller's"
        assert await threads.in_thread(lambda: anyio.run(anyio.sleep, 0)) is None
        with pytest.raises(KeyError, match="missing"):
            await threads.in_thread(lambda: {}["missing"])

    run(main())


async def test_stuck_work_fills_the_threads_and_costs_the_call_no_more_than_its_time(
    honest_server: HostileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threads.USERS, "_most", 2)
    threads.USERS.start_anew()
    stuck = threading.Event()

    def count_tokens(text: str) -> int:
        stuck.wait(10)
        return 1

    reranker = Reranker(
        base_url=honest_server.url,
        timeout=0.2,
        count_tokens=count_tokens,
        tokens_per_minute=1_000_000,
    )
    try:
        results = await asyncio.gather(
            *(reranker.arerank("q", TEXTS) for _ in range(4)), return_exceptions=True
        )
        assert [type(result) for result in results] == [BudgetExceeded] * 4
        plain = Reranker(base_url=honest_server.url, timeout=5)
        assert_right(await plain.arerank("q", TEXTS), TEXTS)
    finally:
        stuck.set()
        monkeypatch.undo()
        threads.USERS.start_anew()


def test_a_guest_on_asyncios_loop_is_trios(honest_server: HostileServer) -> None:
    reranker = Reranker(base_url=honest_server.url, max_documents_per_request=2)

    async def guest() -> None:
        assert not loops.is_asyncio()
        assert_right(await reranker.arerank("q", TEXTS), TEXTS)
        await reranker.aclose()

    async def main() -> None:
        loop = asyncio.get_running_loop()
        ended = loop.create_future()
        trio.lowlevel.start_guest_run(
            guest,
            run_sync_soon_threadsafe=loop.call_soon_threadsafe,
            done_callback=ended.set_result,
        )
        assert_right(await reranker.arerank("q", TEXTS), TEXTS)
        (await ended).unwrap()

    asyncio.run(main())
