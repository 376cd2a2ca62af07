"""What is noted in a node's metadata: hidden from prompts, kept by later passes, never sent."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest
from llama_index.core.schema import MetadataMode, NodeWithScore, TextNode

from assisters_rerank.local import LocalServer
from llama_index_assisters import AssistersRerank

from ..plugins.cases import QUERY, TEXTS
from ..plugins.numbers import HALVES, NOT_FINITE, ONES
from .doubles import texts_of

Reranked = Callable[..., Awaitable[list[NodeWithScore]]]
Scores = dict[str, float | None]


def scores_of(nodes: Sequence[NodeWithScore]) -> list[float]:
    return [node.get_score(raise_error=True) for node in nodes]


def noted(nodes: Sequence[NodeWithScore]) -> Scores:
    """The first stage's scores that the metadata tell, by the node's id."""
    return {node.node.node_id: node.node.metadata["retrieval_score"] for node in nodes}


@pytest.fixture
def passing(dead_url: str) -> AssistersRerank:
    return AssistersRerank(base_url=dead_url, on_error="passthrough", max_retries=0)


@pytest.fixture
def keeping(server: LocalServer) -> AssistersRerank:
    return AssistersRerank(base_url=server.base_url, keep_retrieval_score=True)


@pytest.fixture
def first(nodes: list[NodeWithScore]) -> Scores:
    """The first stage's scores by the node's id."""
    return {node.node.node_id: node.score for node in nodes}


class TestKeepRetrievalScore:
    async def test_the_first_score_goes_into_the_metadata_of_a_copy(
        self, reranked: Reranked, keeping: AssistersRerank, nodes: list[NodeWithScore]
    ) -> None:
        by_id = {node.node.node_id: node for node in nodes}
        results = await reranked(keeping, nodes)
        assert len(results) == len(nodes)
        for found in results:
            first = by_id[found.node.node_id]
            assert found.node is not first.node
            assert found.node.metadata == {"retrieval_score": first.score}
            assert first.node.metadata == {}

    async def test_it_is_hidden_from_prompts_and_embeddings(
        self, reranked: Reranked, keeping: AssistersRerank
    ) -> None:
        node = TextNode(
            text="Runs a command.",
            metadata={"title": "subprocess"},
            excluded_llm_metadata_keys=["x"],
            excluded_embed_metadata_keys=["y"],
        )
        [found] = await reranked(keeping, [NodeWithScore(node=node, score=0.5)])
        for mode in (MetadataMode.LLM, MetadataMode.EMBED):
            assert found.node.get_content(mode) == node.get_content(mode)
        assert "x" in found.node.excluded_llm_metadata_keys
        assert "y" in found.node.excluded_embed_metadata_keys
        # The template that another node may share is not touched either.
        assert node.excluded_llm_metadata_keys == ["x"]
        assert node.excluded_embed_metadata_keys == ["y"]

    async def test_a_second_pass_does_not_overwrite_it(
        self,
        reranked: Reranked,
        keeping: AssistersRerank,
        nodes: list[NodeWithScore],
        first: Scores,
    ) -> None:
        once = await reranked(keeping, nodes)
        twice = await reranked(keeping, once)
        assert noted(twice) == first
        assert scores_of(twice) == scores_of(once)

    async def test_a_node_without_a_first_score(
        self, reranked: Reranked, keeping: AssistersRerank
    ) -> None:
        bare = [NodeWithScore(node=TextNode(text=TEXTS[2]), score=None)]
        [found] = await reranked(keeping, bare)
        assert found.node.metadata.get("retrieval_score") is None
        assert found.score is not None

    @pytest.mark.parametrize("degraded", [False, True])
    async def test_numbers_of_other_libraries_come_through_json(
        self, degraded: bool, colour: str, keeping: AssistersRerank, dead_url: str
    ) -> None:
        if degraded:
            keeping = keeping.with_options(base_url=dead_url, on_error="passthrough", max_retries=0)
        given: list[Any] = [*HALVES, *ONES] if degraded else [*HALVES, *ONES, *NOT_FINITE]
        nodes = [NodeWithScore(node=TextNode(text="a", id_=str(i))) for i in range(len(given))]
        for node, score in zip(nodes, given, strict=True):
            node.score = score  # unlike the constructor, this keeps what it is given
        if colour == "sync":
            found = keeping.postprocess_nodes(nodes, query_str=QUERY)
        else:
            found = await keeping.apostprocess_nodes(nodes, query_str=QUERY)
        assert [node.score is score for node, score in zip(nodes, given, strict=True)]
        metadata = {node.node_id: node.metadata for node in found}
        again = json.loads(json.dumps(metadata, allow_nan=False))
        scores = [again[str(i)]["retrieval_score"] for i in range(len(given))]
        numbers = [0.5] * len(HALVES) + [1.0] * len(ONES)
        assert scores == numbers + [None] * (len(given) - len(numbers))
        assert {type(node.score) for node in found} == {float}
        assert TextNode.from_json(found[0].node.to_json()).metadata == found[0].metadata

    async def test_it_is_off_unless_asked_for(
        self, reranked: Reranked, postprocessor: AssistersRerank, nodes: list[NodeWithScore]
    ) -> None:
        found = await reranked(postprocessor, nodes)
        assert [node.node.metadata for node in found] == [{}] * len(nodes)


class TestPassthrough:
    async def test_the_first_order_and_scores_stay_cut_to_top_n(
        self, reranked: Reranked, passing: AssistersRerank, nodes: list[NodeWithScore]
    ) -> None:
        passing.top_n, passing.score_threshold = 3, 5.0
        found = await reranked(passing, nodes)
        assert texts_of(found) == list(TEXTS[:3])
        assert scores_of(found) == scores_of(nodes[:3])
        assert all(node.node.metadata == {"rerank_degraded": True} for node in found)
        assert all(node.node.metadata == {} for node in nodes)

    async def test_the_mark_is_hidden_from_prompts_and_embeddings(
        self, reranked: Reranked, passing: AssistersRerank, nodes: list[NodeWithScore]
    ) -> None:
        results = await reranked(passing, nodes)
        assert len(results) == len(nodes)
        for found in results:
            for mode in (MetadataMode.LLM, MetadataMode.EMBED):
                assert found.node.get_content(mode) == found.node.get_content(MetadataMode.NONE)

    async def test_a_later_success_removes_the_mark(
        self,
        reranked: Reranked,
        passing: AssistersRerank,
        postprocessor: AssistersRerank,
        nodes: list[NodeWithScore],
    ) -> None:
        degraded = await reranked(passing, nodes)
        found = await reranked(postprocessor, degraded)
        assert [node.node.metadata for node in found] == [{}] * len(nodes)
        assert [node.node.metadata for node in degraded] == [{"rerank_degraded": True}] * len(nodes)

    @pytest.mark.parametrize("later", [True, False])
    async def test_the_first_score_is_kept_at_a_degraded_pass_as_well(
        self,
        later: bool,
        reranked: Reranked,
        passing: AssistersRerank,
        keeping: AssistersRerank,
        nodes: list[NodeWithScore],
        first: Scores,
    ) -> None:
        passing.keep_retrieval_score = True
        degraded = await reranked(passing, nodes)
        assert noted(degraded) == first
        assert all(node.node.metadata["rerank_degraded"] for node in degraded)
        # A later pass that succeeds is no first stage, whatever the score is by then.
        rescored = [NodeWithScore(node=node.node, score=-1.0) for node in degraded]
        keeping.keep_retrieval_score = later
        found = await reranked(keeping, rescored)
        assert noted(found) == first
        assert not [node for node in found if "rerank_degraded" in node.node.metadata]

    async def test_a_degraded_pass_does_not_overwrite_what_is_kept(
        self,
        reranked: Reranked,
        passing: AssistersRerank,
        keeping: AssistersRerank,
        nodes: list[NodeWithScore],
        first: Scores,
    ) -> None:
        passing.keep_retrieval_score = True
        found = await reranked(keeping, nodes)
        again = await reranked(passing, found)
        assert noted(again) == first
        assert scores_of(again) == scores_of(found)


@pytest.mark.parametrize("mode", list(MetadataMode))
async def test_no_note_is_sent_at_a_later_pass(
    mode: MetadataMode,
    reranked: Reranked,
    passing: AssistersRerank,
    keeping: AssistersRerank,
    nodes: list[NodeWithScore],
    server: LocalServer,
) -> None:
    for node in nodes:
        node.node.metadata = {"title": "Commands"}
    keeping.metadata_mode = passing.metadata_mode = mode
    once = await reranked(keeping, nodes)
    one = server.requests[-1]
    degraded = await reranked(passing, sorted(once, key=lambda node: node.node.node_id))
    again = await reranked(keeping, degraded)
    two = server.requests[-1]
    assert degraded[0].node.metadata.keys() == {"title", "retrieval_score", "rerank_degraded"}
    assert two.request_id != one.request_id
    assert (two.query, two.model, two.documents) == (one.query, one.model, one.documents)
    assert scores_of(again) == scores_of(once)
