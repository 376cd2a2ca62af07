"""One reranker over event loops: one after the other, inside a running one, asyncio and trio."""

from __future__ import annotations

import asyncio
import gc
import os
import time
import weakref

import pytest
import trio

from assisters_rerank import Ranking, Reranker

from ...faults.server import HostileServer
from ..expectation import assert_right
from ..fresh_interpreter import must_run

pytestmark = pytest.mark.usefixtures("each_transport")
TEXTS = ["a", "b", "c", "d"]


def open_files() -> int:
    """Open files of this process; both ends of a connection to our own server count."""
    if not os.path.isdir("/proc/self/fd"):
        pytest.skip("open files can be counted on Linux only")
    gc.collect()
    return len(os.listdir("/proc/self/fd"))


def assert_open_files(at_most: int) -> None:
    """The count comes down to this, once the server's threads have closed their ends."""
    patience = time.monotonic() + 5
    while (count := open_files()) > at_most and time.monotonic() < patience:
        time.sleep(0.01)
    assert count <= at_most


@pytest.fixture
def reranker(honest_server: HostileServer) -> Reranker:
    return Reranker(base_url=honest_server.url, max_documents_per_request=2)


def test_two_loops_one_after_the_other(reranker: Reranker) -> None:
    for _ in range(2):
        assert_right(asyncio.run(reranker.arerank("q", TEXTS)), TEXTS)


def test_asyncio_and_trio_in_turns_with_sync_between(reranker: Reranker) -> None:
    async def main() -> Ranking:
        return await reranker.arerank("q", TEXTS)

    for _ in range(2):
        assert_right(trio.run(main), TEXTS)
        assert_right(reranker.rerank("q", TEXTS), TEXTS)
        assert_right(asyncio.run(main()), TEXTS)


async def test_sync_inside_a_running_loop(reranker: Reranker) -> None:
    assert_right(reranker.rerank("q", TEXTS), TEXTS)
    assert_right(await reranker.arerank("q", TEXTS), TEXTS)


def test_sync_inside_a_running_trio_loop(reranker: Reranker) -> None:
    async def main() -> None:
        assert_right(reranker.rerank("q", TEXTS), TEXTS)
        assert_right(await reranker.arerank("q", TEXTS), TEXTS)

    trio.run(main)


async def test_many_calls_at_once_on_one_loop(
    reranker: Reranker, honest_server: HostileServer
) -> None:
    texts = [[f"{n} {i}" for i in range(5)] for n in range(32)]
    rankings = await asyncio.gather(*(reranker.arerank("q", each) for each in texts))
    for ranking, each in zip(rankings, texts, strict=True):
        assert_right(ranking, each)


def test_nested_loops_as_in_old_notebooks(honest_server: HostileServer) -> None:
    pytest.importorskip("nest_asyncio")
    script = """
        import asyncio, sys
        import nest_asyncio
        from assisters_rerank import Reranker
        nest_asyncio.apply()
        reranker = Reranker(base_url=sys.argv[1], max_documents_per_request=2)

        def cell():
            return asyncio.run(reranker.arerank("q", ["a", "b", "c"]))

        async def main():
            for ranking in (cell(), await reranker.arerank("q", ["a", "b", "c"]), cell(),
                            reranker.rerank("q", ["a", "b", "c"])):
                print(*(r.index for r in ranking))

        asyncio.run(main())
        asyncio.run(main())
    """
    lines = must_run(script, honest_server.url).splitlines()
    assert len(lines) == 8
    assert len(set(lines)) == 1


def test_sixty_loops_leave_nothing_behind(honest_server: HostileServer) -> None:
    reranker = Reranker(base_url=honest_server.url)

    seen: list[weakref.ref[asyncio.AbstractEventLoop]] = []

    async def main() -> None:
        await reranker.arerank("q", TEXTS)
        seen.append(weakref.ref(asyncio.get_running_loop()))

    asyncio.run(main())
    before = open_files()
    for _ in range(60):
        asyncio.run(main())
    assert_open_files(at_most=before)
    assert [loop() for loop in seen if loop() is not None] == []


# Without its generators' shutdown no loop can close a connection in good order: Python says so.
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.usefixtures("each_transport")
def test_loops_closed_without_ceremony_leave_only_the_last_ones_connection(
    honest_server: HostileServer, caplog: pytest.LogCaptureFixture
) -> None:
    reranker = Reranker(base_url=honest_server.url)
    before = open_files()
    for _ in range(20):
        # As llama-index-core's asyncio_run does where a loop runs already.
        loop = asyncio.new_event_loop()
        loop.run_until_complete(reranker.arerank("q", TEXTS))
        loop.close()
    assert_open_files(at_most=before + 2)
    # aiohttp would complain of sessions that nobody closed.
    assert not [told for told in caplog.messages if told.startswith("Unclosed")]


async def test_many_calls_may_close_what_dead_rerankers_left(honest_server: HostileServer) -> None:
    async def call_and_forget() -> None:
        assert_right(await Reranker(base_url=honest_server.url).arerank("q", TEXTS), TEXTS)

    for _ in range(3):  # as in a web service that makes a reranker for every request
        await asyncio.gather(*(call_and_forget() for _ in range(6)))
        gc.collect()


async def test_rerankers_that_die_on_a_living_loop_leave_only_the_last_ones_connection(
    honest_server: HostileServer,
) -> None:
    before = open_files()
    for _ in range(20):
        await Reranker(base_url=honest_server.url).arerank("q", TEXTS)
    await asyncio.to_thread(assert_open_files, before + 2)
