"""The demo through LangChain: a BM25 retriever, wrapped in a `RerankRetriever`."""

from __future__ import annotations

import time

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever

from langchain_assisters import AssistersRerank, RerankRetriever

from .answer import Answer, Ask, Setup
from .bm25 import FirstStage
from .metered import Metered


class BM25Retriever(BaseRetriever):
    """LangChain's view of the first stage."""

    first_stage: FirstStage
    candidates: int

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun
    ) -> list[Document]:
        return [
            Document(id=passage.name, page_content=passage.text)
            for passage in self.first_stage.search(query, self.candidates)
        ]


class MeteredRerank(Metered, AssistersRerank):
    """The plugin's class, with the latest ranking at hand."""


def langchain_pipeline(first_stage: FirstStage, setup: Setup) -> Ask:
    """A function that asks one question through LangChain."""
    reranker = MeteredRerank(
        model=setup.model,
        top_n=setup.top_n,
        base_url=setup.base_url,
        long_documents=setup.long_documents,
    )
    retriever = RerankRetriever(
        base_retriever=BM25Retriever(first_stage=first_stage, candidates=setup.candidates),
        reranker=reranker,
    )

    def ask(query: str) -> Answer:
        started = time.perf_counter()
        documents = retriever.invoke(query)
        seconds = time.perf_counter() - started
        results = tuple(
            (str(document.id), float(document.metadata["relevance_score"]))
            for document in documents
        )
        latest = reranker.latest
        return Answer("LangChain", results, seconds, latest.usage, latest.model)

    return ask
