"""What a rerank took reaches traces and callbacks, and never the documents' metadata."""

from __future__ import annotations

import json
from typing import Any
from unittest import mock

import pytest
from langchain_core.documents import Document
from langchain_core.runnables import Runnable, RunnableLambda, RunnablePassthrough
from langchain_core.tracers.langchain import LangChainTracer
from langchain_core.tracers.run_collector import RunCollectorCallbackHandler
from langsmith import tracing_context

from assisters_rerank.local import LocalServer
from langchain_assisters import AssistersRerank, RerankRetriever

from ..plugins.cases import KEY, QUERY, TEXTS
from ..plugins.usage import BGE, CASES, Case, expected
from .recorder import BlockingRecorder, EventedRecorder


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


def retriever_of(server: LocalServer, case: Case) -> RerankRetriever:
    documents = [Document(page_content=text, metadata={"kept": 1}) for text in case.texts]
    found: Runnable[str, list[Document]] = RunnableLambda(lambda query: documents)
    reranker = AssistersRerank(base_url=server.base_url, api_key=KEY, **case.options)
    return RerankRetriever(base_retriever=found, reranker=reranker)


async def run(colour: str, runnable: Runnable[Any, Any], *handlers: Any) -> list[Document]:
    config: Any = {"callbacks": list(handlers)}
    if colour == "sync":
        return runnable.invoke(QUERY, config)
    return await runnable.ainvoke(QUERY, config)


async def test_callbacks_are_told_what_the_call_took(
    colour: str, server: LocalServer, case: Case
) -> None:
    figures, scorer = expected(case, server.base_url)
    retriever = retriever_of(server, case)
    handler = BlockingRecorder() if colour == "sync" else EventedRecorder()
    found = await run(colour, retriever, handler)

    end = handler.recorded.named("AssistersRerank").end
    assert end["usage"] == figures
    assert (end["model"], end["ls_model_name"]) == (scorer, case.model)
    assert (end["truncated"], end["rerank_degraded"]) == (case.truncated, False)
    assert retriever.reranker.total_usage.figures() == figures
    assert {frozenset(d.metadata) for d in found} == {frozenset({"kept", "relevance_score"})}


async def test_the_runs_metadata_has_the_figures_at_its_end(
    colour: str, server: LocalServer, case: Case
) -> None:
    figures, scorer = expected(case, server.base_url)
    collector = RunCollectorCallbackHandler()
    found = await run(colour, retriever_of(server, case), collector)

    [root] = collector.traced_runs
    _, rerank = root.child_runs
    assert rerank.metadata["usage"] == figures
    assert (rerank.metadata["model"], rerank.metadata["truncated"]) == (scorer, case.truncated)
    assert json.loads(json.dumps(rerank.metadata))["usage"].keys() == figures.keys()
    assert not {"usage", "usage_metadata", "model"} & root.metadata.keys()
    assert not [d for d in found if {"usage", "usage_metadata", "model"} & d.metadata.keys()]


@pytest.mark.parametrize("traced", ["plainly", "in a thread", "with metadata"])
async def test_langsmith_is_told_the_chosen_model_and_the_dollars(
    colour: str, server: LocalServer, case: Case, traced: str
) -> None:
    figures, _ = expected(case, server.base_url)
    client = mock.MagicMock(tracing_queue=None)
    ended: dict[object, dict[str, Any]] = {}
    client.update_run.side_effect = lambda run_id, **told: ended.update({run_id: told})
    # What LangSmith's tracer adds of its own, it adds to a copy of the run's metadata.
    about = {"session": "s"} if traced == "with metadata" else {}
    chain = RunnablePassthrough() | retriever_of(server, case)
    if traced == "in a thread":
        chain = chain.with_config(configurable={"thread_id": "t"})
    with tracing_context(metadata=about):
        await run(colour, chain, LangChainTracer(client=client))

    created = [call.kwargs for call in client.create_run.call_args_list]
    [start] = [told for told in created if told["name"] == "AssistersRerank"]
    end = ended[start["id"]]
    metadata = end["extra"]["metadata"]
    assert metadata["ls_model_name"] == case.model
    assert metadata["usage"] == figures
    # LangSmith takes the cost of a run that is not a language model's from here, and only here.
    told = metadata.get("usage_metadata")
    assert told == (None if figures["cost"] is None else {"total_cost": figures["cost"]})


async def test_at_its_start_the_run_has_the_model_that_was_asked_for(
    colour: str, server: LocalServer
) -> None:
    handler = BlockingRecorder()
    await run(colour, retriever_of(server, CASES["auto, long"]), handler)
    assert handler.recorded.named("AssistersRerank").metadata["ls_model_name"] == "auto"


async def test_an_empty_list_is_told_as_free(colour: str, server: LocalServer) -> None:
    handler = BlockingRecorder()
    await run(colour, retriever_of(server, Case({"model": "auto"}, [], {})), handler)
    end = handler.recorded.named("AssistersRerank").end
    assert (end["usage"]["requests"], end["usage"]["cost"], end["model"]) == (0, 0.0, BGE)


async def test_a_passthrough_is_told_with_the_model_that_was_chosen(
    colour: str, dead_url: str
) -> None:
    reranker = AssistersRerank(
        base_url=dead_url, model="auto", on_error="passthrough", max_retries=0
    )
    handler = BlockingRecorder()
    documents = [Document(page_content=text) for text in TEXTS]
    found: Runnable[str, list[Document]] = RunnableLambda(lambda query: documents)
    await run(colour, RerankRetriever(base_retriever=found, reranker=reranker), handler)
    end = handler.recorded.named("AssistersRerank").end
    assert (end["rerank_degraded"], end["ls_model_name"]) == (True, BGE)
    assert (end["usage"]["requests"], end["usage"]["total_tokens"]) == (0, 0)
