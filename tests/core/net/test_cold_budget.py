"""The time that a first call's imports take is the call's own: `timeout` holds from its begin."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from assisters_rerank import BudgetExceeded, Embedder, Reranker
from assisters_rerank.net import Evented, loops
from assisters_rerank.wire.messages import Answer, Request
from langchain_assisters import AssistersEmbeddings
from langchain_assisters import AssistersRerank as LangChainRerank
from llama_index_assisters import AssistersEmbedding
from llama_index_assisters import AssistersRerank as LlamaIndexRerank

OPTIONS: dict[str, Any] = {"base_url": "http://127.0.0.1:9/v1", "max_retries": 0}


async def rerank(**options: Any) -> Any:
    return await Reranker(**options).arerank("q", ["a"])


async def embed(**options: Any) -> Any:
    return await Embedder(model="m", **options).aembed_query("a")


async def in_langchain(**options: Any) -> Any:
    from langchain_core.documents import Document

    return await LangChainRerank(**options).acompress_documents([Document("a")], "q")


async def embed_in_langchain(**options: Any) -> Any:
    return await AssistersEmbeddings(model="m", **options).aembed_query("a")


async def in_llama_index(**options: Any) -> Any:
    from llama_index.core.schema import NodeWithScore, TextNode

    nodes = [NodeWithScore(node=TextNode(text="a"))]
    return await LlamaIndexRerank(**options).apostprocess_nodes(nodes, query_str="q")


async def embed_in_llama_index(**options: Any) -> Any:
    return await AssistersEmbedding(model="m", **options).aget_query_embedding("a")


CALLS = [rerank, embed, in_langchain, embed_in_langchain, in_llama_index, embed_in_llama_index]


@pytest.fixture
def budgets(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What each request got of the time, after a start that took 0.1 s."""
    got: list[float] = []

    async def slow() -> None:
        await asyncio.sleep(0.1)

    async def note(self: Evented, request: Request, budget: float) -> Answer:
        got.append(budget)
        raise BudgetExceeded("noted")

    monkeypatch.setattr(loops, "prepare", slow)
    monkeypatch.setattr(Evented, "send", note)
    return got


@pytest.mark.parametrize("call", CALLS)
async def test_requests_get_what_the_start_has_left(budgets: list[float], call: Any) -> None:
    with pytest.raises(BudgetExceeded, match="noted"):
        await call(timeout=10, **OPTIONS)
    (budget,) = budgets
    assert 0 < budget <= 9.9


@pytest.mark.parametrize("call", CALLS)
async def test_nothing_is_sent_when_the_start_took_it_all(budgets: list[float], call: Any) -> None:
    with pytest.raises(BudgetExceeded, match=r"timeout=0\.05 s"):
        await call(timeout=0.05, **OPTIONS)
    assert not budgets


async def test_a_start_that_took_it_all_may_pass_through(budgets: list[float]) -> None:
    ranking = await rerank(timeout=0.05, on_error="passthrough", **OPTIONS)
    assert ranking.degraded
    assert not budgets
