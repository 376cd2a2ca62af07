"""The three faces of the reranker on the same documents, and the bare call next to them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import httpx
from langchain_core.documents import Document
from llama_index.core.schema import NodeWithScore, TextNode

from assisters_rerank import Reranker
from benchmarks.texts import QUERY
from langchain_assisters import AssistersRerank as LangChainRerank
from llama_index_assisters import AssistersRerank as LlamaIndexRerank

HEADERS = {"Authorization": "Bearer ask_bench"}


def bare(base_url: str, texts: list[str]) -> Callable[[], object]:
    """What one would write by hand: httpx, JSON, the status looked at, nothing else checked."""
    client = httpx.Client(headers=HEADERS)
    return lambda: [(texts[place], score) for place, score in scores_of(client, base_url, texts)]


def scores_of(client: httpx.Client, base_url: str, texts: Sequence[str]) -> list[tuple[int, float]]:
    """The bare call: (index, score) as they came."""
    return _scores(client.post(f"{base_url}/rerank", json=_content(texts)))


def abare(base_url: str, texts: list[str]) -> Callable[[], Awaitable[object]]:
    """`bare`, awaited."""
    client = httpx.AsyncClient(headers=HEADERS)

    async def call() -> object:
        scores = _scores(await client.post(f"{base_url}/rerank", json=_content(texts)))
        return [(texts[place], score) for place, score in scores]

    return call


def _content(texts: Sequence[str]) -> dict[str, object]:
    return {
        "model": "bge-reranker-v2",
        "query": QUERY,
        "documents": texts,
        "return_documents": False,
    }


def _scores(response: httpx.Response) -> list[tuple[int, float]]:
    response.raise_for_status()
    return [(result["index"], result["relevance_score"]) for result in response.json()["results"]]


def sync_faces(base_url: str, texts: list[str]) -> dict[str, Callable[[], object]]:
    """Reranker, LangChain and LlamaIndex, blocking."""
    plain = Reranker(base_url=base_url, api_key="ask_bench")
    langchain = LangChainRerank(base_url=base_url, api_key="ask_bench")
    llama_index = LlamaIndexRerank(base_url=base_url, api_key="ask_bench")
    documents = [Document(page_content=text, metadata={"source": "a"}) for text in texts]
    nodes = nodes_of(texts)
    return {
        "Reranker": lambda: plain.rerank(QUERY, texts),
        "LangChain": lambda: langchain.compress_documents(documents, QUERY),
        "LlamaIndex": lambda: llama_index.postprocess_nodes(nodes, query_str=QUERY),
    }


def async_faces(base_url: str, texts: list[str]) -> dict[str, Callable[[], Awaitable[object]]]:
    """The same, awaited; new rerankers at each call, so that the first use is cold."""
    plain = Reranker(base_url=base_url, api_key="ask_bench")
    langchain = LangChainRerank(base_url=base_url, api_key="ask_bench")
    llama_index = LlamaIndexRerank(base_url=base_url, api_key="ask_bench")
    documents = [Document(page_content=text, metadata={"source": "a"}) for text in texts]
    nodes = nodes_of(texts)
    return {
        "Reranker": lambda: plain.arerank(QUERY, texts),
        "LangChain": lambda: langchain.acompress_documents(documents, QUERY),
        "LlamaIndex": lambda: llama_index.apostprocess_nodes(nodes, query_str=QUERY),
    }


def nodes_of(texts: list[str]) -> list[NodeWithScore]:
    """LlamaIndex nodes with two metadata keys."""
    metadata = {"file_name": "a.md", "page": "1"}
    return [NodeWithScore(node=TextNode(text=t, metadata=dict(metadata)), score=0.5) for t in texts]
