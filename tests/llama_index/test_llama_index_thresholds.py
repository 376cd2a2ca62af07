"""`score_threshold` by model: in the options, a call, an event and a dump."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from llama_index.core.schema import NodeWithScore, TextNode

from assisters_rerank import ConfigurationError
from llama_index_assisters import AssistersRerank

from ..plugins.scales import BGE, BOTH, JINA, LONG, SHORT
from .recorder import recording

Reranked = Callable[..., Awaitable[list[NodeWithScore]]]


def nodes_of(texts: list[str]) -> list[NodeWithScore]:
    return [NodeWithScore(node=TextNode(text=text)) for text in texts]


@pytest.fixture
def auto(scales: str) -> AssistersRerank:
    return AssistersRerank(base_url=scales, model="auto")


async def test_each_models_number_holds(
    reranked: Reranked, auto: AssistersRerank, caplog: pytest.LogCaptureFixture
) -> None:
    for texts in (SHORT, LONG):
        found = await reranked(auto.with_options(score_threshold=BOTH), nodes_of(texts))
        assert len(found) == len(texts)
        found = await reranked(auto, nodes_of(texts), query_str="cats", score_threshold=BOTH)
        assert len(found) == len(texts)
    assert not caplog.records
    assert not await reranked(auto, nodes_of(LONG), query_str="cats", score_threshold=0.5)
    (record,) = caplog.records
    assert "score_threshold is one number" in record.getMessage()


@pytest.mark.parametrize(
    ("threshold", "told"),
    [({BGE: 0.5}, f"no number for {JINA}"), ({**BOTH, "bge": 1.0}, "bge is not in the catalogue")],
)
async def test_what_cannot_be_used_is_refused_at_once(
    threshold: dict[str, float], told: str, reranked: Reranked, auto: AssistersRerank
) -> None:
    with pytest.raises(ConfigurationError, match=f"^score_threshold: .*{told}"):
        AssistersRerank(model="auto", score_threshold=threshold)
    with pytest.raises(ConfigurationError, match=f"^score_threshold: .*{told}"):
        await reranked(auto, nodes_of(SHORT), query_str="cats", score_threshold=threshold)


@pytest.mark.parametrize(
    "through",
    [
        lambda it: AssistersRerank.from_dict(json.loads(json.dumps(it.to_dict()))),
        lambda it: AssistersRerank.from_json(it.to_json()),
        lambda it: pickle.loads(pickle.dumps(it)),
        copy.deepcopy,
    ],
)
def test_it_comes_through_dumps_and_copies(through: Callable[[Any], Any]) -> None:
    assert through(AssistersRerank(model="auto", score_threshold=BOTH)).score_threshold == BOTH


async def test_the_events_tell_what_holds(reranked: Reranked, auto: AssistersRerank) -> None:
    for reranker, told in ((auto, BOTH), (auto.with_options(model=BGE), BOTH[BGE])):
        with recording() as recorded:
            await reranked(reranker, nodes_of(SHORT), query_str="cats", score_threshold=BOTH)
        for event in recorded.reranks():
            assert event.tags["score_threshold"] == told
            assert json.loads(event.model_dump_json())["tags"]["score_threshold"] == told
