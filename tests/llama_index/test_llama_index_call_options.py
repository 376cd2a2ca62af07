"""`top_n` and `score_threshold` of one call, and of an engine, which never gives any."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from llama_index.core.callbacks import CallbackManager, EventPayload
from llama_index.core.llms import MockLLM
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.response_synthesizers import ResponseMode, get_response_synthesizer
from llama_index.core.schema import NodeWithScore, QueryBundle

from assisters_rerank import ConfigurationError
from llama_index_assisters import AssistersRerank

from ..plugins.cases import QUERY, TEXTS
from .doubles import FirstStage, texts_of
from .recorder import Legacy, recording

Reranked = Callable[..., Awaitable[list[NodeWithScore]]]
Requests = Callable[[], AbstractContextManager[None]]
BestFirst = Callable[..., list[str]]


def between(nodes: list[NodeWithScore]) -> float:
    """A threshold that only the best of these reaches."""
    return (nodes[0].get_score() + nodes[1].get_score()) / 2


@pytest.mark.parametrize("query", [{"query_str": QUERY}, {"query_bundle": QueryBundle(QUERY)}])
async def test_they_hold_for_this_call_only(
    query: dict[str, Any],
    reranked: Reranked,
    postprocessor: AssistersRerank,
    nodes: list[NodeWithScore],
    best_first: BestFirst,
) -> None:
    expected = best_first()
    everything = await reranked(postprocessor, nodes, **query)
    for options, length in [
        ({"top_n": 2}, 2),
        ({"top_n": 0}, 0),
        ({"score_threshold": between(everything)}, 1),
        ({"score_threshold": between(everything), "top_n": 3}, 1),
        ({}, len(TEXTS)),
    ]:
        found = await reranked(postprocessor, nodes, **query, **options)
        assert texts_of(found) == expected[:length]
    postprocessor.top_n, postprocessor.score_threshold = 1, between(everything)
    assert len(await reranked(postprocessor, nodes, **query)) == 1
    found = await reranked(postprocessor, nodes, **query, top_n=None, score_threshold=None)
    assert texts_of(found) == expected
    assert (postprocessor.top_n, postprocessor.score_threshold) == (1, between(everything))


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"top_n": -1}, "^top_n: Input should be greater than or equal to 0$"),
        ({"top_n": True}, "^top_n: give a number, not a bool$"),
        ({"top_n": "many"}, "^top_n: "),
        ({"score_threshold": float("nan")}, "^score_threshold: Input should be a finite number$"),
        ({"score_threshold": "high"}, "^score_threshold: "),
        (
            {"timeout": 3, "model": "m"},
            "^model, timeout: a call takes only the options score_threshold and top_n; give other "
            "options to the constructor.$",
        ),
        (
            {"topn": 3, "similarity_cutoff": 0.5},
            "^similarity_cutoff, topn: a call takes only the options score_threshold and top_n; "
            "did you mean score_threshold and top_n\\?$",
        ),
        ({"query": QUERY}, "did you mean query_str\\?$"),
        ({"query_bundle": QueryBundle(QUERY)}, "^query_str and query_bundle are the same; give"),
    ],
)
async def test_what_is_impossible_is_named_and_nothing_is_sent_or_told(
    options: dict[str, Any],
    told: str,
    reranked: Reranked,
    postprocessor: AssistersRerank,
    nodes: list[NodeWithScore],
    no_request: Requests,
) -> None:
    with (
        recording() as recorded,
        no_request(),
        pytest.raises(ConfigurationError, match=told),
    ):
        await reranked(postprocessor, nodes, query_str=QUERY, **options)
    assert not [event for event in recorded.events if "ReRank" in event.class_name()]


@pytest.mark.parametrize("given_in", ["call", "options"])
async def test_events_tell_what_holds_for_the_call(
    given_in: str, reranked: Reranked, postprocessor: AssistersRerank, nodes: list[NodeWithScore]
) -> None:
    legacy = Legacy()
    postprocessor.callback_manager = CallbackManager([legacy])
    options = {"top_n": 2, "score_threshold": -1.5}
    if given_in == "options":
        postprocessor, options = postprocessor.with_options(**options), {}
    with recording() as recorded:
        await reranked(postprocessor, nodes, query_str=QUERY, **options)
    start, end = recorded.reranks()
    assert start.top_n == len(end.nodes) == 2
    assert (start.tags["score_threshold"], end.tags["score_threshold"]) == (-1.5, -1.5)
    assert end.tags["usage"]["documents_sent"] == len(TEXTS)
    for payload in legacy.rerank():
        assert payload[EventPayload.ADDITIONAL_KWARGS]["score_threshold"] == -1.5
    assert legacy.rerank()[0][EventPayload.TOP_K] == 2


class Noting(AssistersRerank):
    """A user's subclass, written for LlamaIndex's own signature."""

    def _postprocess_nodes(  # type: ignore[override]  # as LlamaIndex has it
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        return super()._postprocess_nodes(nodes, query_bundle)[:1]

    async def _apostprocess_nodes(  # type: ignore[override]
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        return (await super()._apostprocess_nodes(nodes, query_bundle))[:1]


async def test_a_subclass_with_the_frameworks_signature_is_heard(
    reranked: Reranked, postprocessor: AssistersRerank, nodes: list[NodeWithScore]
) -> None:
    noting = Noting(**dict(postprocessor))
    assert len(await reranked(noting, nodes)) == 1


async def test_an_engine_takes_one_with_other_options(
    colour: str, postprocessor: AssistersRerank, nodes: list[NodeWithScore], best_first: BestFirst
) -> None:
    expected = best_first()
    for top_n in (1, 3):
        engine = RetrieverQueryEngine(
            FirstStage(nodes),
            get_response_synthesizer(MockLLM(), response_mode=ResponseMode.SIMPLE_SUMMARIZE),
            node_postprocessors=[postprocessor.with_options(top_n=top_n)],
        )
        answer = engine.query(QUERY) if colour == "sync" else await engine.aquery(QUERY)
        assert texts_of(answer.source_nodes) == expected[:top_n]
    assert postprocessor.total_usage.requests == 2
