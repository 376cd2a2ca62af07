"""Many reranks at once: they go out side by side, and none of them blocks the event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from blockbuster import BlockBuster
from langchain_classic.retrievers import ContextualCompressionRetriever
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from langchain_core.tracers.run_collector import RunCollectorCallbackHandler

from assisters_rerank import AuthenticationError, SqliteCache, TransportError
from assisters_rerank.local import LocalServer
from langchain_assisters import AssistersRerank, RerankRetriever

from ..plugins.cases import QUERY, TEXTS
from ..plugins.gate import gate
from ..plugins.long import CUT, LONG
from .recorder import BlockingRecorder, EventedRecorder

BestFirst = Callable[..., list[str]]
MANY = 10


class FirstStage(BaseRetriever):
    documents: list[Document]

    def _get_relevant_documents(self, query: str, **_: Any) -> list[Document]:
        return list(self.documents)

    async def _aget_relevant_documents(self, query: str, **_: Any) -> list[Document]:
        return list(self.documents)


def texts_of(documents: list[Document]) -> list[str]:
    return [document.page_content for document in documents]


@pytest.mark.usefixtures("single_thread")
async def test_abatch_goes_out_side_by_side(documents: list[Document]) -> None:
    with gate(MANY) as held:
        compressor = AssistersRerank(base_url=held.base_url, max_retries=0)
        inputs: list[Any] = [{"query": f"q{n}", "documents": documents} for n in range(MANY)]
        found = await compressor.abatch(inputs)
        await compressor.aclose()
    assert [texts_of(ranked) for ranked in found] == [list(TEXTS)] * MANY


@pytest.mark.usefixtures("single_thread")
async def test_a_retrievers_abatch_goes_out_side_by_side(documents: list[Document]) -> None:
    with gate(MANY) as held:
        retriever = RerankRetriever(
            base_retriever=FirstStage(documents=documents),
            reranker=AssistersRerank(base_url=held.base_url, max_retries=0),
        )
        found = await retriever.abatch([QUERY] * MANY)
        await retriever.reranker.aclose()
    assert [texts_of(ranked) for ranked in found] == [list(TEXTS)] * MANY


async def test_the_shards_of_one_call_go_out_side_by_side(
    colour: str, documents: list[Document]
) -> None:
    with gate(len(TEXTS)) as held:
        compressor = AssistersRerank(
            base_url=held.base_url, max_retries=0, max_documents_per_request=1
        )
        if colour == "sync":
            found = compressor.compress_documents(documents, QUERY)
        else:
            found = await compressor.acompress_documents(documents, QUERY)
        await compressor.aclose()
    assert texts_of(found) == list(TEXTS)


def test_batch_goes_out_side_by_side(documents: list[Document]) -> None:
    with gate(MANY) as held, AssistersRerank(base_url=held.base_url, max_retries=0) as compressor:
        inputs: list[Any] = [{"query": f"q{n}", "documents": documents} for n in range(MANY)]
        found = compressor.batch(inputs, {"max_concurrency": MANY})
    assert len(found) == MANY


def test_one_compressor_serves_many_threads(
    compressor: AssistersRerank, documents: list[Document], best_first: BestFirst
) -> None:
    expected = {text: best_first(text)[:3] for text in TEXTS[1:]}
    with ThreadPoolExecutor(4) as threads:
        asked = [text for text in expected for _ in range(3)]
        found = list(
            threads.map(lambda text: compressor.compress_documents(documents, text, top_n=3), asked)
        )
    assert [texts_of(ranked) for ranked in found] == [expected[text] for text in asked]


def test_one_compressor_serves_two_loops_one_after_the_other(
    compressor: AssistersRerank, documents: list[Document], best_first: BestFirst
) -> None:
    expected = best_first()
    for _ in range(2):
        found = asyncio.run(compressor.acompress_documents(documents, QUERY))
        assert texts_of(found) == expected


async def test_the_guard_of_the_loop_works(
    guarded: BlockBuster, compressor: AssistersRerank, documents: list[Document]
) -> None:
    with pytest.raises(TransportError, match="BlockingError"):
        compressor.compress_documents(documents, QUERY)


@pytest.mark.parametrize("handler", [BlockingRecorder, EventedRecorder])
async def test_a_cold_and_a_warm_traced_call_do_not_block_the_loop(
    guarded: BlockBuster,
    server: LocalServer,
    documents: list[Document],
    handler: type[BlockingRecorder | EventedRecorder],
) -> None:
    listening = handler()
    retriever = ContextualCompressionRetriever(
        base_compressor=AssistersRerank(base_url=server.base_url),
        base_retriever=FirstStage(documents=documents),
    )
    callbacks: Any = {"callbacks": [listening, RunCollectorCallbackHandler()]}
    first = await retriever.ainvoke(QUERY, callbacks)
    assert await retriever.ainvoke(QUERY, callbacks) == first
    assert len(listening.recorded.runs) == 6


async def test_a_sharded_call_a_failure_and_a_passthrough_do_not_block_the_loop(
    guarded: BlockBuster,
    server: LocalServer,
    documents: list[Document],
    dead_url: str,
    answering: Callable[..., AssistersRerank],
) -> None:
    sharded = AssistersRerank(base_url=server.base_url, max_documents_per_request=2)
    assert len(await sharded.acompress_documents(documents, QUERY)) == len(TEXTS)
    with pytest.raises(AuthenticationError):
        await answering(401, {}).acompress_documents(documents, QUERY)
    passing = AssistersRerank(base_url=dead_url, on_error="passthrough", max_retries=1)
    found = await passing.acompress_documents(documents, QUERY)
    assert found[0].metadata["rerank_degraded"] is True


async def test_event_streams_do_not_block_the_loop(
    guarded: BlockBuster, compressor: AssistersRerank, documents: list[Document]
) -> None:
    retriever = RerankRetriever(base_retriever=FirstStage(documents=documents), reranker=compressor)
    names = [event["name"] async for event in retriever.astream_events(QUERY, version="v2")]
    assert names.count("AssistersRerank") == 2


async def test_async_calls_use_no_threads_of_their_own(
    compressor: AssistersRerank, documents: list[Document]
) -> None:
    await compressor.acompress_documents(documents, QUERY)  # cold: TLS settings are read off loop
    seen: set[str] = set()

    def text(document: Document) -> str:
        seen.add(threading.current_thread().name)
        return document.page_content

    compressor.text = text
    await compressor.acompress_documents(documents, QUERY)
    assert seen == {threading.main_thread().name}


async def test_a_cancelled_call_ends_its_run(
    documents: list[Document],
) -> None:
    handler = EventedRecorder()
    with gate(2) as held:  # one request alone is kept waiting
        compressor = AssistersRerank(base_url=held.base_url, max_retries=0)
        task = asyncio.create_task(compressor.acompress_documents(documents, QUERY, [handler]))
        await asyncio.to_thread(held.arrived.acquire)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await compressor.aclose()
    assert isinstance(handler.recorded.named("AssistersRerank").error, asyncio.CancelledError)


async def test_cutting_long_documents_does_not_block_the_loop(
    guarded: BlockBuster, server: LocalServer, tmp_path: Path
) -> None:
    cache = await asyncio.to_thread(SqliteCache, tmp_path / "scores")
    compressor = AssistersRerank(base_url=server.base_url, cache=cache, **CUT)
    long = [Document(page_content=LONG)]
    [first] = await compressor.acompress_documents(long, QUERY)
    [again] = await compressor.acompress_documents(long, QUERY)
    assert first == again
    assert len(first.page_content) < len(LONG)
    assert compressor.total_usage.documents_cached > 1
