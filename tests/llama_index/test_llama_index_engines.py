"""The postprocessor inside LlamaIndex's own engines, tools, workflows and evaluators.

Each answers, sends exactly one rerank, and works with the nodes in the server's order.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

import pytest
from llama_index.core import QueryBundle, VectorStoreIndex
from llama_index.core.agent.workflow import ReActAgent
from llama_index.core.base.llms.types import ChatMessage, MessageRole
from llama_index.core.embeddings import MockEmbedding
from llama_index.core.evaluation import RetrieverEvaluator
from llama_index.core.indices.query.query_transform.base import IdentityQueryTransform
from llama_index.core.llms import MockLLM
from llama_index.core.memory import ChatMemoryBuffer
from llama_index.core.objects import ObjectIndex, ObjectRetriever
from llama_index.core.postprocessor import SimilarityPostprocessor
from llama_index.core.query_engine import (
    CitationQueryEngine,
    RetrieverQueryEngine,
    RouterQueryEngine,
    TransformQueryEngine,
)
from llama_index.core.response_synthesizers import ResponseMode, get_response_synthesizer
from llama_index.core.retrievers import BaseRetriever, RecursiveRetriever
from llama_index.core.schema import IndexNode, MetadataMode, NodeWithScore
from llama_index.core.selectors import LLMSingleSelector
from llama_index.core.tools import FunctionTool, QueryEngineTool, RetrieverTool, ToolMetadata
from llama_index.core.workflow import Context, Event, StartEvent, StopEvent, Workflow, step
from pydantic import PrivateAttr

from assisters_rerank.local import LocalServer
from llama_index_assisters import AssistersRerank

from ..plugins.cases import QUERY, TEXTS

OneRerank = Callable[[], AbstractContextManager[None]]
BestFirst = Callable[..., list[str]]
TOP = 3


class FirstStage(BaseRetriever):
    """All nodes, in the order in which they are kept."""

    def __init__(self, nodes: list[NodeWithScore]) -> None:
        super().__init__()
        self.nodes = nodes

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return self.nodes


def texts_of(nodes: Sequence[NodeWithScore]) -> list[str]:
    return [node.node.get_content(MetadataMode.NONE) for node in nodes]


def assert_in_order(answer: str, texts: Sequence[str]) -> None:
    """The mock model repeats its prompt, so the context's order shows in its answer."""
    places = [answer.index(text) for text in texts]
    assert places == sorted(places)


class Scripted(MockLLM):
    """Says what it is told to, one reply after the other."""

    _replies: Iterator[str] = PrivateAttr()

    def _generate_text(self, length: int) -> str:
        return next(self._replies)


def scripted(*replies: str) -> Scripted:
    model = Scripted(max_tokens=1)
    model._replies = iter(replies)
    return model


@pytest.fixture
def index(nodes: list[NodeWithScore]) -> VectorStoreIndex:
    return VectorStoreIndex([node.node for node in nodes], embed_model=MockEmbedding(embed_dim=4))


@pytest.fixture
def top(postprocessor: AssistersRerank) -> AssistersRerank:
    postprocessor.top_n = TOP
    return postprocessor


@pytest.fixture
def stages(top: AssistersRerank) -> dict[str, Any]:
    """What `as_query_engine` and its like are given."""
    return {"llm": MockLLM(), "similarity_top_k": len(TEXTS), "node_postprocessors": [top]}


async def test_query_engine(
    colour: str,
    index: VectorStoreIndex,
    stages: dict[str, Any],
    best_first: BestFirst,
    one_rerank: OneRerank,
    server: LocalServer,
) -> None:
    expected = best_first()[:TOP]
    engine = index.as_query_engine(**stages)
    with one_rerank():
        answer = engine.query(QUERY) if colour == "sync" else await engine.aquery(QUERY)
    assert sorted(server.requests[-1].documents) == sorted(TEXTS)
    assert server.requests[-1].query == QUERY
    assert texts_of(answer.source_nodes) == expected
    assert_in_order(str(answer), expected)
    assert not [text for text in TEXTS if text in str(answer) and text not in expected]


async def test_streaming_query_engine(
    colour: str,
    index: VectorStoreIndex,
    stages: dict[str, Any],
    best_first: BestFirst,
    one_rerank: OneRerank,
) -> None:
    expected = best_first()[:TOP]
    engine = index.as_query_engine(streaming=True, **stages)
    with one_rerank():
        if colour == "sync":
            answer = engine.query(QUERY)
            said = "".join(answer.response_gen)
        else:
            answer = await engine.aquery(QUERY)
            said = "".join([token async for token in answer.async_response_gen()])
    assert texts_of(answer.source_nodes) == expected
    assert_in_order(said, expected)


def memory(history: list[ChatMessage]) -> ChatMemoryBuffer:
    # The default one keeps a thread with a database, which outlives the test's loop.
    return ChatMemoryBuffer.from_defaults(chat_history=[*history], token_limit=10_000)


@pytest.mark.parametrize("mode", ["context", "condense_plus_context", "condense_question"])
@pytest.mark.parametrize("history", [[], [ChatMessage("Hello.", role=MessageRole.USER)]])
async def test_chat_engines(
    mode: str,
    history: list[ChatMessage],
    colour: str,
    index: VectorStoreIndex,
    stages: dict[str, Any],
    best_first: BestFirst,
    one_rerank: OneRerank,
    server: LocalServer,
) -> None:
    engine = index.as_chat_engine(chat_mode=mode, memory=memory(history), **stages)
    with one_rerank():
        answer = engine.chat(QUERY) if colour == "sync" else await engine.achat(QUERY)
    # Two of them have the model rewrite the question, which the mock model does at length.
    asked = server.requests[-1].query
    assert QUERY in asked
    expected = best_first(asked)[:TOP]
    assert texts_of(answer.source_nodes) == expected
    assert_in_order(str(answer), expected)


@pytest.mark.parametrize("mode", ["context", "condense_plus_context"])
async def test_streaming_chat_engines(
    mode: str,
    colour: str,
    index: VectorStoreIndex,
    stages: dict[str, Any],
    best_first: BestFirst,
    one_rerank: OneRerank,
) -> None:
    expected = best_first()[:TOP]
    engine = index.as_chat_engine(chat_mode=mode, memory=memory([]), **stages)
    with one_rerank():
        if colour == "sync":
            answer = engine.stream_chat(QUERY)
            said = "".join(answer.response_gen)
        else:
            answer = await engine.astream_chat(QUERY)
            said = "".join([token async for token in answer.async_response_gen()])
    assert texts_of(answer.source_nodes) == expected
    assert_in_order(said, expected)


async def test_citation_query_engine(
    colour: str,
    index: VectorStoreIndex,
    stages: dict[str, Any],
    best_first: BestFirst,
    one_rerank: OneRerank,
) -> None:
    expected = best_first()[:TOP]
    engine = CitationQueryEngine.from_args(index, **stages)
    with one_rerank():
        answer = engine.query(QUERY) if colour == "sync" else await engine.aquery(QUERY)
    cited = [f"Source {n}:\n{text}\n" for n, text in enumerate(expected, 1)]
    assert texts_of(answer.source_nodes) == cited
    assert_in_order(str(answer), expected)


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


async def test_router_query_engine(
    colour: str,
    index: VectorStoreIndex,
    stages: dict[str, Any],
    best_first: BestFirst,
    one_rerank: OneRerank,
) -> None:
    expected = best_first()[:TOP]
    tool = QueryEngineTool.from_defaults(index.as_query_engine(**stages), "docs", "The manual.")
    engine = RouterQueryEngine(
        LLMSingleSelector.from_defaults(llm=scripted('[{"choice": 1, "reason": "fits"}]')),
        [tool],
        llm=MockLLM(),
    )
    with one_rerank():
        answer = engine.query(QUERY) if colour == "sync" else await engine.aquery(QUERY)
    assert texts_of(answer.source_nodes) == expected


async def test_transform_query_engine(
    colour: str,
    index: VectorStoreIndex,
    stages: dict[str, Any],
    best_first: BestFirst,
    one_rerank: OneRerank,
) -> None:
    expected = best_first()[:TOP]
    engine = TransformQueryEngine(index.as_query_engine(**stages), IdentityQueryTransform())
    with one_rerank():
        answer = engine.query(QUERY) if colour == "sync" else await engine.aquery(QUERY)
    assert texts_of(answer.source_nodes) == expected


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


async def test_retriever_tool(
    colour: str,
    nodes: list[NodeWithScore],
    top: AssistersRerank,
    best_first: BestFirst,
    one_rerank: OneRerank,
) -> None:
    tool = RetrieverTool(
        FirstStage(nodes), ToolMetadata("The manual.", "search"), node_postprocessors=[top]
    )
    expected = best_first(f"query is {QUERY}\n")[:TOP]
    with one_rerank():
        if colour == "sync":
            output = tool.call(query=QUERY)
        else:
            output = await tool.acall(query=QUERY)
    assert "\n\n".join(expected) in output.content
    assert texts_of(output.raw_output) == expected


@pytest.mark.filterwarnings("ignore::DeprecationWarning:inspect")  # of the agent's own fields
@pytest.mark.filterwarnings("ignore::DeprecationWarning:llama_index")
async def test_an_agent_with_a_query_engine_as_its_tool(
    index: VectorStoreIndex, stages: dict[str, Any], best_first: BestFirst, one_rerank: OneRerank
) -> None:
    expected = best_first()[:TOP]
    tool = QueryEngineTool.from_defaults(index.as_query_engine(**stages), "search", "The manual.")
    agent = ReActAgent(
        tools=[tool],
        llm=scripted(
            f'Thought: I search.\nAction: search\nAction Input: {{"input": "{QUERY}"}}',
            "Thought: I can answer.\nAnswer: Run it.",
        ),
        streaming=False,
    )
    with one_rerank():
        answer = await agent.run("How?")
    [call] = answer.tool_calls
    assert str(answer) == "Run it."
    assert texts_of(call.tool_output.raw_output.source_nodes) == expected


class Retrieved(Event):
    nodes: list[NodeWithScore]


class Searching(Workflow):
    """Retrieves, reranks, answers."""

    def __init__(self, retriever: BaseRetriever, rerank: AssistersRerank) -> None:
        super().__init__(timeout=20)
        self.retriever, self.rerank = retriever, rerank

    @step
    async def retrieve(self, ctx: Context, start: StartEvent) -> Retrieved:
        await ctx.store.set("query", start.query)
        return Retrieved(nodes=await self.retriever.aretrieve(start.query))

    @step
    async def answer(self, ctx: Context, retrieved: Retrieved) -> StopEvent:
        query = await ctx.store.get("query")
        nodes = await self.rerank.apostprocess_nodes(retrieved.nodes, query_str=query)
        return StopEvent(result=nodes)


async def test_a_workflow_with_a_rerank_step(
    nodes: list[NodeWithScore], top: AssistersRerank, best_first: BestFirst, one_rerank: OneRerank
) -> None:
    expected = best_first()[:TOP]
    with one_rerank():
        found = await Searching(FirstStage(nodes), top).run(query=QUERY)
    assert texts_of(found) == expected


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
        assert tool.metadata.description in sent


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
