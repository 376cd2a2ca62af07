"""Many first calls at once, after a loop that was closed without being shut down."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import anyio
import pytest
import trio

from assisters_rerank import Embedder, Reranker

from ...faults.server import Exchange, HostileServer
from ..embeddings import embedded
from ..expectation import assert_right
from .conftest import Tls, resolve

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


async def many(call: Callable[[], Coroutine[Any, Any, object]]) -> None:
    await asyncio.gather(*(call() for _ in range(32)))


def test_embedders_share_a_client_too() -> None:
    def answer(exchange: Exchange) -> None:
        assert exchange.request is not None
        body = json.dumps(embedded(exchange.request.payload)).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
        exchange.send(f"{head}\r\n\r\n".encode() + body)

    with HostileServer([answer]) as server:
        embedder = Embedder(base_url=server.url, max_retries=0)
        on_a_loop_closed_dirty(embedder.aembed_query("q"))
        asyncio.run(many(lambda: embedder.aembed_query("q")))
        assert len(server.requests) == 33


def test_over_tls(tls: Tls, monkeypatch: pytest.MonkeyPatch) -> None:
    resolve(monkeypatch, "rerank.test", "127.0.0.1")
    reranker = Reranker(base_url=f"https://rerank.test:{tls.port}/v1", max_retries=0)
    on_a_loop_closed_dirty(reranker.arerank("q", TEXTS))
    asyncio.run(many(lambda: reranker.arerank("q", TEXTS)))
    assert reranker.total_usage.requests == 33


def test_in_loops_of_other_threads_beside_a_running_one(honest_server: HostileServer) -> None:
    """As LlamaIndex's `asyncio_run` does it in a notebook: a new loop, in a thread, for each."""
    reranker = Reranker(base_url=honest_server.url, max_retries=0)

    async def main() -> None:
        await reranker.arerank("q", TEXTS)
        with ThreadPoolExecutor(8) as threads:
            calls = [reranker.arerank("q", TEXTS) for _ in range(16)]
            list(threads.map(on_a_loop_closed_dirty, calls))
        await many(lambda: reranker.arerank("q", TEXTS))

    asyncio.run(main())
    assert len(honest_server.requests) == 1 + 16 + 32


def test_under_starlettes_test_client(honest_server: HostileServer) -> None:
    """Which runs each request in a loop of its own, unless it is a context manager."""
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import JSONResponse
    from starlette.routing import Route
    from starlette.testclient import TestClient

    reranker = Reranker(base_url=honest_server.url, max_retries=0)

    async def search(_: Request) -> JSONResponse:
        rankings = await asyncio.gather(*(reranker.arerank("q", TEXTS) for _ in range(4)))
        for ranking in rankings:
            assert_right(ranking, TEXTS)
        return JSONResponse(len(rankings))

    app = Starlette(routes=[Route("/", search)])
    client = TestClient(app)
    assert [client.get("/").json() for _ in range(4)] == [4] * 4
    with TestClient(app) as client:
        assert [client.get("/").json() for _ in range(4)] == [4] * 4
    assert len(honest_server.requests) == 32
