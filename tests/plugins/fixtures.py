"""A real server and what it has to say, for the tests of both plugins."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import httpx
import pytest
from blockbuster import BlockBuster, blockbuster_ctx

from assisters_rerank import Reranker
from assisters_rerank.local import LocalServer
from assisters_rerank.plugins import Content

from .cases import KEY, QUERY, TEXTS
from .long import PADDED, PASSAGES

# Of `one_rerank` and `no_request`.
Requests = Callable[[], AbstractContextManager[None]]


@pytest.fixture(scope="session")
def server() -> Iterator[LocalServer]:
    with LocalServer() as running:
        yield running


@pytest.fixture(params=["sync", "async"])
def colour(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def content() -> Content:
    """What comes back; `contents` in its place runs a module's tests with both."""
    return "document"


@pytest.fixture(params=["document", "passages"])
def contents(request: pytest.FixtureRequest) -> Content:
    return request.param


@pytest.fixture
def padded(content: Content) -> tuple[str, ...]:
    """The texts of the documents: of more than one passage, if passages come back."""
    return TEXTS if content == "document" else PADDED


@pytest.fixture
def cut(content: Content) -> dict[str, Any]:
    """The options of a reranker that gives back this content."""
    return {} if content == "document" else {**PASSAGES, "content": "passages"}


@pytest.fixture
def best_first(
    server: LocalServer, content: Content, padded: tuple[str, ...]
) -> Callable[..., list[str]]:
    """The order and the content in which some texts have to come back."""

    def passages(query: str = QUERY, texts: Sequence[str] = padded) -> list[str]:
        with Reranker(base_url=server.base_url, api_key=KEY, **PASSAGES) as reranker:
            return [found.passage_text for found in reranker.rerank(query, texts)]

    def ordered(query: str = QUERY, texts: Sequence[str] = TEXTS) -> list[str]:
        content = {"model": "bge-reranker-v2", "query": query, "documents": list(texts)}
        answer = httpx.post(
            f"{server.base_url}/rerank", json=content, headers={"Authorization": f"Bearer {KEY}"}
        )
        found = [texts[result["index"]] for result in answer.json()["results"]]
        assert found != list(texts), "the first stage's order would pass as reranked"
        return found

    return ordered if content == "document" else passages


@pytest.fixture
def one_rerank(server: LocalServer) -> Callable[[], AbstractContextManager[None]]:
    """Checks that the block sends exactly one request."""

    @contextmanager
    def counted() -> Iterator[None]:
        before = len(server.requests)
        yield
        assert len(server.requests) - before == 1

    return counted


@pytest.fixture
def no_request(server: LocalServer) -> Callable[[], AbstractContextManager[None]]:
    """Checks that the block sends nothing."""

    @contextmanager
    def counted() -> Iterator[None]:
        before = len(server.requests)
        yield
        assert len(server.requests) == before

    return counted


@pytest.fixture
def dead_url() -> Iterator[str]:
    """An address where nobody listens; the port is held so that nobody else comes to listen."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}/v1"


@pytest.fixture
async def single_thread() -> AsyncIterator[None]:
    """What secretly runs in the loop's thread pool has to queue up, on any machine."""
    with ThreadPoolExecutor(1) as threads:
        asyncio.get_running_loop().set_default_executor(threads)
        yield


@pytest.fixture
def guarded() -> Iterator[BlockBuster]:
    """Raises in the event loop's thread wherever something blocks it.

    The local server has a loop of its own in this process, which is not under test here.
    """
    with blockbuster_ctx(excluded_modules=["assisters_rerank.local", "uvicorn"]) as active:
        yield active


def with_one_answer(status: int, content: object) -> dict[str, Any]:
    """Options of a reranker whose server gives one fixed answer, over the user's own clients."""

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(status, content=json.dumps(content))

    return {
        "base_url": "http://127.0.0.1:9/v1",
        "api_key": KEY,
        "http_client": httpx.Client(transport=httpx.MockTransport(answer)),
        "async_http_client": httpx.AsyncClient(transport=httpx.MockTransport(answer)),
    }
