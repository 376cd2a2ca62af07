"""The rerank as a run: what callback handlers, tracers and event streams are told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from unittest import mock
from uuid import uuid4

import pytest
from langchain_classic.retrievers import ContextualCompressionRetriever
from langchain_classic.retrievers.document_compressors import DocumentCompressorPipeline
from langchain_core.callbacks import AsyncCallbackManager, CallbackManager
from langchain_core.documents import Document
from langchain_core.load import dumps
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import Runnable, RunnableLambda
from langchain_core.tracers.langchain import LangChainTracer
from langchain_core.tracers.run_collector import RunCollectorCallbackHandler

from assisters_rerank import AssistersError, AuthenticationError, ContractError, TransportError
from assisters_rerank.local import LocalServer
from langchain_assisters import AssistersRerank, RerankRetriever

from ..plugins.cases import BROKEN, KEY, QUERY, REFUSED, TEXTS
from .recorder import BlockingRecorder, EventedRecorder, Recorded

BestFirst = Callable[..., list[str]]
Answering = Callable[..., AssistersRerank]

# How the rerank is called and who listens: sync calls reach sync handlers only.
WAYS = [
    ("sync", BlockingRecorder),
    ("async", BlockingRecorder),
    ("async", EventedRecorder),
]


class FirstStage(BaseRetriever):
    documents: list[Document]

    def _get_relevant_documents(self, query: str, **_: Any) -> list[Document]:
        return list(self.documents)


@pytest.fixture(params=WAYS, ids=["sync", "async with a sync handler", "async"])
def way(request: pytest.FixtureRequest) -> tuple[str, BlockingRecorder | EventedRecorder]:
    colour, handler = request.param
    return colour, handler()


Way = tuple[str, BlockingRecorder | EventedRecorder]


@pytest.fixture
def first_stage(documents: list[Document]) -> FirstStage:
    return FirstStage(documents=documents)


def texts_of(documents: Sequence[Document] | None) -> list[str]:
    assert documents is not None
    return [document.page_content for document in documents]


async def run(colour: str, runnable: Runnable[Any, Any], given: Any, *handlers: Any) -> Any:
    config = {"callbacks": list(handlers)}
    if colour == "sync":
        return runnable.invoke(given, config)
    return await runnable.ainvoke(given, config)


def assert_no_key(recorded: Recorded) -> None:
    assert KEY not in repr(recorded.everything)
    assert recorded.everything


@pytest.mark.parametrize("colour", ["sync", "async"])
async def test_no_run_is_begun_where_nobody_listens(
    colour: str,
    compressor: AssistersRerank,
    documents: list[Document],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def unexpected(*given: object, **about: object) -> None:
        raise AssertionError((given, about))

    for manager in (CallbackManager, AsyncCallbackManager):
        monkeypatch.setattr(manager, "on_retriever_start", unexpected)
    if colour == "sync":
        assert compressor.compress_documents(documents, QUERY)
    else:
        assert await compressor.acompress_documents(documents, QUERY)


async def test_the_run_is_a_child_of_the_compression_retrievers(
    way: Way, first_stage: FirstStage, compressor: AssistersRerank, best_first: BestFirst
) -> None:
    expected = best_first()
    colour, handler = way
    compressor.top_n, compressor.score_threshold = 3, -1.0
    retriever = ContextualCompressionRetriever(
        base_compressor=compressor, base_retriever=first_stage
    )
    await run(colour, retriever, QUERY, handler)

    outer = handler.recorded.named("ContextualCompressionRetriever")
    rerank = handler.recorded.named("AssistersRerank")
    assert len(handler.recorded.runs) == 3
    assert rerank.parent == outer.id == handler.recorded.named("FirstStage").parent
    assert rerank.query == QUERY
    assert texts_of(rerank.documents) == expected[:3]
    about = {
        "ls_retriever_name": "assistersrerank",  # not that of the retriever around
        "ls_provider": "assisters",
        "ls_model_name": "bge-reranker-v2",
    }
    assert rerank.metadata.items() >= about.items()
    assert (rerank.metadata["top_n"], rerank.metadata["score_threshold"]) == (3, -1.0)
    assert_no_key(handler.recorded)


async def test_the_end_tells_usage(
    way: Way, first_stage: FirstStage, compressor: AssistersRerank
) -> None:
    colour, handler = way
    retriever = RerankRetriever(base_retriever=first_stage, reranker=compressor)
    await run(colour, retriever, QUERY, handler)
    rerank = handler.recorded.named("AssistersRerank")
    assert rerank.parent == handler.recorded.named("RerankRetriever").id
    usage = rerank.end["usage"]
    assert (usage["requests"], usage["retries"]) == (1, 0)
    assert usage["total_tokens"] > 0
    assert rerank.end["rerank_degraded"] is False


async def test_top_n_of_the_call_is_told(
    way: Way, first_stage: FirstStage, compressor: AssistersRerank
) -> None:
    colour, handler = way
    retriever = RerankRetriever(base_retriever=first_stage, reranker=compressor, top_n=2)
    await run(colour, retriever, QUERY, handler)
    rerank = handler.recorded.named("AssistersRerank")
    assert rerank.metadata["top_n"] == 2
    assert len(rerank.documents or []) == 2


async def test_in_a_pipeline_the_run_has_the_same_parent(
    way: Way, first_stage: FirstStage, compressor: AssistersRerank
) -> None:
    colour, handler = way
    pipeline = DocumentCompressorPipeline(transformers=[compressor])
    retriever = ContextualCompressionRetriever(base_compressor=pipeline, base_retriever=first_stage)
    await run(colour, retriever, QUERY, handler)
    outer = handler.recorded.named("ContextualCompressionRetriever")
    assert handler.recorded.named("AssistersRerank").parent == outer.id


async def test_alone_the_run_has_no_parent(
    way: Way, documents: list[Document], compressor: AssistersRerank
) -> None:
    colour, handler = way
    if colour == "sync":
        compressor.compress_documents(documents, QUERY, [handler])
    else:
        await compressor.acompress_documents(documents, QUERY, [handler])
    assert handler.recorded.named("AssistersRerank").parent is None


async def test_as_a_runnable_there_is_one_run_under_the_chains(
    way: Way, documents: list[Document], compressor: AssistersRerank
) -> None:
    colour, handler = way
    collector = RunCollectorCallbackHandler()
    chain = RunnableLambda(lambda query: {"query": query, "documents": documents}) | compressor
    await run(colour, chain, QUERY, handler, collector)
    assert len(handler.recorded.runs) == 1
    [root] = collector.traced_runs
    assert handler.recorded.named("AssistersRerank").parent == root.id
    assert [child.run_type for child in root.child_runs] == ["chain", "retriever"]


async def test_in_a_function_that_hands_on_no_callbacks_it_is_still_a_child(
    way: Way, documents: list[Document], compressor: AssistersRerank
) -> None:
    colour, handler = way

    def compress(query: str) -> list[Document]:
        return compressor.compress_documents(documents, query)

    async def acompress(query: str) -> list[Document]:
        return await compressor.acompress_documents(documents, query)

    collector = RunCollectorCallbackHandler()
    function: Runnable[str, list[Document]] = RunnableLambda(compress, acompress)
    await run(colour, function, QUERY, handler, collector)
    [root] = collector.traced_runs
    assert handler.recorded.named("AssistersRerank").parent == root.id


async def test_name_and_id_of_the_run_around_stay_its_own(
    way: Way, documents: list[Document], compressor: AssistersRerank
) -> None:
    colour, handler = way

    def compress(query: str) -> list[Document]:
        return compressor.compress_documents(documents, query)

    async def acompress(query: str) -> list[Document]:
        return await compressor.acompress_documents(documents, query)

    run_id = uuid4()
    function: Runnable[str, list[Document]] = RunnableLambda(compress, acompress)
    config: Any = {"callbacks": [handler], "run_name": "outer", "run_id": run_id, "tags": ["t"]}
    if colour == "sync":
        function.invoke(QUERY, config)
    else:
        await function.ainvoke(QUERY, config)
    rerank = handler.recorded.named("AssistersRerank")
    assert rerank.parent == run_id
    assert rerank.tags == ["t"]


async def test_what_one_rerank_tells_stays_with_it(
    way: Way, first_stage: FirstStage, compressor: AssistersRerank
) -> None:
    colour, handler = way
    second = compressor.model_copy(update={"model": "jina-reranker", "top_n": 2})
    second.name = "second"
    both = DocumentCompressorPipeline(transformers=[compressor, second])
    retriever = ContextualCompressionRetriever(base_compressor=both, base_retriever=first_stage)
    collector = RunCollectorCallbackHandler()
    await run(colour, retriever, QUERY, handler, collector)
    start = handler.recorded.named("second")
    assert "usage" not in start.metadata  # the first one's, which is over
    assert (start.metadata["ls_model_name"], start.metadata["top_n"]) == ("jina-reranker", 2)
    [root] = collector.traced_runs
    assert not {"usage", "ls_model_name", "top_n"} & root.metadata.keys()
    models = [child.metadata.get("ls_model_name") for child in root.child_runs]
    assert models == [None, "bge-reranker-v2", "jina-reranker"]


@pytest.mark.parametrize(
    ("answer", "expected"), [(REFUSED, AuthenticationError), (BROKEN, ContractError)]
)
async def test_a_failure_is_told_once(
    way: Way,
    answer: tuple[int, object],
    expected: type[AssistersError],
    first_stage: FirstStage,
    answering: Answering,
) -> None:
    colour, handler = way
    retriever = RerankRetriever(base_retriever=first_stage, reranker=answering(*answer))
    with pytest.raises(expected) as raised:
        await run(colour, retriever, QUERY, handler)
    rerank = handler.recorded.named("AssistersRerank")
    assert rerank.error is raised.value
    assert handler.recorded.named("RerankRetriever").error is raised.value
    assert_no_key(handler.recorded)


async def test_an_impossible_call_is_told_too(
    way: Way, documents: list[Document], compressor: AssistersRerank
) -> None:
    colour, handler = way
    for given, problem in (
        ({"query": " ", "documents": documents}, "blank"),
        ({"query": QUERY, "documents": ["a string"]}, "LangChain Document"),
    ):
        handler.recorded.runs.clear()
        with pytest.raises(AssistersError, match=problem):
            await run(colour, compressor, given, handler)
        assert handler.recorded.named("AssistersRerank").error is not None


async def test_a_failing_text_function_is_told_too(
    way: Way, documents: list[Document], server: LocalServer
) -> None:
    colour, handler = way

    def text(document: Document) -> str:
        raise KeyError("title")

    compressor = AssistersRerank(base_url=server.base_url, text=text)
    with pytest.raises(KeyError):
        await run(colour, compressor, {"query": QUERY, "documents": documents}, handler)
    assert isinstance(handler.recorded.named("AssistersRerank").error, KeyError)


async def test_passthrough_is_told_as_an_end_that_is_degraded(
    way: Way, first_stage: FirstStage, dead_url: str
) -> None:
    colour, handler = way
    compressor = AssistersRerank(
        base_url=dead_url, api_key=KEY, on_error="passthrough", max_retries=0
    )
    retriever = RerankRetriever(base_retriever=first_stage, reranker=compressor)
    await run(colour, retriever, QUERY, handler)
    rerank = handler.recorded.named("AssistersRerank")
    assert rerank.end["rerank_degraded"] is True
    assert rerank.end["rerank_degraded_reason"].startswith(f"No answer from {dead_url}")
    assert texts_of(rerank.documents) == list(TEXTS)
    assert_no_key(handler.recorded)


async def test_an_empty_list_is_told_too(way: Way, compressor: AssistersRerank) -> None:
    colour, handler = way
    await run(colour, compressor, {"query": QUERY, "documents": []}, handler)
    assert handler.recorded.named("AssistersRerank").documents == []


async def test_names_tags_and_metadata_of_the_config_reach_the_run(
    way: Way, documents: list[Document], compressor: AssistersRerank
) -> None:
    colour, handler = way
    named = compressor.with_config(
        run_name="second stage", tags=["search"], metadata={"tenant": "a"}
    )
    await run(colour, named, {"query": QUERY, "documents": documents}, handler)
    rerank = handler.recorded.named("second stage")
    assert rerank.tags == ["search"]
    assert rerank.metadata["tenant"] == "a"
    assert rerank.metadata["ls_provider"] == "assisters"


async def test_run_id_of_the_config_is_the_runs(
    way: Way, documents: list[Document], compressor: AssistersRerank
) -> None:
    colour, handler = way
    run_id = uuid4()
    config: Any = {"callbacks": [handler], "run_id": run_id}
    given: Any = {"query": QUERY, "documents": documents}
    if colour == "sync":
        compressor.invoke(given, config)
    else:
        await compressor.ainvoke(given, config)
    assert handler.recorded.named("AssistersRerank").id == run_id


async def test_the_run_collector_sees_the_whole_tree(
    colour: str, first_stage: FirstStage, compressor: AssistersRerank, best_first: BestFirst
) -> None:
    expected = best_first()
    collector = RunCollectorCallbackHandler()
    retriever = ContextualCompressionRetriever(
        base_compressor=compressor, base_retriever=first_stage
    )
    await run(colour, retriever, QUERY, collector)
    [root] = collector.traced_runs
    first, rerank = root.child_runs
    assert (first.name, rerank.name) == ("FirstStage", "AssistersRerank")
    assert (rerank.run_type, rerank.inputs) == ("retriever", {"query": QUERY})
    assert texts_of(rerank.outputs["documents"]) == expected
    assert rerank.metadata["usage"]["requests"] == 1
    assert rerank.end_time is not None
    assert KEY not in dumps(root.child_runs) + repr(root.child_runs)


class Posted:
    """A LangSmith client that keeps what would go to the tracing service."""

    def __init__(self) -> None:
        self.created: list[dict[str, Any]] = []
        self.updated: list[dict[str, Any]] = []
        self.tracing_queue = None

    def client(self) -> Any:
        client = mock.MagicMock()
        client.create_run.side_effect = lambda **run: self.created.append(run)
        client.update_run.side_effect = lambda run_id, **run: self.updated.append(
            {"id": run_id, **run}
        )
        return client


async def test_langsmith_is_sent_the_documents_and_the_usage(
    colour: str,
    first_stage: FirstStage,
    compressor: AssistersRerank,
    best_first: BestFirst,
) -> None:
    expected = best_first()
    posted = Posted()
    tracer = LangChainTracer(project_name="p", client=posted.client())
    retriever = RerankRetriever(base_retriever=first_stage, reranker=compressor)
    await run(colour, retriever, QUERY, tracer)
    [start] = [run for run in posted.created if run["name"] == "AssistersRerank"]
    [end] = [run for run in posted.updated if run["id"] == start["id"]]
    assert start["extra"]["metadata"]["ls_provider"] == "assisters"
    assert end["extra"]["metadata"]["usage"]["requests"] == 1
    assert end["extra"]["metadata"]["rerank_degraded"] is False
    assert end["extra"]["metadata"]["rerank_degraded_reason"] is None
    assert texts_of(end["outputs"]["documents"]) == expected
    assert KEY not in repr(posted.created) + repr(posted.updated)


async def test_langsmith_is_sent_the_error(
    colour: str, first_stage: FirstStage, answering: Answering
) -> None:
    posted = Posted()
    tracer = LangChainTracer(project_name="p", client=posted.client())
    retriever = RerankRetriever(base_retriever=first_stage, reranker=answering(*REFUSED))
    with pytest.raises(AuthenticationError):
        await run(colour, retriever, QUERY, tracer)
    errors = [run["error"] for run in posted.updated if run.get("error")]
    assert len(errors) == 2  # the rerank and the retriever around it
    assert all("AuthenticationError" in error and "401" in error for error in errors)
    assert KEY not in repr(posted.created) + repr(posted.updated)


async def test_event_streams_show_start_and_end(
    first_stage: FirstStage, compressor: AssistersRerank, best_first: BestFirst
) -> None:
    expected = best_first()
    retriever = RerankRetriever(base_retriever=first_stage, reranker=compressor, top_n=3)
    events = [event async for event in retriever.astream_events(QUERY, version="v2")]
    start, end = [event for event in events if event["name"] == "AssistersRerank"]
    assert (start["event"], end["event"]) == ("on_retriever_start", "on_retriever_end")
    assert start["data"]["input"] == {"query": QUERY}
    assert start["metadata"]["ls_model_name"] == "bge-reranker-v2"
    assert texts_of(end["data"]["output"]) == expected[:3]
    assert start["parent_ids"] == [events[0]["run_id"]]
    assert KEY not in repr(events)


async def test_a_handler_that_fails_does_not_fail_the_rerank(
    colour: str, documents: list[Document], compressor: AssistersRerank, best_first: BestFirst
) -> None:
    expected = best_first()
    handler = BlockingRecorder()
    handler.raise_error = False
    handler.on_retriever_start = mock.Mock(side_effect=RuntimeError("full disk"))  # type: ignore[method-assign]
    found = await run(colour, compressor, {"query": QUERY, "documents": documents}, handler)
    assert texts_of(found) == expected
    assert handler.on_retriever_start.call_count == 1


async def test_without_passthrough_a_dead_server_is_told_as_an_error(
    way: Way, first_stage: FirstStage, dead_url: str
) -> None:
    colour, handler = way
    compressor = AssistersRerank(base_url=dead_url, api_key=KEY, max_retries=0)
    with pytest.raises(TransportError):
        await run(
            colour, RerankRetriever(base_retriever=first_stage, reranker=compressor), QUERY, handler
        )
    assert isinstance(handler.recorded.named("AssistersRerank").error, TransportError)
    assert_no_key(handler.recorded)
