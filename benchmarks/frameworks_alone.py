"""The least that each framework costs: its own traces, events and copies around bare httpx."""

from __future__ import annotations

from collections.abc import Callable

import httpx
from langchain_core.callbacks import CallbackManager
from langchain_core.documents import Document
from llama_index.core.instrumentation.events.rerank import ReRankEndEvent, ReRankStartEvent
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.schema import MetadataMode, NodeWithScore, QueryBundle
from llama_index_instrumentation import get_dispatcher
from pydantic import PrivateAttr

from benchmarks.faces import nodes_of, scores_of
from benchmarks.texts import QUERY

dispatcher = get_dispatcher(__name__)


def frameworks_alone(base_url: str, texts: list[str]) -> dict[str, Callable[[], object]]:
    """One unchecked class for each framework; what ours cost beyond it is ours."""
    client = httpx.Client()
    documents = [Document(page_content=text, metadata={"source": "a"}) for text in texts]
    nodes = nodes_of(texts)
    postprocessor = _Postprocessor()
    postprocessor._base_url, postprocessor._client = base_url, client
    return {
        "LangChain alone": lambda: _compress(client, base_url, documents),
        "LlamaIndex alone": lambda: postprocessor.postprocess_nodes(nodes, query_str=QUERY),
    }


def _compress(client: httpx.Client, base_url: str, documents: list[Document]) -> list[Document]:
    manager = CallbackManager.configure(inheritable_metadata={"model": "m"})
    run = manager.on_retriever_start(None, QUERY, name="rerank")
    scores = scores_of(client, base_url, [document.page_content for document in documents])
    ranked = [
        documents[index].model_copy(
            update={"metadata": {**documents[index].metadata, "relevance_score": score}}
        )
        for index, score in scores
    ]
    run.on_retriever_end(ranked)
    return ranked


class _Postprocessor(BaseNodePostprocessor):
    _base_url: str = PrivateAttr()
    _client: httpx.Client = PrivateAttr()

    def _postprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        dispatcher.event(ReRankStartEvent(query=QUERY, nodes=nodes, top_n=1, model_name="m"))
        texts = [node.node.get_content(MetadataMode.EMBED) for node in nodes]
        ranked = [
            NodeWithScore(node=nodes[index].node, score=score)
            for index, score in scores_of(self._client, self._base_url, texts)
        ]
        dispatcher.event(ReRankEndEvent(nodes=ranked))
        return ranked
