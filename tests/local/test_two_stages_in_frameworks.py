"""Two-stage retrieval through each framework's own objects, from its vector store to the rerank."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import mean

import pytest
from langchain_core.documents import Document
from langchain_core.runnables import RunnableLambda
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

Search = Callable[[str], tuple[Sequence[str], Sequence[str]]]
"""Ids for a question, the best first: of the vectors alone, and of their first hundred reranked."""


def in_langchain(base_url: str, documents: dict[str, str]) -> Search:
    store = InMemoryVectorStore(AssistersEmbeddings(base_url=base_url))
    store.add_documents([Document(id=key, page_content=text) for key, text in documents.items()])
    found: list[Sequence[str]] = []

    def note(documents: list[Document]) -> list[Document]:
        found[:] = [[str(document.id) for document in documents]]
        return documents

    both = RerankRetriever(
        base_retriever=store.as_retriever(search_kwargs={"k": 100}) | RunnableLambda(note),
        reranker=LangChainRerank(base_url=base_url),
        top_n=10,
    )

    def search(question: str) -> tuple[Sequence[str], Sequence[str]]:
        reranked = [str(document.id) for document in both.invoke(question)]
        return found[0], reranked

    return search


def in_llama_index(base_url: str, documents: dict[str, str]) -> Search:
    nodes = [TextNode(id_=key, text=text) for key, text in documents.items()]
    index = VectorStoreIndex(nodes, embed_model=AssistersEmbedding(base_url=base_url))
    first = index.as_retriever(similarity_top_k=100)
    reranker = LlamaIndexRerank(base_url=base_url, top_n=10)

    def search(question: str) -> tuple[Sequence[str], Sequence[str]]:
        found = first.retrieve(question)
        alone = [node.node_id for node in found]
        return alone, [
            node.node_id for node in reranker.postprocess_nodes(found, query_str=question)
        ]

    return search


def measured(name: str, frame: Callable[..., Search]) -> tuple[float, float]:
    """nDCG@10 of the vectors alone, and of their first hundred reranked."""
    collection = remembered.collection(name)
    documents = {key: text for key, text in collection.documents.items() if text.strip()}
    alone, reranked = [], []
    with LocalServer(scorer=remembered.scorer("embedded")) as server:
        search = frame(server.base_url, documents)
        for query, question in collection.queries.items():
            for ids, reached in zip(search(question), (alone, reranked), strict=True):
                reached.append(beir.ndcg_at_10(ids, collection.relevant[query]))
    return mean(alone), mean(reranked)


@pytest.mark.parametrize("frame", [in_langchain, in_llama_index])
def test_the_second_stage_is_better_than_the_first_alone(
    frame: Callable[..., Search],
) -> None:
    alone, reranked = measured("cranfield", frame)
    assert alone == pytest.approx(0.431, abs=0.005)
    assert reranked == pytest.approx(0.510, abs=0.005)
