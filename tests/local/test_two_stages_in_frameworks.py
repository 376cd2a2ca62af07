"""Two-stage retrieval through each framework's own objects, from its vector store to the rerank."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from langchain_core.documents import Document
from langchain_core.vectorstores import InMemoryVectorStore
from llama_index.core import VectorStoreIndex
from llama_index.core.schema import TextNode

from assisters_rerank.local import LocalServer
from langchain_assisters import AssistersEmbeddings, RerankRetriever
from langchain_assisters import AssistersRerank as LangChainRerank
from llama_index_assisters import AssistersEmbedding
from llama_index_assisters import AssistersRerank as LlamaIndexRerank

from . import beir, remembered

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("collections"),
    pytest.mark.skipif(not beir.FOLDER.is_dir(), reason=f"needs the collections in {beir.FOLDER}"),
]

Search = Callable[[str], Sequence[str]]
"""Ids for a question, the best first."""


def in_langchain(base_url: str, documents: dict[str, str]) -> tuple[Search, Search]:
    store = InMemoryVectorStore(AssistersEmbeddings(base_url=base_url))
    store.add_documents([Document(id=key, page_content=text) for key, text in documents.items()])
    first = store.as_retriever(search_kwargs={"k": 100})
    both = RerankRetriever(
        base_retriever=first, reranker=LangChainRerank(base_url=base_url), top_n=10
    )
    return (
        lambda question: [str(found.id) for found in first.invoke(question)],
        lambda question: [str(found.id) for found in both.invoke(question)],
    )


def in_llama_index(base_url: str, documents: dict[str, str]) -> tuple[Search, Search]:
    nodes = [TextNode(id_=key, text=text) for key, text in documents.items()]
    index = VectorStoreIndex(nodes, embed_model=AssistersEmbedding(base_url=base_url))
    first = index.as_retriever(similarity_top_k=100)
    reranker = LlamaIndexRerank(base_url=base_url, top_n=10)

    def both(question: str) -> list[str]:
        nodes = reranker.postprocess_nodes(first.retrieve(question), query_str=question)
        return [node.node_id for node in nodes]

    return lambda question: [node.node_id for node in first.retrieve(question)], both


def measured(name: str, frame: Callable[..., tuple[Search, Search]]) -> tuple[float, float]:
    """nDCG@10 of the vectors alone, and of their first hundred reranked."""
    collection = remembered.collection(name)
    documents = {key: text for key, text in collection.documents.items() if text.strip()}
    with LocalServer(scorer=remembered.scorer("embedded")) as server:
        searches = frame(server.base_url, documents)
        return tuple(  # type: ignore[return-value]
            sum(
                beir.ndcg_at_10(search(question), collection.relevant[query])
                for query, question in collection.queries.items()
            )
            / len(collection.queries)
            for search in searches
        )


@pytest.mark.parametrize("frame", [in_langchain, in_llama_index])
def test_the_second_stage_is_better_than_the_first_alone(
    frame: Callable[..., tuple[Search, Search]],
) -> None:
    alone, reranked = measured("cranfield", frame)
    assert alone == pytest.approx(0.431, abs=0.005)
    assert reranked == pytest.approx(0.510, abs=0.005)
