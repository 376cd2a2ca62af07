"""What users override in sync is heard by async calls, as in LlamaIndex's own classes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from llama_index.core.schema import NodeWithScore, QueryBundle

from assisters_rerank.local import LocalServer
from llama_index_assisters import AssistersEmbedding, AssistersRerank

from ..plugins.vectors import Wire

Reranked = Callable[..., Awaitable[list[NodeWithScore]]]


class FirstThree(AssistersRerank):
    def _postprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        return super()._postprocess_nodes(nodes[:3], query_bundle)


class AllButOne(FirstThree):
    """With an async method too, which is heard then."""

    async def _apostprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        return (await super()._apostprocess_nodes(nodes, query_bundle))[1:]


async def test_a_sync_override_is_heard_by_async_calls(
    reranked: Reranked, server: LocalServer, nodes: list[NodeWithScore]
) -> None:
    found = await reranked(FirstThree(base_url=server.base_url), nodes)
    assert sorted(node.node.node_id for node in found) == ["node-0", "node-1", "node-2"]


async def test_an_async_override_is_heard(server: LocalServer, nodes: list[NodeWithScore]) -> None:
    both = AllButOne(base_url=server.base_url)
    found = await both.apostprocess_nodes(nodes, query_str="q")
    assert len(found) == len(nodes) - 1


class Lowered(AssistersEmbedding):
    def _get_query_embedding(self, query: str) -> list[float]:
        return super()._get_query_embedding(query.lower())

    def _get_text_embedding(self, text: str) -> list[float]:
        return super()._get_text_embedding(text.lower())

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        return super()._get_text_embeddings([text.lower() for text in texts])


@pytest.mark.parametrize("what", ["query", "text", "texts"])
async def test_a_sync_override_of_the_embedding_is_heard(colour: str, what: str) -> None:
    wire = Wire()
    lowered: Any = Lowered(**wire.options())
    given, name = {
        "query": ("A", "get_query_embedding"),
        "text": ("A", "get_text_embedding"),
        "texts": (["A"], "get_text_embedding_batch"),
    }[what]
    if colour == "sync":
        getattr(lowered, name)(given)
    else:
        await getattr(lowered, f"a{name}")(given)
    assert wire.texts == [("query" if what == "query" else "passage") + ": a"]
