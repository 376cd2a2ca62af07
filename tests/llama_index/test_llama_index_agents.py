"""The postprocessor inside LlamaIndex's tools, agents and workflows.

Each sends exactly one rerank, and works with the nodes in the server's order.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from llama_index.core import VectorStoreIndex
from llama_index.core.agent.workflow import ReActAgent
from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import NodeWithScore
from llama_index.core.tools import QueryEngineTool, RetrieverTool, ToolMetadata
from llama_index.core.workflow import Context, Event, StartEvent, StopEvent, Workflow, step

from assisters_rerank.plugins import Content
from llama_index_assisters import AssistersRerank

from ..plugins.cases import QUERY
from .doubles import TOP, FirstStage, scripted, texts_of

OneRerank = Callable[[], AbstractContextManager[None]]
BestFirst = Callable[..., list[str]]


@pytest.fixture
def content(contents: Content) -> Content:
    """Every test of this module runs with whole nodes and with their passages."""
    return contents


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
