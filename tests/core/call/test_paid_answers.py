"""A paid answer is not lost when the time ends while its tokens are counted."""

from __future__ import annotations

import asyncio
import base64
import json
from array import array
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from assisters_rerank import BudgetExceeded, Embedder, Reranker, Usage, estimate_tokens
from assisters_rerank.call.budget import Budget

TEXT = "a page of text, " * 20_000  # it is counted out of the event loop's way


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> httpx.MockTransport:
    """Reports no tokens; once it has answered, no time is left for counting."""
    paid = []
    aside = Budget.aside

    async def aside_while_there_is_time(
        self: Budget, work: Callable[[], Any], doing: str
    ) -> object:
        if paid and doing.endswith("tokens were counted"):
            raise BudgetExceeded("timeout=30 s was used up while tokens were counted.")
        return await aside(self, work, doing)

    monkeypatch.setattr(Budget, "aside", aside_while_there_is_time)

    def answer(request: httpx.Request) -> httpx.Response:
        paid.append(request)
        if "documents" in json.loads(request.content):
            return httpx.Response(200, json={"results": [{"index": 0, "relevance_score": 0.5}]})
        vector = base64.b64encode(array("f", [0.5, 0.25])).decode()
        return httpx.Response(200, json={"data": [{"index": 0, "embedding": vector}]})

    return httpx.MockTransport(answer)


def options(server: httpx.MockTransport) -> dict[str, Any]:
    return {
        "base_url": "http://localhost:1/v1",
        "http_client": httpx.Client(transport=server),
        "async_http_client": httpx.AsyncClient(transport=server),
    }


def assert_estimated(usage: Usage, tokens: int) -> None:
    assert usage.requests == 1
    assert usage.total_tokens == tokens
    assert usage.tokens_estimated


@pytest.mark.parametrize("count_tokens", [None, len], ids=["an estimate", "one's own"])
@pytest.mark.parametrize("colour", ["sync", "async"])
def test_of_documents(
    colour: str, count_tokens: Callable[[str], int] | None, server: httpx.MockTransport
) -> None:
    reranker = Reranker(**options(server), count_tokens=count_tokens)
    if colour == "sync":
        ranking = reranker.rerank("a query", [TEXT])
    else:
        ranking = asyncio.run(reranker.arerank("a query", [TEXT]))
    assert ranking[0].relevance_score == 0.5
    expected = estimate_tokens("a query") + estimate_tokens(TEXT)
    assert_estimated(ranking.usage, expected)
    assert_estimated(reranker.total_usage, expected)


@pytest.mark.parametrize("count_tokens", [None, len], ids=["an estimate", "one's own"])
@pytest.mark.parametrize("colour", ["sync", "async"])
def test_of_texts_to_embed(
    colour: str, count_tokens: Callable[[str], int] | None, server: httpx.MockTransport
) -> None:
    embedder = Embedder(**options(server), count_tokens=count_tokens, model="m")
    if colour == "sync":
        vectors = embedder.embed_documents([TEXT])
    else:
        vectors = asyncio.run(embedder.aembed_documents([TEXT]))
    assert vectors == [[0.5, 0.25]]
    assert_estimated(embedder.total_usage, estimate_tokens(TEXT))
