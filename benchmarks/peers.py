"""Other rerankers against the same server, next to ours: `python -m benchmarks.peers`.

Needs, besides the extra `all`: langchain-community, llama-index-postprocessor-jinaai-rerank,
llama-index-postprocessor-cohere-rerank and assisters.
"""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Awaitable, Callable
from importlib import import_module
from importlib.metadata import version
from typing import Any

from langchain_core.documents import Document

from benchmarks.concurrency import CALLS, LATENCY
from benchmarks.faces import async_faces, bare, nodes_of, sync_faces
from benchmarks.measure import ratios, seconds_of
from benchmarks.server import serving
from benchmarks.texts import QUERY, texts_of

PEERS = (
    "langchain-community",
    "llama-index-postprocessor-jinaai-rerank",
    "llama-index-postprocessor-cohere-rerank",
    "assisters",
)


def main() -> None:
    """Prints one table: a call of 10 and of 100 documents, and 32 async calls at once."""
    print("Peers:", *(f"{name} {version(name)}," for name in PEERS))
    rows: dict[str, list[str]] = {}
    with serving() as base_url:
        for count in (10, 100):
            texts = texts_of(count)
            calls = sync_faces(base_url, texts) | _sync_peers(base_url, texts)
            for name, ratio in ratios(bare(base_url, texts), calls, 200).items():
                rows.setdefault(name, []).append(f"{ratio:.2f}")
    with serving(seconds=LATENCY) as base_url:
        texts = texts_of(10)
        for name, call in (async_faces(base_url, texts) | _async_peers(base_url, texts)).items():
            rows[name].append(f"{asyncio.run(_at_once(call)) / LATENCY:.2f}")
    print("| reranker | 10 documents | 100 documents | 32 async calls, warm |\n|---|---|---|---|")
    for name, row in rows.items():
        print(f"| {name} | {' | '.join(row + ['no async'] * (3 - len(row)))} |")


def _sync_peers(base_url: str, texts: list[str]) -> dict[str, Callable[[], object]]:
    jina, index_jina, index_cohere, sdk = _peers(base_url)
    documents = [Document(page_content=text, metadata={"source": "a"}) for text in texts]
    nodes = nodes_of(texts)
    return {
        "JinaRerank (LangChain)": lambda: jina.compress_documents(documents, QUERY),
        "JinaRerank (LlamaIndex)": lambda: index_jina.postprocess_nodes(nodes, query_str=QUERY),
        "CohereRerank (LlamaIndex)": lambda: index_cohere.postprocess_nodes(nodes, query_str=QUERY),
        "assisters SDK": lambda: sdk.rerank(model="m", query=QUERY, documents=texts),
    }


def _async_peers(base_url: str, texts: list[str]) -> dict[str, Callable[[], Awaitable[object]]]:
    jina, index_jina, index_cohere, _ = _peers(base_url)
    documents = [Document(page_content=text, metadata={"source": "a"}) for text in texts]
    nodes = nodes_of(texts)
    return {
        "JinaRerank (LangChain)": lambda: jina.acompress_documents(documents, QUERY),
        "JinaRerank (LlamaIndex)": lambda: index_jina.apostprocess_nodes(nodes, query_str=QUERY),
        "CohereRerank (LlamaIndex)": lambda: index_cohere.apostprocess_nodes(
            nodes, query_str=QUERY
        ),
    }


def _peers(base_url: str) -> tuple[Any, Any, Any, Any]:
    community = import_module("langchain_community.document_compressors.jina_rerank")
    vars(community)["JINA_API_URL"] = f"{base_url}/rerank"  # it offers no other way
    jina = import_module("llama_index.postprocessor.jinaai_rerank")
    cohere = import_module("llama_index.postprocessor.cohere_rerank")
    sdk = import_module("assisters")
    client = getattr(sdk, "Assisters", None) or sdk.AssistersClient
    return (
        community.JinaRerank(jina_api_key="key", top_n=None),
        jina.JinaRerank(top_n=1000, base_url=base_url, api_key="key"),
        cohere.CohereRerank(top_n=1000, base_url=base_url.removesuffix("/v1"), api_key="key"),
        client(api_key="key", base_url=base_url),
    )


async def _at_once(call: Callable[[], Awaitable[object]]) -> float:
    async def together() -> None:
        await asyncio.gather(*(call() for _ in range(CALLS)))

    await together()
    return statistics.median([await seconds_of(together) for _ in range(5)])


if __name__ == "__main__":
    main()
