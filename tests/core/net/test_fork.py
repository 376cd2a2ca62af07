"""A forked process makes its own connections: no two read each other's answers."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import threading
from collections.abc import Callable

import pytest

from assisters_rerank import Reranker

from ...faults.server import Exchange, HostileServer
from ..conftest import answer_honestly
from ..expectation import assert_right
from ..forked import ended, in_child

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork"),
    # Python 3.12 warns of any fork beside threads, here the server's.
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),
]

OURS, THEIRS = ["a", "b", "c"], ["x", "y", "z"]


def must_succeed(work: Callable[[], None]) -> None:
    """Does the work in a forked child, and fails the test if the child fails."""
    assert ended(in_child(work)) == 0


def test_a_child_makes_its_own_connections(honest_server: HostileServer) -> None:
    reranker = Reranker(base_url=honest_server.url)

    def both() -> None:
        assert_right(reranker.rerank("q", THEIRS), THEIRS)
        assert_right(asyncio.run(reranker.arerank("q", THEIRS)), THEIRS)

    reranker.rerank("q", OURS)
    must_succeed(both)
    assert_right(reranker.rerank("q", OURS), OURS)
    used = {(r.connection, *r.payload["documents"]) for r in honest_server.requests}
    assert used == {(1, *OURS), (2, *THEIRS), (3, *THEIRS)}


async def test_a_child_forked_beside_a_living_loop(honest_server: HostileServer) -> None:
    reranker = Reranker(base_url=honest_server.url)
    await reranker.arerank("q", OURS)

    def sync_only() -> None:
        assert_right(reranker.rerank("q", THEIRS), THEIRS)

    must_succeed(sync_only)
    assert_right(await reranker.arerank("q", OURS), OURS)
    used = {(r.connection, *r.payload["documents"]) for r in honest_server.requests}
    assert used == {(1, *OURS), (2, *THEIRS)}


def test_a_child_forked_while_another_thread_is_in_a_call() -> None:
    asked, go_on = threading.Event(), threading.Event()

    def hold(exchange: Exchange) -> None:
        asked.set()
        assert go_on.wait(10)
        answer_honestly(exchange)

    with HostileServer([hold, answer_honestly]) as server:
        reranker = Reranker(base_url=server.url)
        done: list[bool] = []

        def call() -> None:
            assert_right(reranker.rerank("q", OURS), OURS)
            done.append(True)

        thread = threading.Thread(target=call)
        thread.start()
        assert asked.wait(5)
        must_succeed(lambda: assert_right(reranker.rerank("q", THEIRS), THEIRS))
        go_on.set()
        thread.join(10)
        assert done == [True]


def test_a_child_holds_no_connection_of_its_parents() -> None:
    ended = threading.Event()

    def answer_and_watch(exchange: Exchange) -> None:
        answer_honestly(exchange)
        exchange.silence()  # until every holder of the other end has let go
        ended.set()
        exchange.close()

    reader, writer = os.pipe()
    with HostileServer([answer_and_watch]) as server:
        reranker = Reranker(base_url=server.url)
        reranker.rerank("q", OURS)
        child = os.fork()
        if child == 0:
            os.close(writer)
            signal.alarm(20)
            gc.collect()
            os.read(reader, 1)  # lives on, as a worker does
            os._exit(0)
        try:
            reranker.close()
            assert ended.wait(5)
        finally:
            os.close(writer)
            os.close(reader)
            os.waitpid(child, 0)
