"""A real server, documents that it ranks differently from the first stage, and bad days."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import httpx
import pytest
from langchain_cases import KEY, QUERY, TEXTS
from langchain_core.documents import Document

from assisters_rerank.local import LocalServer
from langchain_assisters import AssistersRerank


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No key, no address and no tracing service from the machine that runs the tests."""
    for name in ("ASSISTERS_API_KEY", "ASSISTERS_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    for name in ("LANGSMITH_TRACING", "LANGCHAIN_TRACING_V2", "LANGSMITH_API_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def server() -> Iterator[LocalServer]:
    with LocalServer() as running:
        yield running


@pytest.fixture(params=["sync", "async"])
def colour(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def documents() -> list[Document]:
    return [
        Document(page_content=text, id=f"doc-{place}", metadata={"place": place, "tags": ["a"]})
        for place, text in enumerate(TEXTS)
    ]


@pytest.fixture
def compressor(server: LocalServer) -> AssistersRerank:
    return AssistersRerank(base_url=server.base_url, api_key=KEY)


@pytest.fixture
def best_first(server: LocalServer) -> Callable[..., list[str]]:
    """The server's own order of some texts, asked without our client."""

    def ordered(query: str = QUERY, texts: tuple[str, ...] = TEXTS) -> list[str]:
        content = {"model": "bge-reranker-v2", "query": query, "documents": list(texts)}
        answer = httpx.post(
            f"{server.base_url}/rerank", json=content, headers={"Authorization": f"Bearer {KEY}"}
        )
        found = [texts[result["index"]] for result in answer.json()["results"]]
        assert found != list(texts), "the first stage's order would pass as reranked"
        return found

    return ordered


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
def answering() -> Callable[..., AssistersRerank]:
    """A compressor whose server gives one fixed answer, over the user's own httpx clients."""

    def made(status: int, content: object, **options: object) -> AssistersRerank:
        def answer(request: httpx.Request) -> httpx.Response:
            return httpx.Response(status, content=json.dumps(content))

        return AssistersRerank(
            base_url="http://127.0.0.1:9/v1",
            api_key=KEY,
            http_client=httpx.Client(transport=httpx.MockTransport(answer)),
            async_http_client=httpx.AsyncClient(transport=httpx.MockTransport(answer)),
            **options,
        )

    return made
