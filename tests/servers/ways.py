"""The six ways of asking one server: core, LangChain and LlamaIndex, sync and async."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from langchain_core.documents import Document
from llama_index.core.schema import NodeWithScore, TextNode

import langchain_assisters
import llama_index_assisters
from assisters_rerank import Reranker

Way = Callable[[str, list[str], dict[str, Any]], list[int]]


def _core(query: str, texts: list[str], options: dict[str, Any]) -> list[int]:
    with Reranker(**options) as reranker:
        return [ranked.index for ranked in reranker.rerank(query, texts)]


def _acore(query: str, texts: list[str], options: dict[str, Any]) -> list[int]:
    async def main() -> list[int]:
        async with Reranker(**options) as reranker:
            return [ranked.index for ranked in await reranker.arerank(query, texts)]

    return asyncio.run(main())


def _langchain(query: str, texts: list[str], options: dict[str, Any]) -> list[int]:
    documents = [Document(text, metadata={"place": i}) for i, text in enumerate(texts)]
    with langchain_assisters.AssistersRerank(**options) as compressor:
        found = compressor.compress_documents(documents, query)
    return [document.metadata["place"] for document in found]


def _alangchain(query: str, texts: list[str], options: dict[str, Any]) -> list[int]:
    async def main() -> list[int]:
        documents = [Document(text, metadata={"place": i}) for i, text in enumerate(texts)]
        async with langchain_assisters.AssistersRerank(**options) as compressor:
            found = await compressor.acompress_documents(documents, query)
        return [document.metadata["place"] for document in found]

    return asyncio.run(main())


def _nodes(texts: list[str]) -> list[NodeWithScore]:
    return [NodeWithScore(node=TextNode(text=text, id_=str(i))) for i, text in enumerate(texts)]


def _llama_index(query: str, texts: list[str], options: dict[str, Any]) -> list[int]:
    with llama_index_assisters.AssistersRerank(**options) as postprocessor:
        found = postprocessor.postprocess_nodes(_nodes(texts), query_str=query)
    return [int(node.node.node_id) for node in found]


def _allama_index(query: str, texts: list[str], options: dict[str, Any]) -> list[int]:
    async def main() -> list[int]:
        async with llama_index_assisters.AssistersRerank(**options) as postprocessor:
            found = await postprocessor.apostprocess_nodes(_nodes(texts), query_str=query)
        return [int(node.node.node_id) for node in found]

    return asyncio.run(main())


WAYS: dict[str, Way] = {
    "core": _core,
    "core-async": _acore,
    "langchain": _langchain,
    "langchain-async": _alangchain,
    "llama-index": _llama_index,
    "llama-index-async": _allama_index,
}
