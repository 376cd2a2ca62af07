"""One reranker in many threads: each call gets its own answer."""

from __future__ import annotations

import contextvars
import json
import threading
from concurrent.futures import ThreadPoolExecutor

import anyio
import httpx
import trio

from assisters_rerank import Reranker

from ..faults.server import HostileServer
from .answers import scored
from .expectation import assert_right


def test_many_threads_share_one_reranker(honest_server: HostileServer) -> None:
    reranker = Reranker(base_url=honest_server.url, max_documents_per_request=3)
    start = threading.Barrier(16)

    def call(number: int) -> None:
        texts = [f"{number} {i}" for i in range(7)]
        start.wait(5)
        for _ in range(3):
            assert_right(reranker.rerank("q", texts), texts)

    with ThreadPoolExecutor(16) as threads:
        list(threads.map(call, range(16)))
    assert len(honest_server.requests) == 16 * 3 * 3


def test_many_threads_with_a_loop_each_share_one_reranker(honest_server: HostileServer) -> None:
    reranker = Reranker(base_url=honest_server.url, max_documents_per_request=3)
    start = threading.Barrier(12)

    async def calls(number: int) -> None:
        texts = [f"{number} {i}" for i in range(7)]
        for _ in range(3):
            assert_right(await reranker.arerank("q", texts), texts)

    def call(number: int) -> None:
        start.wait(5)
        if number % 3 == 0:
            trio.run(calls, number)
        else:
            anyio.run(calls, number)

    with ThreadPoolExecutor(12) as threads:
        list(threads.map(call, range(12)))


WHO = contextvars.ContextVar[str]("WHO")


async def test_context_variables_reach_every_shards_request() -> None:
    seen: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(WHO.get("nobody"))
        return httpx.Response(200, json=scored(json.loads(request.content)))

    transport = httpx.MockTransport(handler)
    reranker = Reranker(
        base_url="https://host.test/v1",
        max_documents_per_request=1,
        http_client=httpx.Client(transport=transport),
        async_http_client=httpx.AsyncClient(transport=transport),
    )
    WHO.set("me")
    reranker.rerank("q", ["a", "b", "c"])
    await reranker.arerank("q", ["a", "b", "c"])
    assert seen == ["me"] * 6


def test_no_more_requests_at_once_than_allowed() -> None:
    busy, most, lock = 0, 0, threading.Lock()

    def handler(request: httpx.Request) -> httpx.Response:
        nonlocal busy, most
        with lock:
            busy += 1
            most = max(most, busy)
        threading.Event().wait(0.01)
        with lock:
            busy -= 1
        return httpx.Response(200, json={"results": [{"index": 0, "relevance_score": 0.5}]})

    reranker = Reranker(
        base_url="https://host.test/v1",
        max_documents_per_request=1,
        max_concurrency=3,
        http_client=httpx.Client(transport=httpx.MockTransport(handler)),
    )
    reranker.rerank("q", [str(i) for i in range(12)])
    assert 2 <= most <= 3


async def test_no_more_async_requests_at_once_than_allowed() -> None:
    busy, most = 0, 0

    async def handler(request: httpx.Request) -> httpx.Response:
        nonlocal busy, most
        busy += 1
        most = max(most, busy)
        await anyio.sleep(0.01)
        busy -= 1
        return httpx.Response(200, json={"results": [{"index": 0, "relevance_score": 0.5}]})

    reranker = Reranker(
        base_url="https://host.test/v1",
        max_documents_per_request=1,
        max_concurrency=3,
        async_http_client=httpx.AsyncClient(transport=httpx.MockTransport(handler)),
    )
    await reranker.arerank("q", [str(i) for i in range(12)])
    assert most == 3
