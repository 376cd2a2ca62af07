"""The postprocessor behind LlamaIndex's own retrievers, and beside other postprocessors.

Each retrieval sends exactly one rerank, and hands on the nodes in the server's order.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from llama_index.core import Document, QueryBundle, StorageContext, VectorStoreIndex
from llama_index.core.embeddings import MockEmbedding
from llama_index.core.evaluation import RetrieverEvaluator
from llama_index.core.llms import MockLLM
from llama_index.core.node_parser import SentenceWindowNodeParser
from llama_index.core.objects import ObjectIndex, ObjectRetriever
from llama_index.core.postprocessor import (
    MetadataReplacementPostProcessor,
    SimilarityPostprocessor,
)
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.response_synthesizers import ResponseMode, get_response_synthesizer
from llama_index.core.retrievers import (
    AutoMergingRetriever,
    QueryFusionRetriever,
    RecursiveRetriever,
)
from llama_index.core.retrievers.fusion_retriever import FUSION_MODES
from llama_index.core.schema import (
    IndexNode,
    NodeRelationship,
    NodeWithScore,
    RelatedNodeInfo,
    TextNode,
)
from llama_index.core.tools import FunctionTool

from assisters_rerank.local import LocalServer
from assisters_rerank.plugins import Content
from llama_index_assisters import AssistersRerank

from ..plugins.cases import QUERY, TEXTS
from ..plugins.long import without_filler
from .doubles import TOP, FirstStage, scripted, texts_of

OneRerank = Callable[[], AbstractContextManager[None]]
BestFirst = Callable[..., list[str]]


@pytest.fixture
def content(contents: Content) -> Content:
    """Every test of this module runs with whole nodes and with their passages."""
    return contents


async def test_retriever_query_engine_retrieves_reranked(
    colour: str,
    nodes: list[NodeWithScore],
    top: AssistersRerank,
    best_first: BestFirst,
    one_rerank: OneRerank,
) -> None:
    expected = best_first()[:TOP]
    engine = RetrieverQueryEngine.from_args(
        FirstStage(nodes), llm=MockLLM(), node_postprocessors=[top]
    )
    bundle = QueryBundle(QUERY)
    with one_rerank():
        found = engine.retrieve(bundle) if colour == "sync" else await engine.aretrieve(bundle)
    assert texts_of(found) == expected


async def test_after_another_postprocessor(
    colour: str, nodes: list[NodeWithScore], top: AssistersRerank, one_rerank: OneRerank
) -> None:
    engine = RetrieverQueryEngine(
        FirstStage(nodes),
        get_response_synthesizer(MockLLM(), response_mode=ResponseMode.COMPACT),
        node_postprocessors=[SimilarityPostprocessor(similarity_cutoff=0.55), top],
    )
    with one_rerank():
        answer = engine.query(QUERY) if colour == "sync" else await engine.aquery(QUERY)
    assert len(answer.source_nodes) == TOP
    assert set(texts_of(answer.source_nodes)) < set(TEXTS[:5])


async def test_recursive_retriever_before_it(
    colour: str,
    nodes: list[NodeWithScore],
    top: AssistersRerank,
    best_first: BestFirst,
    one_rerank: OneRerank,
) -> None:
    expected = best_first()[:TOP]
    link = NodeWithScore(node=IndexNode(text="the manual", index_id="manual"), score=1.0)
    retriever = RecursiveRetriever(
        "root", {"root": FirstStage([link]), "manual": FirstStage(nodes)}
    )
    engine = RetrieverQueryEngine.from_args(retriever, llm=MockLLM(), node_postprocessors=[top])
    with one_rerank():
        answer = engine.query(QUERY) if colour == "sync" else await engine.aquery(QUERY)
    assert texts_of(answer.source_nodes) == expected


async def test_query_fusion_retriever_before_it(
    colour: str,
    nodes: list[NodeWithScore],
    top: AssistersRerank,
    best_first: BestFirst,
    one_rerank: OneRerank,
    server: LocalServer,
) -> None:
    """Three queries go to both retrievers; only what is left of that is reranked, once."""
    expected = best_first()[:TOP]
    retriever = QueryFusionRetriever(
        [FirstStage(nodes[:5]), FirstStage(nodes[3:])],
        llm=scripted("How do I start a process?\nWhat is a pipe?"),
        mode=FUSION_MODES.RECIPROCAL_RANK,
        num_queries=3,
        similarity_top_k=len(TEXTS),
    )
    engine = RetrieverQueryEngine.from_args(retriever, llm=MockLLM(), node_postprocessors=[top])
    with one_rerank():
        answer = engine.query(QUERY) if colour == "sync" else await engine.aquery(QUERY)
    assert server.requests[-1].query == QUERY
    assert sorted(without_filler(server.requests[-1].documents)) == sorted(TEXTS)
    assert texts_of(answer.source_nodes) == expected


async def test_auto_merging_retriever_before_it(
    colour: str, top: AssistersRerank, best_first: BestFirst, one_rerank: OneRerank
) -> None:
    """Of the first page one part of three is found, of the others all: these come back whole."""
    pages = [[*TEXTS[:1], "Unused.", "Unread."], TEXTS[1:3], TEXTS[3:5], TEXTS[5:]]
    storage, parts = StorageContext.from_defaults(), []
    for page in pages:
        parent = TextNode(text=" ".join(page))
        above = {NodeRelationship.PARENT: RelatedNodeInfo(node_id=parent.node_id)}
        children = [TextNode(text=text, relationships=above) for text in page]
        below = [RelatedNodeInfo(node_id=child.node_id) for child in children]
        parent.relationships[NodeRelationship.CHILD] = below
        storage.docstore.add_documents([parent])
        parts += [child for child in children if child.text in TEXTS]
    index = VectorStoreIndex(parts, embed_model=MockEmbedding(embed_dim=4))
    retriever = index.as_retriever(similarity_top_k=len(parts))
    merging = AutoMergingRetriever(retriever, storage)
    engine = RetrieverQueryEngine.from_args(merging, llm=MockLLM(), node_postprocessors=[top])
    expected = best_first(QUERY, [TEXTS[0], *(" ".join(page) for page in pages[1:])])[:TOP]
    with one_rerank():
        answer = engine.query(QUERY) if colour == "sync" else await engine.aquery(QUERY)
    assert texts_of(answer.source_nodes) == expected


@pytest.mark.parametrize("replaced", ["before", "after"])
async def test_sentence_windows_replaced_before_or_after_it(
    replaced: str,
    colour: str,
    content: Content,
    top: AssistersRerank,
    best_first: BestFirst,
    one_rerank: OneRerank,
    server: LocalServer,
) -> None:
    parser = SentenceWindowNodeParser.from_defaults(lambda _: list(TEXTS), window_size=1)
    sentences = parser.get_nodes_from_documents([Document(text=" ".join(TEXTS))])
    windows = {node.get_content(): str(node.metadata["window"]) for node in sentences}
    replacing = MetadataReplacementPostProcessor("window")
    engine = VectorStoreIndex(sentences, embed_model=MockEmbedding(embed_dim=4)).as_query_engine(
        llm=MockLLM(),
        similarity_top_k=len(TEXTS),
        node_postprocessors=[replacing, top] if replaced == "before" else [top, replacing],
    )
    if replaced == "before":
        sent = list(windows.values())
        expected = best_first(QUERY, sent)[:TOP]
    else:
        sent = list(TEXTS)
        expected = [windows[sentence] for sentence in best_first()[:TOP]]
    with one_rerank():
        answer = engine.query(QUERY) if colour == "sync" else await engine.aquery(QUERY)
    if content == "document" or replaced == "after":  # else the windows are split
        assert sorted(without_filler(server.requests[-1].documents)) == sorted(sent)
    assert texts_of(answer.source_nodes) == expected


def function(text: str) -> FunctionTool:
    return FunctionTool.from_defaults(lambda: text, name=f"f{TEXTS.index(text)}", description=text)


async def test_object_retriever_calls_sync_inside_a_running_loop(
    colour: str,
    top: AssistersRerank,
    one_rerank: OneRerank,
    best_first: BestFirst,
    server: LocalServer,
) -> None:
    objects = ObjectIndex.from_objects(
        [function(text) for text in TEXTS], embed_model=MockEmbedding(embed_dim=4)
    )
    retriever: ObjectRetriever[Any] = objects.as_retriever(
        similarity_top_k=len(TEXTS), node_postprocessors=[top]
    )
    with one_rerank():
        found = retriever.retrieve(QUERY) if colour == "sync" else await retriever.aretrieve(QUERY)
    expected = best_first(QUERY, server.requests[-1].documents)[:TOP]
    assert len(found) == TOP
    for tool, sent in zip(found, expected, strict=True):
        assert tool.metadata.description[:40] in sent


async def test_retriever_evaluator(
    nodes: list[NodeWithScore], top: AssistersRerank, best_first: BestFirst, one_rerank: OneRerank
) -> None:
    expected = [f"node-{TEXTS.index(text)}" for text in best_first()[:TOP]]
    evaluator = RetrieverEvaluator.from_metric_names(
        ["mrr", "hit_rate"], retriever=FirstStage(nodes), node_postprocessors=[top]
    )
    with one_rerank():
        result = await evaluator.aevaluate(QUERY, expected_ids=[expected[1]])
    assert result.retrieved_ids == expected
    assert result.metric_vals_dict == {"mrr": 0.5, "hit_rate": 1.0}
    with one_rerank():
        again = await asyncio.to_thread(evaluator.evaluate, QUERY, [expected[1]])
    assert again.retrieved_ids == expected
