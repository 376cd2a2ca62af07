"""`max_context_tokens`: what engines read of the returned nodes fits into the prompt together."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from llama_index.core.schema import MetadataMode, NodeWithScore, TextNode

from assisters_rerank import ConfigurationError, RerankOptions, estimate_tokens
from assisters_rerank.call.context import within_context
from assisters_rerank.local import LocalServer
from assisters_rerank.plugins import Cutting
from llama_index_assisters import AssistersRerank
from llama_index_assisters.nodes import scored, sent, text_of

from ..plugins.cases import KEY
from ..plugins.long import LONG, OTHER, SHORT
from ..plugins.passage_scores import COUNTERS, THRESHOLDS, ranked_near_a_sum, words
from ..plugins.passage_scores import TEXTS as ANY_TEXTS

Reranked = Callable[..., Awaitable[list[NodeWithScore]]]
LLM, NONE = MetadataMode.LLM, MetadataMode.NONE


@pytest.fixture(params=["{metadata_str}\n\n{content}", "{content}\n\n{metadata_str}"])
def nodes(request: pytest.FixtureRequest) -> list[NodeWithScore]:
    texts = {"other": OTHER, "long": LONG, "short": SHORT}
    return [
        NodeWithScore(
            node=TextNode(
                text=text, id_=name, metadata={"title": "Of commands", "page": 7},
                excluded_llm_metadata_keys=["page"], text_template=request.param,
            ),
            score=0.5,
        )
        for name, text in texts.items()
    ]  # fmt: skip


@pytest.mark.parametrize("content", ["document", "passages"])
@pytest.mark.parametrize("count", [None, words, len])
@pytest.mark.parametrize("most", [40, 300, 10_000])
async def test_what_the_model_reads_keeps_to_the_budget(
    most: int,
    count: Callable[[str], int] | None,
    content: Any,
    reranked: Reranked,
    server: LocalServer,
    nodes: list[NodeWithScore],
) -> None:
    options: dict[str, Any] = {
        "base_url": server.base_url, "api_key": KEY, "long_documents": "split",
        "max_passage_tokens": 40, "content": content, "keep_retrieval_score": True,
    }  # fmt: skip
    everything = await reranked(AssistersRerank(**options), nodes)
    asked = server.requests[-1].documents
    budgeted = AssistersRerank(max_context_tokens=most, count_context_tokens=count, **options)
    kept = await reranked(budgeted, nodes)
    assert server.requests[-1].documents == asked
    counter = count or estimate_tokens
    assert 0 < sum(counter(found.node.get_content(LLM)) for found in kept) <= most
    for found, whole in zip(kept, everything, strict=False):
        text = found.node.get_content(NONE)
        if found.node.metadata.get("context_truncated"):
            assert len(kept) == 1
            assert whole.node.get_content(NONE).startswith(text)
            [first] = [node.node for node in nodes if node.node.node_id == found.node.node_id]
            original, spans = first.get_content(NONE), found.node.metadata["passages"]
            assert " … ".join(original[start:end] for start, end, _ in spans) == text
            assert "context_truncated" not in found.node.get_content(LLM)
        else:
            assert found == whole
    if len(kept) < len(everything) and "context_truncated" not in kept[-1].node.metadata:
        following = everything[len(kept)].node.get_content(LLM)
        assert sum(counter(n.node.get_content(LLM)) for n in kept) + counter(following) > most


async def test_metadata_that_leave_no_room_are_named(
    reranked: Reranked, server: LocalServer
) -> None:
    node = TextNode(text=SHORT, metadata={"summary": "many words " * 20})
    budgeted = AssistersRerank(base_url=server.base_url, api_key=KEY, max_context_tokens=20)
    with pytest.raises(ConfigurationError, match=r"max_context_tokens: .*its metadata count too"):
        await reranked(budgeted, [NodeWithScore(node=node)])
    node.excluded_llm_metadata_keys = ["summary"]
    [found] = await reranked(budgeted, [NodeWithScore(node=node)])
    assert found.node is node


async def test_what_was_cut_off_is_not_sent_again_as_metadata(
    reranked: Reranked, server: LocalServer
) -> None:
    budgeted = AssistersRerank(base_url=server.base_url, api_key=KEY, max_context_tokens=30)
    once = await reranked(budgeted, [NodeWithScore(node=TextNode(text=LONG))])
    assert once[0].node.metadata["context_truncated"] is True
    twice = await reranked(budgeted, once)
    assert server.requests[-1].documents == (once[0].node.get_content(NONE),)
    [[start, end, score]] = twice[0].node.metadata["passages"]
    assert LONG[start:end] == twice[0].node.get_content(NONE)
    assert score == twice[0].score


@settings(max_examples=50)
@given(
    st.lists(ANY_TEXTS.filter(str.strip), min_size=1, max_size=4),
    st.sampled_from(["{metadata_str}\n\n{content}", "{content}\n\n{metadata_str}", "{content}"]),
    st.sampled_from(list(MetadataMode)),
    THRESHOLDS,
    COUNTERS,
    st.data(),
)
def test_the_budget_is_never_exceeded_by_any_nodes_passages_and_counter(
    texts: list[str],
    template: str,
    mode: MetadataMode,
    threshold: float | None,
    count: Callable[[str], int] | None,
    data: st.DataObject,
) -> None:
    nodes = [
        NodeWithScore(node=TextNode(text=text, metadata={"t": text[:9]}, text_template=template))
        for text in texts
    ]
    cutting = data.draw(st.sampled_from([None, Cutting(threshold)]))
    given_texts = [text_of(node, mode) for node in nodes]
    originals = sent(nodes, given_texts, cutting, keep_first=True)
    counter = count or estimate_tokens
    ranked, most = ranked_near_a_sum(given_texts, originals, counter, data)
    options = RerankOptions(count_context_tokens=count)
    try:
        kept, total = within_context(options, most, ranked)
    except ConfigurationError:  # the metadata of the best one leave no room
        reject()
    found = scored(nodes, kept, cutting, keep_first=True)
    assert sum(counter(each.node.get_content(LLM)) for each in found) == total <= most
    for each, ranking in zip(found, kept, strict=True):
        own = texts[ranking.index]
        spans = each.node.metadata.get("passages", [[0, len(own), 0]])
        text = each.node.get_content(NONE)
        assert text == " … ".join(own[start:end] for start, end, _ in spans)
