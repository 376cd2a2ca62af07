"""An agent's tools, and query engines as tools, chosen by the postprocessor in an ObjectRetriever.

All through LlamaIndex's own classes; the model only notes which tools it was offered.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from llama_index.core import SummaryIndex, VectorStoreIndex
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.base.llms.types import ChatMessage, MessageRole, ToolCallBlock
from llama_index.core.llms import MockFunctionCallingLLM, MockLLM
from llama_index.core.objects import ObjectIndex, ObjectRetriever
from llama_index.core.query_engine import ToolRetrieverRouterQueryEngine
from llama_index.core.schema import QueryBundle
from llama_index.core.tools import BaseTool, FunctionTool, QueryEngineTool

from assisters_rerank import MemoryCache
from assisters_rerank.local import LocalServer
from llama_index_assisters import AssistersEmbedding, AssistersRerank

from ..plugins.cases import KEY
from ..plugins.many_tools import QUESTIONS, TOOLS, without_a_shared_word

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning:inspect"),  # of the agent's own fields
    pytest.mark.filterwarnings("ignore::DeprecationWarning:llama_index"),
]


def made(name: str, description: str) -> FunctionTool:
    def called(text: str = "") -> str:
        return f"{name} was called"

    return FunctionTool.from_defaults(called, name=name, description=description)


ALL = [made(name, description) for name, description in TOOLS.items()]


class ToolRetriever(ObjectRetriever[BaseTool]):
    """As in docs/llama-index.md: LlamaIndex's own calls the sync method on the event loop."""

    async def aretrieve(self, str_or_query_bundle: str | QueryBundle) -> list[BaseTool]:
        query = str_or_query_bundle
        bundle = QueryBundle(query) if isinstance(query, str) else query
        nodes = await self.retriever.aretrieve(bundle)
        called = [each for each in nodes if each.node.metadata["name"] == bundle.query_str]
        for postprocessor in [] if called else self.node_postprocessors:
            nodes = await postprocessor.apostprocess_nodes(nodes, query_bundle=bundle)
        return [self.object_node_mapping.from_node(each.node) for each in called or nodes]


def agent_of(
    retriever: ObjectRetriever[Any], call: str, **arguments: str
) -> tuple[FunctionAgent, list[list[str]]]:
    """An agent whose model calls one tool and repeats what it said; what its model was offered."""
    offered: list[list[str]] = []

    class Model(MockFunctionCallingLLM):
        def _prepare_chat_with_tools(self, tools: Any, *about: Any, **more: Any) -> Any:
            offered.append([tool.metadata.name for tool in tools])
            return super()._prepare_chat_with_tools(tools, *about, **more)

    def answer(messages: Sequence[ChatMessage], **given: Any) -> ChatMessage:
        if messages[-1].role == MessageRole.TOOL:
            return ChatMessage(role="assistant", content=messages[-1].content)
        block = ToolCallBlock(tool_call_id="1", tool_name=call, tool_kwargs=arguments)
        return ChatMessage(role="assistant", blocks=[block])

    model = Model(response_generator=answer)
    return FunctionAgent(tool_retriever=retriever, llm=model, streaming=False), offered


@pytest.fixture
def five(server: LocalServer) -> AssistersRerank:
    return AssistersRerank(base_url=server.base_url, api_key=KEY, top_n=5)


@pytest.fixture(params=["all of them", "a vector index"])
def stage(request: pytest.FixtureRequest, server: LocalServer) -> Callable[..., Any]:
    """An ObjectIndex over some tools, and what it gives the rerank."""

    def indexed(tools: Sequence[BaseTool]) -> tuple[ObjectIndex[Any], dict[str, Any]]:
        if request.param == "all of them":
            return ObjectIndex.from_objects(tools, index_cls=SummaryIndex), {}
        embedding = AssistersEmbedding(base_url=server.base_url, api_key=KEY)
        index: ObjectIndex[Any] = ObjectIndex.from_objects(
            tools, index_cls=VectorStoreIndex, embed_model=embedding
        )
        return index, {"similarity_top_k": 50}

    return indexed


@pytest.mark.parametrize("kind", [ObjectRetriever, ToolRetriever])
async def test_an_agent_is_offered_the_right_ones_of_200_tools(
    kind: type[ObjectRetriever[Any]], stage: Callable[..., Any], five: AssistersRerank
) -> None:
    index, options = stage(ALL)
    plain = index.as_retriever(node_postprocessors=[five], **options)
    retriever = kind(plain.retriever, plain.object_node_mapping, [five])
    for tool, question in (each for each in QUESTIONS if each[0] in ("send_mail", "run_tests")):
        agent, offered = agent_of(retriever, tool, text="x")
        answer = await agent.run(question)
        assert str(answer) == f"{tool} was called"
        assert [len(names) for names in offered] == [5, 5]
        assert offered[0] == offered[1]
        assert tool in offered[0]


@pytest.mark.parametrize("cached", [False, True])
@pytest.mark.parametrize(("kind", "reranks"), [(ObjectRetriever, 3), (ToolRetriever, 2)])
async def test_what_a_tool_call_costs(
    kind: type[ObjectRetriever[Any]],
    reranks: int,
    server: LocalServer,
    five: AssistersRerank,
    *,
    cached: bool,
) -> None:
    """LlamaIndex asks before each step, and for the tool that is called, by its name."""
    index = ObjectIndex.from_objects(ALL, index_cls=SummaryIndex)
    caching = five.with_options(cache=MemoryCache() if cached else None)
    retriever = kind(index.as_node_retriever(), index.object_node_mapping, [caching])
    before = len(server.requests)
    agent, offered = agent_of(retriever, "send_mail", text="x")
    assert str(await agent.run("Send an email to the tax office.")) == "send_mail was called"
    assert len(offered) == 2
    assert len(server.requests) - before == 2 * (reranks - cached)


@pytest.mark.slow
def test_how_often_the_right_tool_is_among_five(five: AssistersRerank) -> None:
    index = ObjectIndex.from_objects(ALL, index_cls=SummaryIndex)
    retriever = index.as_retriever(node_postprocessors=[five])

    def found(question: str) -> list[str]:
        return [tool.metadata.name for tool in retriever.retrieve(question)]

    right = {(tool, question) for tool, question in QUESTIONS if tool in found(question)}
    by_name = sum(name in found(name) for name in TOOLS)
    # As docs/choosing.md says.
    assert (len(right), len(right & set(without_a_shared_word())), by_name) == (28, 8, 200)


async def test_the_retrievers_are_the_same_in_sync_and_async(
    stage: Callable[..., Any], five: AssistersRerank
) -> None:
    index, options = stage(ALL)
    own = index.as_retriever(node_postprocessors=[five], **options)
    ours = ToolRetriever(own.retriever, own.object_node_mapping, [five])
    for _, question in QUESTIONS[::8]:
        tools = own.retrieve(question)
        assert len(tools) == 5
        assert await own.aretrieve(question) == tools == await ours.aretrieve(question)


async def test_our_retriever_waits_without_blocking_the_loop(
    five: AssistersRerank, guarded: Any
) -> None:
    # One request, which a sync call sends itself, where the guard sees it.
    index = ObjectIndex.from_objects(ALL[:50], index_cls=SummaryIndex)
    own = index.as_retriever(node_postprocessors=[five])
    ours = ToolRetriever(own.retriever, own.object_node_mapping, [five])
    assert len(await ours.aretrieve("send a mail")) == 5


def test_tools_are_found_by_name_also_when_their_descriptions_are_cut(server: LocalServer) -> None:
    """`SimpleToolNodeMapping` goes by the metadata, unlike that for plain objects."""
    long = made("send_mail", "Send an email to somebody. " + "It may be long. " * 200)
    index = ObjectIndex.from_objects([*ALL[:20], long], index_cls=SummaryIndex)
    cutting = AssistersRerank(
        base_url=server.base_url, api_key=KEY, top_n=1,
        long_documents="split", max_tokens=64, content="passages",
    )  # fmt: skip
    found = index.as_retriever(node_postprocessors=[cutting]).retrieve("send an email to somebody")
    assert found == [long]


def engines(server: LocalServer) -> list[QueryEngineTool]:
    """A query engine for each of several books; each answers from its own only."""
    about = {
        "cooking": "How to cook pasta, soups and roasts.",
        "astronomy": "Planets, stars and how telescopes work.",
        "gardening": "How to plant and water vegetables in a garden.",
        "railways": "Timetables and the history of trains.",
    }
    embedding = AssistersEmbedding(base_url=server.base_url, api_key=KEY)
    tools = []
    for name, description in about.items():
        node = made(name, description)
        index = ObjectIndex.from_objects([node], index_cls=VectorStoreIndex, embed_model=embedding)
        engine = index.index.as_query_engine(llm=MockLLM())
        tools.append(QueryEngineTool.from_defaults(engine, name=name, description=description))
    return tools


async def test_query_engines_are_chosen_for_an_agent(
    stage: Callable[..., Any], server: LocalServer, five: AssistersRerank
) -> None:
    index, options = stage(engines(server))
    best = five.with_options(top_n=1)
    retriever = index.as_retriever(node_postprocessors=[best], **options)
    question = "How does a telescope show the planets?"
    agent, offered = agent_of(retriever, "astronomy", input=question)
    answer = str(await agent.run(question))
    assert offered == [["astronomy"], ["astronomy"]]
    assert "Planets, stars and how telescopes work." in answer
    assert "pasta" not in answer


async def test_query_engines_are_chosen_by_llama_indexs_router(
    colour: str, stage: Callable[..., Any], server: LocalServer, five: AssistersRerank
) -> None:
    index, options = stage(engines(server))
    best = five.with_options(top_n=1)
    router = ToolRetrieverRouterQueryEngine(
        index.as_retriever(node_postprocessors=[best], **options), llm=MockLLM()
    )
    question = "When do I water the vegetables?"
    answer = router.query(question) if colour == "sync" else await router.aquery(question)
    assert [tool.metadata.name for tool in answer.metadata["retrieved_tools"]] == ["gardening"]
    assert "plant and water vegetables" in str(answer)
    assert "pasta" not in str(answer)
