"""What users write. Never run: it only has to type-check, with mypy --strict and pyright."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_type

import httpx
from langchain_core.documents import BaseDocumentCompressor, Document
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import Runnable
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.schema import MetadataMode, NodeWithScore

from assisters_rerank import (
    AssistersError,
    RankedDocument,
    Ranking,
    RateLimitError,
    Reranker,
    StatusError,
    arerank,
    rerank,
)
from assisters_rerank.local import LocalServer
from langchain_assisters import AssistersRerank, RerankInput, RerankRetriever
from llama_index_assisters import AssistersRerank as LlamaIndexRerank


def plain() -> None:
    reranker = Reranker(
        model="jina-reranker",
        top_n=5,
        score_threshold=0.5,
        timeout=10,
        on_error="passthrough",
        http_client=httpx.Client(),
    )
    ranking = reranker.rerank("q", ["a", {"text": "b", "id": 1}], top_n=None, score_threshold=None)
    assert_type(ranking, Ranking)
    assert_type(ranking[0], RankedDocument)
    assert_type(ranking[:2], tuple[RankedDocument, ...])
    assert_type([r.document.text for r in ranking], list[str])
    assert_type(ranking[0].relevance_score, float | None)
    good = [r for r in ranking if r.relevance_score is not None and r.relevance_score > 0.7]
    assert_type(good, list[RankedDocument])
    assert_type(ranking.usage.total_tokens, int | None)
    assert_type(rerank(model="m", query="q", documents=["a"], top_n=2), Ranking)
    reranker.top_n = 3
    with reranker as same:
        assert_type(same, Reranker)
    assert_type(reranker.model_copy(update={"top_n": 1}), Reranker)


async def asynchronous() -> None:
    async with Reranker(api_key="ask_key") as reranker:
        assert_type(await reranker.arerank("q", ["a"]), Ranking)
    assert_type(await arerank("q", ["a"]), Ranking)


def errors() -> None:
    try:
        rerank("q", ["a"])
    except RateLimitError as error:
        assert_type(error.retry_after, float | None)
    except StatusError as error:
        assert_type(error.status, int)
    except AssistersError as error:
        assert_type(error.transient, bool)


def mistakes() -> None:
    # Each of these has to be refused; the checkers complain of an ignore that hides nothing.
    Reranker(top_k=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Reranker(top_n="three")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Reranker(on_error="ignore")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    AssistersRerank(top_k=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    LlamaIndexRerank(top_k=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def langchain(base: BaseRetriever, documents: Sequence[Document]) -> None:
    compressor = AssistersRerank(
        top_n=3, text=lambda document: f"{document.metadata['title']}\n{document.page_content}"
    )
    as_compressor: BaseDocumentCompressor = compressor
    as_runnable: Runnable[RerankInput, list[Document]] = compressor
    assert_type(compressor.compress_documents(documents, "q"), list[Document])
    assert_type(as_runnable.invoke({"query": "q", "documents": documents}), list[Document])
    retriever = RerankRetriever(base_retriever=base, reranker=compressor, top_n=3)
    as_retriever: BaseRetriever = retriever
    assert_type(retriever.invoke("q", top_n=1), list[Document])
    del as_compressor, as_retriever


def llama_index(nodes: list[NodeWithScore]) -> None:
    postprocessor = LlamaIndexRerank(
        top_n=3, metadata_mode=MetadataMode.NONE, keep_retrieval_score=True
    )
    as_postprocessor: BaseNodePostprocessor = postprocessor
    assert_type(as_postprocessor.postprocess_nodes(nodes, query_str="q"), list[NodeWithScore])


def local() -> None:
    with LocalServer() as server:
        assert_type(server.base_url, str)
