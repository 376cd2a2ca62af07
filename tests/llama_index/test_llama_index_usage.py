"""What a rerank took reaches events and callbacks, and never the nodes' metadata."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable

import pytest
from llama_index.core.callbacks import CallbackManager, EventPayload
from llama_index.core.instrumentation.dispatcher import instrument_tags
from llama_index.core.schema import NodeWithScore, TextNode

from assisters_rerank.local import LocalServer
from llama_index_assisters import AssistersRerank

from ..plugins.cases import KEY, REFUSED
from ..plugins.usage import BGE, CASES, Case, expected
from .recorder import Legacy, recording

Reranked = Callable[..., Awaitable[list[NodeWithScore]]]
Answering = Callable[..., AssistersRerank]


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


def nodes_of(case: Case) -> list[NodeWithScore]:
    return [NodeWithScore(node=TextNode(text=text), score=0.5) for text in case.texts]


async def test_the_end_event_and_the_older_callback_tell_what_the_call_took(
    reranked: Reranked, server: LocalServer, case: Case
) -> None:
    figures, scorer = expected(case, server.base_url)
    told = {
        "usage": figures,
        "model": scorer,
        "truncated": case.truncated,
        "context_tokens": None,
        "rerank_degraded": False,
        "score_threshold": None,
        "rerank_degraded_reason": None,
    }
    legacy = Legacy()
    postprocessor = AssistersRerank(
        base_url=server.base_url,
        api_key=KEY,
        callback_manager=CallbackManager([legacy]),
        **case.options,
    )
    with recording() as recorded:
        found = await reranked(postprocessor, nodes_of(case))

    start, end = recorded.reranks()
    assert (start.tags, end.tags) == ({"score_threshold": None}, told)
    assert json.loads(end.model_dump_json())["tags"]["usage"].keys() == figures.keys()
    assert legacy.rerank()[1][EventPayload.ADDITIONAL_KWARGS] == told
    assert legacy.rerank()[0][EventPayload.ADDITIONAL_KWARGS] == {"score_threshold": None}
    assert postprocessor.total_usage.figures() == figures
    assert [node.node.metadata for node in found] == [{}] * len(case.texts)


async def test_the_start_tells_the_model_that_was_asked_for(
    reranked: Reranked, server: LocalServer
) -> None:
    case, legacy = CASES["auto, long"], Legacy()
    postprocessor = AssistersRerank(
        base_url=server.base_url, callback_manager=CallbackManager([legacy]), **case.options
    )
    with recording() as recorded:
        await reranked(postprocessor, nodes_of(case))
    start, end = recorded.reranks()
    # It is a start, and which model it will be is a matter of the call.
    assert start.model_name == legacy.rerank()[0][EventPayload.MODEL_NAME] == "auto"
    assert end.tags["usage"]["models"] == (case.model,)


async def test_tags_around_the_call_stand_beside_the_figures(
    reranked: Reranked, server: LocalServer
) -> None:
    postprocessor = AssistersRerank(base_url=server.base_url)
    with recording() as recorded, instrument_tags({"tenant": "a"}):
        await reranked(postprocessor, nodes_of(CASES["one request"]))
    start, end = recorded.reranks()
    assert start.tags == {"tenant": "a", "score_threshold": None}
    assert end.tags["tenant"] == "a"
    assert end.tags["usage"]["requests"] == 1


async def test_an_empty_list_is_told_as_free(reranked: Reranked, server: LocalServer) -> None:
    with recording() as recorded:
        await reranked(AssistersRerank(base_url=server.base_url, model="auto"), [])
    tags = recorded.reranks()[1].tags
    assert (tags["usage"]["requests"], tags["usage"]["cost"], tags["model"]) == (0, 0.0, BGE)


async def test_a_passthrough_is_told_with_the_model_that_was_chosen(
    reranked: Reranked, dead_url: str
) -> None:
    postprocessor = AssistersRerank(
        base_url=dead_url, model="auto", on_error="passthrough", max_retries=0
    )
    with recording() as recorded:
        await reranked(postprocessor, nodes_of(CASES["one request"]))
    tags = recorded.reranks()[1].tags
    assert (tags["rerank_degraded"], tags["model"]) == (True, BGE)
    assert (tags["usage"]["requests"], tags["usage"]["models"]) == (0, (BGE,))


async def test_a_failure_tells_no_figures(reranked: Reranked, answering: Answering) -> None:
    legacy = Legacy()
    postprocessor = answering(*REFUSED, callback_manager=CallbackManager([legacy]))
    with recording() as recorded, pytest.raises(Exception, match="401"):
        await reranked(postprocessor, nodes_of(CASES["one request"]))
    assert recorded.reranks()[1].tags == {}
    assert EventPayload.ADDITIONAL_KWARGS not in legacy.rerank()[1]
