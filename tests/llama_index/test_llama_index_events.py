"""What LlamaIndex's instrumentation is told about a rerank, on good days and bad ones."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from llama_index.core.callbacks import CallbackManager, EventPayload
from llama_index.core.instrumentation import get_dispatcher
from llama_index.core.instrumentation.events.span import SpanDropEvent
from llama_index.core.llms import MockLLM
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.response_synthesizers import ResponseMode, get_response_synthesizer
from llama_index.core.schema import NodeWithScore
from llama_index_instrumentation.dispatcher import Dispatcher

from assisters_rerank import (
    AssistersError,
    AuthenticationError,
    ConfigurationError,
    ContractError,
)
from llama_index_assisters import AssistersRerank, events

from ..plugins.cases import BROKEN, KEY, QUERY, REFUSED, TEXTS
from .doubles import FirstStage
from .recorder import Legacy, Recorded, recording

Reranked = Callable[..., Awaitable[list[NodeWithScore]]]
Answering = Callable[..., AssistersRerank]

METHOD = {
    "sync": "AssistersRerank._postprocess_nodes",
    "async": "AssistersRerank._apostprocess_nodes",
}


@pytest.fixture
def recorded() -> Iterator[Recorded]:
    with recording() as everything:
        yield everything


@pytest.fixture
def passing(dead_url: str) -> AssistersRerank:
    return AssistersRerank(
        base_url=dead_url, api_key=KEY, on_error="passthrough", max_retries=0, top_n=3
    )


async def test_start_and_end_are_paired_inside_the_methods_own_span(
    colour: str,
    reranked: Reranked,
    postprocessor: AssistersRerank,
    nodes: list[NodeWithScore],
    recorded: Recorded,
) -> None:
    found = await reranked(postprocessor, nodes)
    start, end = recorded.reranks()
    span = recorded.span(METHOD[colour])
    assert start.span_id == end.span_id == span.id
    assert recorded.order == ["enter", "ReRankStartEvent", "ReRankEndEvent", "exit"]
    assert (start.query, start.model_name, start.top_n) == (QUERY, "bge-reranker-v2", len(TEXTS))
    assert [node.node.node_id for node in start.nodes] == [node.node.node_id for node in nodes]
    assert [node.score for node in start.nodes] == [node.score for node in nodes]
    assert [node.score for node in end.nodes] == [node.score for node in found]
    assert [node.node for node in end.nodes] == [node.node for node in found]
    assert span.result == found
    assert KEY not in recorded.everything()


def unexpected(**about: object) -> None:
    raise AssertionError(about)


async def test_no_event_is_made_where_nobody_listens(
    reranked: Reranked,
    postprocessor: AssistersRerank,
    nodes: list[NodeWithScore],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(events, "ReRankStartEvent", unexpected)
    monkeypatch.setattr(events, "ReRankEndEvent", unexpected)
    assert await reranked(postprocessor, nodes)


async def test_no_span_is_opened_where_nobody_listens(
    reranked: Reranked,
    postprocessor: AssistersRerank,
    nodes: list[NodeWithScore],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Dispatcher, "span_enter", unexpected)
    assert await reranked(postprocessor, nodes)


@pytest.mark.parametrize("at", ["root", "llama_index_assisters.rerank"])
@pytest.mark.parametrize("kind", ["event_handlers", "span_handlers"])
async def test_either_kind_of_handler_hears_all(
    kind: str, at: str, colour: str, reranked: Reranked, postprocessor: AssistersRerank
) -> None:
    heard = get_dispatcher(at)
    with recording(heard) as recorded:
        other = {"event_handlers": "span_handlers", "span_handlers": "event_handlers"}[kind]
        setattr(heard, other, getattr(heard, other)[:-1])
        with pytest.raises(ConfigurationError, match="top_n"):
            await reranked(postprocessor, [], query_str=QUERY, top_n="x")
        await reranked(postprocessor, [])
    if kind == "span_handlers":
        failed, ended = recorded.spans.values()
        assert failed.called == ended.called == METHOD[colour]
        assert (type(failed.error), ended.result) == (ConfigurationError, [])
    else:
        # An event inside names the span that it belongs to, and a dropped one is told.
        names = [event.class_name() for event in recorded.events]
        assert names == ["SpanDropEvent", "ReRankStartEvent", "ReRankEndEvent"]
        assert all(str(event.span_id).startswith(METHOD[colour]) for event in recorded.events)


async def test_a_handler_of_our_own_dispatcher_is_told(
    reranked: Reranked, postprocessor: AssistersRerank, nodes: list[NodeWithScore]
) -> None:
    ours = get_dispatcher("llama_index_assisters.rerank")
    with recording(ours) as recorded:
        await reranked(postprocessor, nodes)
        ours.propagate = False
        try:
            await reranked(postprocessor, nodes)
        finally:
            ours.propagate = True
    names = [event.class_name() for event in recorded.events]
    assert names == 2 * ["ReRankStartEvent", "ReRankEndEvent"]


@pytest.mark.parametrize("method", METHOD.values())
def test_a_span_finds_the_methods_signature_at_hand(method: str) -> None:
    decorated = getattr(AssistersRerank, method.partition(".")[2])
    own = inspect.signature(decorated)
    assert decorated.__wrapped__.__signature__ == own
    assert inspect.iscoroutinefunction(decorated) is method.startswith("AssistersRerank._a")
    assert list(own.parameters) == ["self", "nodes", "query_bundle", "top_n", "score_threshold"]


async def test_top_n_of_the_option_is_told(
    reranked: Reranked,
    postprocessor: AssistersRerank,
    nodes: list[NodeWithScore],
    recorded: Recorded,
) -> None:
    postprocessor.top_n = 2
    await reranked(postprocessor, nodes)
    start, end = recorded.reranks()
    assert start.top_n == 2
    assert len(end.nodes) == 2


async def test_an_empty_list_is_told(
    colour: str, reranked: Reranked, postprocessor: AssistersRerank, recorded: Recorded
) -> None:
    await reranked(postprocessor, [])
    start, end = recorded.reranks()
    assert (start.top_n, start.nodes, end.nodes) == (0, [], [])
    assert start.span_id == end.span_id == recorded.span(METHOD[colour]).id


@pytest.mark.parametrize(
    ("answer", "error"), [(REFUSED, AuthenticationError), (BROKEN, ContractError)]
)
async def test_a_failure_ends_its_event_and_drops_its_span(
    colour: str,
    answer: tuple[int, object],
    error: type[AssistersError],
    reranked: Reranked,
    nodes: list[NodeWithScore],
    recorded: Recorded,
    answering: Answering,
) -> None:
    with pytest.raises(error) as raised:
        await reranked(answering(*answer), nodes)
    start, end = recorded.reranks()
    span = recorded.span(METHOD[colour])
    assert start.span_id == end.span_id == span.id
    assert end.nodes == []
    assert span.error is raised.value
    [dropped] = [event for event in recorded.events if isinstance(event, SpanDropEvent)]
    assert (dropped.span_id, dropped.err_str) == (span.id, str(raised.value))
    assert recorded.order[-1] == "drop"
    assert KEY not in recorded.everything()


async def test_passthrough_is_told_with_the_marked_nodes(
    colour: str,
    reranked: Reranked,
    passing: AssistersRerank,
    nodes: list[NodeWithScore],
    recorded: Recorded,
) -> None:
    await reranked(passing, nodes)
    start, end = recorded.reranks()
    assert start.span_id == end.span_id == recorded.span(METHOD[colour]).id
    assert [node.node.metadata for node in end.nodes] == [{"rerank_degraded": True}] * 3
    assert [node.score for node in end.nodes] == [node.score for node in nodes[:3]]
    assert end.tags["rerank_degraded_reason"].startswith(f"No answer from {passing.base_url}")
    assert KEY not in recorded.everything()


async def test_a_blank_query_is_told_as_a_failure(
    reranked: Reranked,
    postprocessor: AssistersRerank,
    nodes: list[NodeWithScore],
    recorded: Recorded,
) -> None:
    with pytest.raises(ConfigurationError):
        await reranked(postprocessor, nodes, query_str=" ")
    assert recorded.reranks()[1].nodes == []


@pytest.mark.parametrize("given", [{"query_bundle": None}, {"query_bundle": QUERY}])
async def test_without_a_usable_query_there_is_no_rerank_to_tell(
    given: dict[str, Any],
    reranked: Reranked,
    postprocessor: AssistersRerank,
    nodes: list[NodeWithScore],
    recorded: Recorded,
) -> None:
    with pytest.raises(ConfigurationError, match="query_bundle"):
        await reranked(postprocessor, nodes, **given)
    assert recorded.order == ["enter", "SpanDropEvent", "drop"]


async def test_under_a_query_engine_the_spans_form_one_tree(
    colour: str, postprocessor: AssistersRerank, nodes: list[NodeWithScore], recorded: Recorded
) -> None:
    engine = RetrieverQueryEngine(
        FirstStage(nodes),
        get_response_synthesizer(MockLLM(), response_mode=ResponseMode.SIMPLE_SUMMARIZE),
        node_postprocessors=[postprocessor],
    )
    if colour == "sync":
        engine.query(QUERY)
    else:
        await engine.aquery(QUERY)
    start, _ = recorded.reranks()
    span = recorded.span(METHOD[colour])
    assert start.span_id == span.id
    above = []
    while span.parent is not None:
        span = recorded.spans[span.parent]
        above.append(span.called)
    assert above[-1] == f"RetrieverQueryEngine.{'query' if colour == 'sync' else 'aquery'}"
    assert len([s for s in recorded.spans.values() if s.parent is None]) == 1


async def test_two_calls_tell_two_pairs(
    reranked: Reranked,
    postprocessor: AssistersRerank,
    nodes: list[NodeWithScore],
    recorded: Recorded,
) -> None:
    for _ in range(2):
        await reranked(postprocessor, nodes)
    assert [event.class_name() for event in recorded.events] == [
        "ReRankStartEvent",
        "ReRankEndEvent",
    ] * 2
    assert len({event.span_id for event in recorded.events}) == 2


async def test_plain_strings_tell_nothing(
    postprocessor: AssistersRerank, recorded: Recorded
) -> None:
    postprocessor.rerank(QUERY, TEXTS)
    await postprocessor.arerank(QUERY, TEXTS)
    assert recorded.order == []


def test_recording_leaves_no_handler_behind() -> None:
    with recording():
        pass
    assert not [h for h in get_dispatcher().event_handlers if "Recording" in h.class_name()]


class TestOlderCallbackManager:
    @pytest.fixture
    def legacy(self) -> Legacy:
        return Legacy()

    async def test_it_is_told_start_and_end(
        self,
        reranked: Reranked,
        postprocessor: AssistersRerank,
        nodes: list[NodeWithScore],
        legacy: Legacy,
    ) -> None:
        postprocessor.callback_manager = CallbackManager([legacy])
        postprocessor.top_n = 2
        found = await reranked(postprocessor, nodes)
        start, end = legacy.rerank()
        assert start[EventPayload.QUERY_STR] == QUERY
        assert start[EventPayload.MODEL_NAME] == "bge-reranker-v2"
        assert start[EventPayload.TOP_K] == 2
        assert start[EventPayload.NODES] == nodes
        assert end[EventPayload.NODES] == found
        assert KEY not in repr(legacy.told)

    async def test_it_is_told_the_exception(
        self,
        reranked: Reranked,
        nodes: list[NodeWithScore],
        legacy: Legacy,
        answering: Answering,
    ) -> None:
        postprocessor = answering(*REFUSED, callback_manager=CallbackManager([legacy]))
        with pytest.raises(AuthenticationError) as raised:
            await reranked(postprocessor, nodes)
        _, end = legacy.rerank()
        assert end[EventPayload.EXCEPTION] is raised.value
        assert KEY not in repr(legacy.told)

    async def test_it_is_told_an_empty_list_and_a_passthrough(
        self,
        reranked: Reranked,
        postprocessor: AssistersRerank,
        passing: AssistersRerank,
        nodes: list[NodeWithScore],
    ) -> None:
        for one, given, expected in ((postprocessor, [], 0), (passing, nodes, 3)):
            legacy = Legacy()
            one.callback_manager = CallbackManager([legacy])
            await reranked(one, given)
            assert len(legacy.rerank()[1][EventPayload.NODES]) == expected

    async def test_engines_hand_their_callback_manager_over(
        self,
        colour: str,
        postprocessor: AssistersRerank,
        nodes: list[NodeWithScore],
        legacy: Legacy,
    ) -> None:
        engine = RetrieverQueryEngine(
            FirstStage(nodes),
            get_response_synthesizer(MockLLM(), response_mode=ResponseMode.SIMPLE_SUMMARIZE),
            node_postprocessors=[postprocessor],
            callback_manager=CallbackManager([legacy]),
        )
        if colour == "sync":
            engine.query(QUERY)
        else:
            await engine.aquery(QUERY)
        assert len(legacy.rerank()[1][EventPayload.NODES]) == len(nodes)
