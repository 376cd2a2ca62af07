"""respx and pytest-httpx answer in the place of the service, for our clients and users' own."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
import trio

from assisters_rerank import (
    ContractError,
    Embedder,
    RateLimitError,
    Reranker,
    TransportError,
)

from ...faults.server import HostileServer
from ..answers import scored
from ..embeddings import embedded
from ..expectation import assert_right

SERVICE = "https://api.assisters.dev/v1"
TEXTS = ["a", "b", "c"]

Answering = Callable[[Callable[[httpx.Request], httpx.Response]], None]


@pytest.fixture(params=["respx", "pytest_httpx"])
def mocked(request: pytest.FixtureRequest) -> Iterator[Answering]:
    """Has the tool answer every request."""
    tool = pytest.importorskip(request.param)
    if request.param == "respx":
        with tool.mock as router:
            yield lambda answer: router.route().mock(side_effect=answer)
        return
    httpx_mock = request.getfixturevalue("httpx_mock")
    yield lambda answer: httpx_mock.add_callback(answer, is_reusable=True)


@pytest.fixture(params=["option", "variable", "own clients"])
def options(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What makes calls of both kinds visible to tools that mock httpx."""
    made: dict[str, Any] = {"base_url": SERVICE, "api_key": "k", "max_retries": 0, "timeout": 5}
    if request.param == "option":
        return made | {"async_transport": "httpx"}
    if request.param == "variable":
        monkeypatch.setenv("ASSISTERS_ASYNC_TRANSPORT", "httpx")
        return made
    return made | {"http_client": httpx.Client(), "async_http_client": httpx.AsyncClient()}


CALLS: dict[str, Callable[[Reranker], Any]] = {
    "sync": lambda reranker: reranker.rerank("q", TEXTS),
    "asyncio": lambda reranker: asyncio.run(reranker.arerank("q", TEXTS)),
    "trio": lambda reranker: trio.run(reranker.arerank, "q", TEXTS),
}
each_call = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)


@each_call
def test_an_answer_is_taken(
    call: Callable[[Reranker], Any], mocked: Answering, options: dict[str, Any]
) -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        body = gzip.compress(json.dumps(scored(json.loads(request.content))).encode())
        return httpx.Response(200, content=body, headers={"Content-Encoding": "gzip"})

    mocked(answer)
    assert_right(call(Reranker(**options)), TEXTS)
    assert [str(request.url) for request in asked] == [f"{SERVICE}/rerank"]


@each_call
def test_a_refusal_and_an_answer_that_is_too_large_are_told(
    call: Callable[[Reranker], Any], mocked: Answering, options: dict[str, Any]
) -> None:
    answers = [
        httpx.Response(429, json={"error": {"message": "slow down"}}, headers={"Retry-After": "9"}),
        httpx.Response(200, content=b" " * 1_100_000),
    ]
    mocked(lambda _: answers.pop(0))
    reranker = Reranker(**options)
    with pytest.raises(RateLimitError, match="slow down"):
        call(reranker)
    with pytest.raises(ContractError, match="more than"):
        call(Reranker(**options))


def test_embeddings_too(mocked: Answering, options: dict[str, Any]) -> None:
    mocked(lambda request: httpx.Response(200, json=embedded(json.loads(request.content))))
    embedder = Embedder(**options)
    assert asyncio.run(embedder.aembed_documents(TEXTS)) == embedder.embed_documents(TEXTS)


@each_call
@pytest.mark.parametrize("own", [False, True], ids=["ours", "own clients"])
def test_an_answer_that_a_tool_has_closed_is_not_read_from_its_connection(
    own: bool,
    call: Callable[[Reranker], Any],
    honest_server: HostileServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    blocking = httpx.HTTPTransport.handle_request
    evented = httpx.AsyncHTTPTransport.handle_async_request

    def closed(self: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
        response = blocking(self, request)
        response.close()
        return response

    async def aclosed(self: httpx.AsyncHTTPTransport, request: httpx.Request) -> httpx.Response:
        response = await evented(self, request)
        await response.aclose()
        return response

    monkeypatch.setattr(httpx.HTTPTransport, "handle_request", closed)
    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", aclosed)
    clients: dict[str, Any] = (
        {"http_client": httpx.Client(), "async_http_client": httpx.AsyncClient()} if own else {}
    )
    reranker = Reranker(
        base_url=honest_server.url, max_retries=0, async_transport="httpx", **clients
    )
    with pytest.raises(TransportError, match="StreamClosed"):
        call(reranker)
