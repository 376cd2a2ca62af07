"""Many first calls at once, after a loop that was closed without being shut down."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import anyio
import pytest
import trio

from assisters_rerank import Reranker

from ...faults.server import HostileServer
from ..expectation import assert_right

pytestmark = [
    pytest.mark.usefixtures("each_transport"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
TEXTS = ["a", "b", "c"]
Main = Callable[[], Coroutine[Any, Any, None]]


def on_uvloop(main: Main) -> None:
    pytest.importorskip("uvloop").run(main())


RUNNERS: dict[str, Callable[[Main], None]] = {
    "asyncio": lambda main: asyncio.run(main()),
    "anyio": lambda main: anyio.run(main),
    "trio": lambda main: trio.run(main),
    "uvloop": on_uvloop,
}


def on_a_loop_closed_dirty(call: Coroutine[Any, Any, object]) -> None:
    loop = asyncio.new_event_loop()
    loop.run_until_complete(call)
    loop.close()


@pytest.mark.parametrize("run", RUNNERS.values(), ids=RUNNERS)
@pytest.mark.parametrize("shard", [1, 100])
def test_every_call_is_answered_and_sent_once(
    run: Callable[[Main], None], shard: int, honest_server: HostileServer
) -> None:
    def made() -> Reranker:
        return Reranker(base_url=honest_server.url, max_retries=0, max_documents_per_request=shard)

    reranker = made()
    for each in (reranker, made(), made()):
        on_a_loop_closed_dirty(each.arerank("q", TEXTS))
    before = len(honest_server.requests)

    async def main() -> None:
        async def call() -> None:
            assert_right(await reranker.arerank("q", TEXTS), TEXTS)

        async with anyio.create_task_group() as group:
            for _ in range(16):
                group.start_soon(call)
        await reranker.aclose()

    run(main)
    assert len(honest_server.requests) - before == 16 * (3 if shard == 1 else 1)


def test_one_client_per_loop_and_reranker(
    honest_server: HostileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from assisters_rerank.net import clients

    made = []
    make = clients._evented_client
    monkeypatch.setattr(
        clients, "_evented_client", lambda *about: made.append(make(*about)) or made[-1]
    )
    on_a_loop_closed_dirty(Reranker(base_url=honest_server.url).arerank("q", TEXTS))
    reranker = Reranker(base_url=honest_server.url)

    async def main() -> None:
        await asyncio.gather(*(reranker.arerank("q", TEXTS) for _ in range(16)))

    asyncio.run(main())
    assert len(made) == 2
    assert all(client.is_closed for client in made)
