"""Many reranks at once: they go out side by side, and none of them blocks the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from blockbuster import BlockBuster
from llama_index.core.llms import MockLLM
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.schema import MetadataMode, NodeWithScore, QueryBundle, TextNode

from assisters_rerank import AuthenticationError, MemoryCache, TransportError
from assisters_rerank.local import LocalServer
from llama_index_assisters import AssistersRerank

from ..plugins.cases import QUERY, TEXTS
from ..plugins.gate import gate
from ..plugins.long import CUT, LONG
from .doubles import FirstStage, texts_of
from .recorder import recording

BestFirst = Callable[..., list[str]]
MANY = 10


class FirstStageOnTheLoop(FirstStage):
    """The same without a thread in async."""

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return self.nodes


@pytest.mark.usefixtures("single_thread")
async def test_many_async_calls_go_out_side_by_side(nodes: list[NodeWithScore]) -> None:
    with gate(MANY) as held:
        postprocessor = AssistersRerank(base_url=held.base_url, max_retries=0)
        calls = [postprocessor.apostprocess_nodes(nodes, query_str=f"q{n}") for n in range(MANY)]
        found = await asyncio.gather(*calls)
        await postprocessor.aclose()
    assert [texts_of(ranked) for ranked in found] == [list(TEXTS)] * MANY


@pytest.mark.usefixtures("single_thread")
async def test_many_async_queries_go_out_side_by_side(nodes: list[NodeWithScore]) -> None:
    with gate(MANY) as held:
        postprocessor = AssistersRerank(base_url=held.base_url, max_retries=0, top_n=2)
        engine = RetrieverQueryEngine.from_args(
            FirstStageOnTheLoop(nodes), llm=MockLLM(), node_postprocessors=[postprocessor]
        )
        answers = await asyncio.gather(*(engine.aquery(f"q{n}") for n in range(MANY)))
        await postprocessor.aclose()
    assert [texts_of(answer.source_nodes) for answer in answers] == [list(TEXTS[:2])] * MANY


async def test_the_shards_of_one_call_go_out_side_by_side(
    colour: str, nodes: list[NodeWithScore]
) -> None:
    with gate(len(TEXTS)) as held:
        postprocessor = AssistersRerank(
            base_url=held.base_url, max_retries=0, max_documents_per_request=1
        )
        if colour == "sync":
            found = postprocessor.postprocess_nodes(nodes, query_str=QUERY)
        else:
            found = await postprocessor.apostprocess_nodes(nodes, query_str=QUERY)
        await postprocessor.aclose()
    assert texts_of(found) == list(TEXTS)


def test_one_postprocessor_serves_many_threads(
    postprocessor: AssistersRerank, nodes: list[NodeWithScore], best_first: BestFirst
) -> None:
    expected = {text: best_first(text) for text in TEXTS[1:]}
    asked = [text for text in expected for _ in range(3)]
    with ThreadPoolExecutor(4) as threads:
        found = threads.map(lambda t: postprocessor.postprocess_nodes(nodes, query_str=t), asked)
    assert [texts_of(ranked) for ranked in found] == [expected[text] for text in asked]


def test_one_postprocessor_serves_two_loops_one_after_the_other(
    postprocessor: AssistersRerank, nodes: list[NodeWithScore], best_first: BestFirst
) -> None:
    expected = best_first()
    for _ in range(2):
        found = asyncio.run(postprocessor.apostprocess_nodes(nodes, query_str=QUERY))
        assert texts_of(found) == expected


async def test_sync_works_inside_a_running_loop(
    postprocessor: AssistersRerank, nodes: list[NodeWithScore], best_first: BestFirst
) -> None:
    expected = best_first()
    assert texts_of(postprocessor.postprocess_nodes(nodes, query_str=QUERY)) == expected


async def test_the_guard_of_the_loop_works(
    guarded: BlockBuster, postprocessor: AssistersRerank, nodes: list[NodeWithScore]
) -> None:
    with pytest.raises(TransportError, match="BlockingError"):
        postprocessor.postprocess_nodes(nodes, query_str=QUERY)


async def test_cold_and_warm_recorded_calls_do_not_block_the_loop(
    guarded: BlockBuster, server: LocalServer, nodes: list[NodeWithScore]
) -> None:
    postprocessor = AssistersRerank(base_url=server.base_url, keep_retrieval_score=True)
    with recording() as recorded:
        first = await postprocessor.apostprocess_nodes(nodes, query_str=QUERY)
        again = await postprocessor.apostprocess_nodes(nodes, query_str=QUERY)
    assert again == first
    assert len(recorded.spans) == 2


async def test_a_sharded_call_a_failure_and_a_passthrough_do_not_block_the_loop(
    guarded: BlockBuster,
    server: LocalServer,
    nodes: list[NodeWithScore],
    dead_url: str,
    answering: Callable[..., AssistersRerank],
) -> None:
    sharded = AssistersRerank(base_url=server.base_url, max_documents_per_request=2)
    assert len(await sharded.apostprocess_nodes(nodes, query_str=QUERY)) == len(TEXTS)
    with pytest.raises(AuthenticationError):
        await answering(401, {}).apostprocess_nodes(nodes, query_str=QUERY)
    passing = AssistersRerank(base_url=dead_url, on_error="passthrough", max_retries=1)
    found = await passing.apostprocess_nodes(nodes, query_str=QUERY)
    assert found[0].node.metadata == {"rerank_degraded": True}


async def test_a_cancelled_call_ends_its_events_and_drops_its_span(
    nodes: list[NodeWithScore],
) -> None:
    with gate(2) as held, recording() as recorded:  # one request alone is kept waiting
        postprocessor = AssistersRerank(base_url=held.base_url, max_retries=0)
        task = asyncio.create_task(postprocessor.apostprocess_nodes(nodes, query_str=QUERY))
        await asyncio.to_thread(held.arrived.acquire)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await postprocessor.aclose()
    start, end = recorded.reranks()
    span = recorded.span("AssistersRerank._apostprocess_nodes")
    assert start.span_id == end.span_id == span.id
    assert isinstance(span.error, asyncio.CancelledError)


async def test_cutting_long_nodes_does_not_block_the_loop(
    guarded: BlockBuster, server: LocalServer
) -> None:
    postprocessor = AssistersRerank(base_url=server.base_url, cache=MemoryCache(), **CUT)
    long = [NodeWithScore(node=TextNode(text=LONG))]
    [first] = await postprocessor.apostprocess_nodes(long, query_str=QUERY)
    [again] = await postprocessor.apostprocess_nodes(long, query_str=QUERY)
    assert first == again
    assert len(first.node.get_content(MetadataMode.NONE)) < len(LONG)
