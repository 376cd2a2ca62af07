"""The demo through LlamaIndex: a query engine over a BM25 retriever, with the reranker in it."""

from __future__ import annotations

import time

from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.llms import MockLLM
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.response_synthesizers.no_text import NoText
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode

from llama_index_assisters import AssistersRerank

from .answer import Answer, Ask, Setup
from .bm25 import FirstStage
from .metered import Metered


class BM25Retriever(BaseRetriever):
    """LlamaIndex's view of the first stage."""

    def __init__(self, first_stage: FirstStage, candidates: int) -> None:
        self._first_stage = first_stage
        self._candidates = candidates
        super().__init__()

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return [
            NodeWithScore(node=TextNode(id_=passage.name, text=passage.text))
            for passage in self._first_stage.search(query_bundle.query_str, self._candidates)
        ]


class MeteredRerank(Metered, AssistersRerank):
    """The plugin's class, with the latest ranking at hand."""


def llama_index_pipeline(first_stage: FirstStage, setup: Setup) -> Ask:
    """A function that asks one question through LlamaIndex.

    The engine retrieves and reranks; its LLM is the framework's mock, and no answer is written.
    """
    reranker = MeteredRerank(
        model=setup.model,
        top_n=setup.top_n,
        base_url=setup.base_url,
        long_documents=setup.long_documents,
    )
    engine = RetrieverQueryEngine(
        BM25Retriever(first_stage, setup.candidates),
        # Without a given LLM even a synthesizer that writes nothing looks for OpenAI's.
        response_synthesizer=NoText(llm=MockLLM()),
        node_postprocessors=[reranker],
    )

    def ask(query: str) -> Answer:
        started = time.perf_counter()
        response = engine.query(query)
        seconds = time.perf_counter() - started
        results = tuple((node.node_id, node.get_score()) for node in response.source_nodes)
        latest = reranker.latest
        return Answer("LlamaIndex", results, seconds, latest.usage, latest.model)

    return ask
