"""One reranker in many threads: each call gets its own answer."""

from __future__ import annotations

import contextvars
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import anyio
import httpx
import pytest
import trio

from assisters_rerank import Document, InvalidRequestError, Reranker, RerankOptions
from assisters_rerank.call import rerank_flow
from assisters_rerank.call.state import State
from assisters_rerank.net import Blocking, run_blocking
from assisters_rerank.wire.messages import Answer, Request

from ...faults.server import HostileServer
from ..answers import refused, scored
from ..expectation import assert_right

pytestmark = pytest.mark.usefixtures("each_transport")


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


@dataclass
class OneFails:
    """A blocking world in which "bad" is refused while "good" waits for its retry."""

    sent: list[str] = field(default_factory=list)
    waiting: threading.Event = field(default_factory=threading.Event)
    told: threading.Event = field(default_factory=threading.Event)

    spent = 0.0
    together = Blocking.together

    def now(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        self.waiting.set()
        assert self.told.wait(5)

    async def send(self, request: Request, budget: float) -> Answer:
        (text,) = json.loads(request.body)["documents"]
        self.sent.append(text)
        if text == "good":
            return refused(503)
        assert self.waiting.wait(5)
        return refused(422)


def test_after_a_failure_the_other_shards_threads_send_nothing_more() -> None:
    before = set(threading.enumerate())
    port = OneFails()
    options = RerankOptions(base_url="https://host.test/v1", max_documents_per_request=1)
    documents = [Document(text, text) for text in ("good", "bad")]
    with pytest.raises(InvalidRequestError):
        run_blocking(rerank_flow.rerank(port, options, State(), "q", documents, None, None))
    port.told.set()
    for thread in set(threading.enumerate()) - before:
        thread.join(5)
    assert sorted(port.sent) == ["bad", "good"]
