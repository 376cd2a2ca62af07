"""The compressor and the retriever inside LangChain's own retrievers, pipelines, chains, agents."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

import pytest
from langchain_classic.chains.combine_documents import create_stuff_documents_chain
from langchain_classic.chains.retrieval import create_retrieval_chain
from langchain_classic.retrievers import ContextualCompressionRetriever
from langchain_classic.retrievers.document_compressors import DocumentCompressorPipeline
from langchain_core.documents import BaseDocumentTransformer, Document
from langchain_core.embeddings import DeterministicFakeEmbedding
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import Runnable, RunnableLambda, RunnablePassthrough
from langchain_core.tools import StructuredTool, create_retriever_tool
from langchain_core.vectorstores import InMemoryVectorStore
from langchain_text_splitters import CharacterTextSplitter
from langgraph.graph import MessagesState, StateGraph
from langgraph.prebuilt import ToolNode, create_react_agent, tools_condition

from assisters_rerank.local import LocalServer
from assisters_rerank.plugins import Content
from langchain_assisters import AssistersRerank, RerankRetriever

from ..plugins.cases import QUERY, TEXTS
from ..plugins.long import without_filler

OneRerank = Callable[[], AbstractContextManager[None]]
BestFirst = Callable[..., list[str]]


@pytest.fixture
def content(contents: Content) -> Content:
    """Every test of this module runs with whole documents and with their passages."""
    return contents


class FirstStage(BaseRetriever):
    """All documents, in the order in which they are kept."""

    documents: list[Document]

    def _get_relevant_documents(self, query: str, **_: Any) -> list[Document]:
        return list(self.documents)


class Numbered(BaseDocumentTransformer):
    """Notes the place at which each document comes by."""

    def __init__(self, name: str) -> None:
        self.name = name

    def transform_documents(self, documents: Sequence[Document], **_: Any) -> Sequence[Document]:
        return [
            document.model_copy(update={"metadata": {**document.metadata, self.name: place}})
            for place, document in enumerate(documents)
        ]


class ToolCaller(GenericFakeChatModel):
    """A chat model that says what it is told to, tool calls included, and keeps what it read."""

    read: list[list[BaseMessage]]

    def bind_tools(self, tools: Sequence[Any], **_: Any) -> Runnable[Any, BaseMessage]:  # type: ignore[override]
        return self

    def _generate(self, messages: list[BaseMessage], *args: Any, **options: Any) -> Any:
        self.read.append(list(messages))
        return super()._generate(messages, *args, **options)


def texts_of(documents: Sequence[Document]) -> list[str]:
    return [document.page_content for document in documents]


async def run(colour: str, runnable: Runnable[Any, Any], given: Any, **options: Any) -> Any:
    if colour == "sync":
        return runnable.invoke(given, **options)
    return await runnable.ainvoke(given, **options)


@pytest.fixture
def first_stage(documents: list[Document]) -> FirstStage:
    return FirstStage(documents=documents)


@pytest.fixture
def reranked(first_stage: FirstStage, compressor: AssistersRerank) -> RerankRetriever:
    return RerankRetriever(base_retriever=first_stage, reranker=compressor)


async def test_contextual_compression_retriever(
    colour: str,
    first_stage: FirstStage,
    compressor: AssistersRerank,
    best_first: BestFirst,
    one_rerank: OneRerank,
) -> None:
    expected = best_first()
    retriever = ContextualCompressionRetriever(
        base_compressor=compressor, base_retriever=first_stage
    )
    with one_rerank():
        found = await run(colour, retriever, QUERY)
    assert texts_of(found) == expected
    assert [document.id for document in found] == [f"doc-{TEXTS.index(t)}" for t in expected]


async def test_contextual_compression_retriever_around_nothing_found(
    colour: str, compressor: AssistersRerank, no_request: OneRerank
) -> None:
    retriever = ContextualCompressionRetriever(
        base_compressor=compressor, base_retriever=FirstStage(documents=[])
    )
    with no_request():
        assert await run(colour, retriever, QUERY) == []


async def test_pipeline_with_transformers_before_and_after(
    colour: str,
    documents: list[Document],
    compressor: AssistersRerank,
    best_first: BestFirst,
    one_rerank: OneRerank,
) -> None:
    expected = best_first()
    compressor.top_n = 3
    pipeline = DocumentCompressorPipeline(
        transformers=[
            CharacterTextSplitter(separator="\n", chunk_size=500, chunk_overlap=0),
            Numbered("before"),
            compressor,
            Numbered("after"),
        ]
    )
    with one_rerank():
        if colour == "sync":
            found = pipeline.compress_documents(documents, QUERY)
        else:
            found = await pipeline.acompress_documents(documents, QUERY)
    assert texts_of(found) == expected[:3]
    assert [document.metadata["before"] for document in found] == [
        TEXTS.index(text) for text in expected[:3]
    ]
    assert [document.metadata["after"] for document in found] == [0, 1, 2]


async def test_rerank_retriever_over_a_vector_store(
    colour: str,
    documents: list[Document],
    compressor: AssistersRerank,
    server: LocalServer,
    best_first: BestFirst,
    one_rerank: OneRerank,
) -> None:
    expected = best_first()
    store = InMemoryVectorStore(DeterministicFakeEmbedding(size=16))
    store.add_documents(documents)
    retriever = RerankRetriever(
        base_retriever=store.as_retriever(search_kwargs={"k": len(TEXTS)}),
        reranker=compressor,
        top_n=5,
    )
    with one_rerank():
        found = await run(colour, retriever, QUERY)
    assert texts_of(found) == expected[:5]
    assert sorted(without_filler(server.requests[-1].documents)) == sorted(TEXTS)
    assert texts_of(await run(colour, retriever, QUERY, top_n=2)) == expected[:2]
    assert texts_of(await run(colour, retriever, QUERY, top_n=None)) == expected


async def test_rerank_retriever_leaves_top_n_to_the_reranker_unless_told(
    colour: str, reranked: RerankRetriever, best_first: BestFirst
) -> None:
    expected = best_first()
    reranked.reranker.top_n = 4
    assert texts_of(await run(colour, reranked, QUERY)) == expected[:4]
    reranked.top_n = 2
    assert texts_of(await run(colour, reranked, QUERY)) == expected[:2]
    assert texts_of(await run(colour, reranked, QUERY, top_n=6)) == expected[:6]


async def test_rerank_retriever_hands_other_keywords_to_the_first_stage(
    colour: str, compressor: AssistersRerank, documents: list[Document], server: LocalServer
) -> None:
    store = InMemoryVectorStore(DeterministicFakeEmbedding(size=16))
    store.add_documents(documents)
    retriever = RerankRetriever(base_retriever=store.as_retriever(), reranker=compressor)
    found = await run(colour, retriever, QUERY, k=6, top_n=2)
    assert len(without_filler(server.requests[-1].documents)) == 6
    assert len(found) == 2


async def test_rerank_retriever_takes_any_runnable_as_first_stage(
    colour: str, documents: list[Document], compressor: AssistersRerank, best_first: BestFirst
) -> None:
    expected = best_first()
    retriever = RerankRetriever(
        base_retriever=RunnableLambda(lambda query: documents), reranker=compressor
    )
    assert texts_of(await run(colour, retriever, QUERY)) == expected


async def test_a_mapping_before_the_reranker(
    colour: str,
    first_stage: FirstStage,
    compressor: AssistersRerank,
    best_first: BestFirst,
    one_rerank: OneRerank,
) -> None:
    expected = best_first()
    chain = {"query": RunnablePassthrough(), "documents": first_stage} | compressor
    with one_rerank():
        assert texts_of(await run(colour, chain, QUERY)) == expected


async def test_assign_before_the_reranker_and_a_function_after_it(
    colour: str,
    first_stage: FirstStage,
    compressor: AssistersRerank,
    best_first: BestFirst,
    one_rerank: OneRerank,
) -> None:
    expected = best_first()
    question: Runnable[dict[str, str], str] = RunnableLambda(lambda given: given["query"])
    chain = (
        RunnablePassthrough.assign(documents=question | first_stage)
        | compressor.bind(top_n=2)
        | (lambda documents: [document.page_content for document in documents])
    )
    with one_rerank():
        assert await run(colour, chain, {"query": QUERY}) == expected[:2]


async def test_a_rag_chain_answers_from_the_best_documents(
    colour: str,
    first_stage: FirstStage,
    compressor: AssistersRerank,
    best_first: BestFirst,
    one_rerank: OneRerank,
) -> None:
    expected = best_first()
    compressor.top_n = 2
    model = ToolCaller(messages=iter([AIMessage("Use the command runner.")]), read=[])
    prompt = ChatPromptTemplate.from_template("From {context} answer {question}")
    retriever = ContextualCompressionRetriever(
        base_compressor=compressor, base_retriever=first_stage
    )
    joined = RunnableLambda(lambda documents: " / ".join(texts_of(documents)))
    chain = (
        {"context": retriever | joined, "question": RunnablePassthrough()}
        | prompt
        | model
        | StrOutputParser()
    )
    with one_rerank():
        assert await run(colour, chain, QUERY) == "Use the command runner."
    [[message]] = model.read
    assert message.content == f"From {' / '.join(expected[:2])} answer {QUERY}"


async def test_the_classic_retrieval_chain(
    colour: str, reranked: RerankRetriever, best_first: BestFirst, one_rerank: OneRerank
) -> None:
    expected = best_first()
    reranked.top_n = 3
    model = ToolCaller(messages=iter([AIMessage("Run it.")]), read=[])
    prompt = ChatPromptTemplate.from_template("{context}\n\n{input}")
    chain = create_retrieval_chain(reranked, create_stuff_documents_chain(model, prompt))
    with one_rerank():
        answer = await run(colour, chain, {"input": QUERY})
    assert answer["answer"] == "Run it."
    assert texts_of(answer["context"]) == expected[:3]
    assert model.read[0][0].content == "\n\n".join([*expected[:3], QUERY])


async def test_langchains_retriever_tool(
    colour: str, reranked: RerankRetriever, best_first: BestFirst, one_rerank: OneRerank
) -> None:
    expected = best_first()
    tool = create_retriever_tool(
        reranked, "search", "Searches.", response_format="content_and_artifact"
    )
    call = {"name": "search", "args": {"query": QUERY}, "id": "call-1", "type": "tool_call"}
    with one_rerank():
        message = await run(colour, tool, call)
    assert message.content == "\n\n".join(expected)
    assert texts_of(message.artifact) == expected


def scripted_agent(retriever: BaseRetriever) -> tuple[ToolCaller, Any]:
    """A chat model that calls the search tool once and then answers, and that tool."""

    def search(query: str) -> tuple[str, list[Document]]:
        """Searches."""
        found = retriever.invoke(query)
        return " / ".join(texts_of(found)), found

    async def asearch(query: str) -> tuple[str, list[Document]]:
        """Searches."""
        found = await retriever.ainvoke(query)
        return " / ".join(texts_of(found)), found

    tool = StructuredTool.from_function(search, asearch, response_format="content_and_artifact")
    call = {"name": "search", "args": {"query": QUERY}, "id": "call-1", "type": "tool_call"}
    says: Iterator[AIMessage] = iter([AIMessage("", tool_calls=[call]), AIMessage("Run it.")])
    return ToolCaller(messages=says, read=[]), tool


def react_agent(retriever: BaseRetriever) -> Any:
    model, tool = scripted_agent(retriever)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it moved to a package that needs no reranker to test
        return create_react_agent(model, [tool])


def graph_agent(retriever: BaseRetriever) -> Any:
    model, tool = scripted_agent(retriever)

    async def think(state: MessagesState) -> dict[str, Any]:
        return {"messages": [await model.ainvoke(state["messages"])]}

    def think_blocking(state: MessagesState) -> dict[str, Any]:
        return {"messages": [model.invoke(state["messages"])]}

    graph = StateGraph(MessagesState)
    graph.add_node("think", RunnableLambda(think_blocking, think))
    graph.add_node("tools", ToolNode([tool]))
    graph.set_entry_point("think")
    graph.add_conditional_edges("think", tools_condition)
    graph.add_edge("tools", "think")
    return graph.compile()


@pytest.mark.parametrize("agent", [react_agent, graph_agent])
async def test_an_agent_answers_with_a_search_tool_that_reranks(
    agent: Callable[[BaseRetriever], Any],
    colour: str,
    reranked: RerankRetriever,
    best_first: BestFirst,
    one_rerank: OneRerank,
) -> None:
    expected = best_first()
    reranked.top_n = 3
    with one_rerank():
        end = await run(colour, agent(reranked), {"messages": [("user", "How?")]})
    found = [message for message in end["messages"] if message.type == "tool"]
    assert len(found) == 1
    assert texts_of(found[0].artifact) == expected[:3]
    assert found[0].content == " / ".join(expected[:3])
    assert end["messages"][-1].content == "Run it."
