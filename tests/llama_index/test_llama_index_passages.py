"""`content="passages"`: nodes that come back as copies, cut down to their best passage."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llama_index.core import VectorStoreIndex
from llama_index.core.llms import MockLLM
from llama_index.core.memory import ChatMemoryBuffer
from llama_index.core.node_parser import SentenceSplitter
from llama_index.core.postprocessor import MetadataReplacementPostProcessor
from llama_index.core.query_engine import CitationQueryEngine, RetrieverQueryEngine
from llama_index.core.schema import (
    BaseNode,
    Document,
    ImageDocument,
    ImageNode,
    IndexNode,
    MediaResource,
    MetadataMode,
    Node,
    NodeRelationship,
    NodeWithScore,
    RelatedNodeInfo,
    TextNode,
)

from assisters_rerank import ConfigurationError
from assisters_rerank.local import LocalServer
from assisters_rerank.plugins import Cutting as Passages
from llama_index_assisters import AssistersRerank
from llama_index_assisters.nodes import scored, text_of

from ..plugins.cases import KEY, QUERY
from ..plugins.long import ANSWER, CLOSING, CUT, LONG, OPENING, OTHER, SHORT
from ..plugins.passage_scores import TEXTS, THRESHOLDS, ranking_of
from .doubles import FirstStage

Reranked = Callable[..., Awaitable[list[NodeWithScore]]]
Cutting = Callable[..., AssistersRerank]
NONE = MetadataMode.NONE
RELATED = {NodeRelationship.SOURCE: RelatedNodeInfo(node_id="source")}
COMMON: dict[str, Any] = {
    "id_": "long",
    "metadata": {"title": "Commands"},
    "relationships": RELATED,
}


class Page(TextNode):
    """A user's own kind of node."""

    number: int = 0


class Fetched(TextNode):
    """A user's own node, which fetches its text when asked for it."""

    def get_content(self, metadata_mode: MetadataMode = NONE) -> str:
        return LONG


class Replaceable(Fetched):
    """It can be given another text as well."""

    instead: str | None = None

    def get_content(self, metadata_mode: MetadataMode = NONE) -> str:
        return super().get_content(metadata_mode) if self.instead is None else self.instead

    def set_content(self, value: str) -> None:
        self.instead = value


KINDS: dict[str, Callable[[], BaseNode]] = {
    "TextNode": lambda: TextNode(text=LONG, **COMMON),
    "subclass": lambda: Page(text=LONG, number=7, **COMMON),
    "Document": lambda: Document(text=LONG, **COMMON),
    "Node": lambda: Node(
        text_resource=MediaResource(text=LONG, mimetype="text/markdown"), **COMMON
    ),
    "IndexNode": lambda: IndexNode(text=LONG, index_id="manual", obj=[1], **COMMON),
    "ImageNode": lambda: ImageNode(text=LONG, image="aGk=", **COMMON),
    "ImageDocument": lambda: ImageDocument(text=LONG, image="aGk=", **COMMON),
}


@pytest.fixture
def nodes() -> list[NodeWithScore]:
    return [
        NodeWithScore(node=TextNode(text=OTHER, id_="other"), score=0.9),
        NodeWithScore(node=TextNode(text=LONG, id_="long"), score=0.8),
        NodeWithScore(node=TextNode(text=SHORT, id_="short"), score=0.7),
    ]


@pytest.fixture
def cutting(server: LocalServer) -> Cutting:
    def made(**options: Any) -> AssistersRerank:
        return AssistersRerank(base_url=server.base_url, api_key=KEY, **{**CUT, **options})

    return made


def by_id(nodes: Sequence[NodeWithScore]) -> dict[str, NodeWithScore]:
    return {node.node.node_id: node for node in nodes}


def assert_cut(found: NodeWithScore, original: str = LONG, answer: str = ANSWER) -> None:
    """It is the passage with the answer, and stands where its metadata say."""
    text = found.node.get_content(NONE)
    [[start, end, score]] = found.node.metadata["passages"]
    assert score == found.score
    assert text == original[start:end]
    assert answer in text
    assert text == text.strip()
    assert len(text) < len(original) / 2


def assert_whole(found: NodeWithScore, original: BaseNode) -> None:
    assert found.node.get_content(NONE) == original.get_content(NONE)
    assert "passages" not in found.node.metadata


async def test_long_nodes_are_cut_and_short_ones_stay_the_very_same(
    reranked: Reranked, cutting: Cutting, nodes: list[NodeWithScore]
) -> None:
    found = by_id(await reranked(cutting(), nodes))
    assert_cut(found["long"])
    assert found["other"].node.get_content(NONE) in OTHER
    assert found["other"].node.get_content(NONE) != OTHER
    assert found["short"].node is nodes[2].node
    assert [node.node.get_content(NONE) for node in nodes] == [OTHER, LONG, SHORT]


async def test_the_order_and_the_scores_are_those_of_the_whole_nodes(
    reranked: Reranked, cutting: Cutting, nodes: list[NodeWithScore]
) -> None:
    cut = await reranked(cutting(), nodes)
    whole = await reranked(cutting(content="document"), nodes)
    assert [(n.node.node_id, n.score) for n in cut] == [(n.node.node_id, n.score) for n in whole]
    assert all(node.node is by_id(nodes)[node.node.node_id].node for node in whole)


@pytest.mark.parametrize("mode", list(MetadataMode))
@pytest.mark.parametrize("kind", KINDS)
async def test_nodes_of_every_kind_keep_all_but_their_text(
    kind: str, mode: MetadataMode, reranked: Reranked, cutting: Cutting
) -> None:
    node = KINDS[kind]()
    [found] = await reranked(cutting(metadata_mode=mode), [NodeWithScore(node=node, score=0.5)])
    assert_cut(found)
    assert type(found.node) is type(node)
    assert node.get_content(NONE) == LONG
    assert node.metadata == {"title": "Commands"}
    changed = {"text", "text_resource", "metadata", "embedding", "start_char_idx", "end_char_idx"}
    changed |= {"excluded_embed_metadata_keys", "excluded_llm_metadata_keys"}
    kept = type(node).model_fields.keys() - changed
    assert {"id_", "relationships"} <= kept
    for name in kept:
        assert getattr(found.node, name) == getattr(node, name)
    assert found.node.metadata.items() > node.metadata.items()


async def test_a_text_keeps_its_kind(reranked: Reranked, cutting: Cutting) -> None:
    node = Node(text_resource=MediaResource(text=LONG, mimetype="text/markdown"))
    [found] = await reranked(cutting(), [NodeWithScore(node=node)])
    assert isinstance(found.node, Node)
    assert found.node.text_resource is not None
    assert found.node.text_resource.mimetype == "text/markdown"
    assert node.text_resource is not None
    assert node.text_resource.text == LONG


@pytest.mark.parametrize("keep", [True, False])
async def test_spans_are_hidden_from_prompts_and_embeddings(
    keep: bool, reranked: Reranked, cutting: Cutting
) -> None:
    node = KINDS["TextNode"]()
    [found] = await reranked(
        cutting(keep_retrieval_score=keep), [NodeWithScore(node=node, score=0.5)]
    )
    assert ("retrieval_score" in found.node.metadata) == keep
    for mode in (MetadataMode.LLM, MetadataMode.EMBED):
        assert found.node.get_metadata_str(mode) == "title: Commands"
        assert found.node.get_content(mode) == f"title: Commands\n\n{found.node.get_content(NONE)}"
    assert node.excluded_llm_metadata_keys == node.excluded_embed_metadata_keys == []


async def test_an_embedding_of_the_whole_text_does_not_pass_for_the_passages(
    reranked: Reranked, cutting: Cutting
) -> None:
    both = [
        NodeWithScore(node=TextNode(text=LONG, id_="long", embedding=[1.0])),
        NodeWithScore(node=TextNode(text=SHORT, id_="short", embedding=[2.0])),
    ]
    found = by_id(await reranked(cutting(), both))
    assert found["long"].node.embedding is None
    assert found["short"].node.embedding == [2.0]
    assert both[0].node.embedding == [1.0]


async def test_a_passage_that_lies_in_the_metadata_gives_the_whole_node(
    reranked: Reranked, cutting: Cutting
) -> None:
    node = TextNode(text=f"{OTHER}\n", metadata={"summary": f"{ANSWER}\n\n{OTHER}"})
    [found] = await reranked(cutting(), [NodeWithScore(node=node)])
    assert_whole(found, node)
    assert found.node is node
    # Without the metadata, it is the text that is cut.
    [found] = await reranked(cutting(metadata_mode=NONE), [NodeWithScore(node=node)])
    assert found.node.get_content(NONE) in OTHER
    assert "passages" in found.node.metadata


async def test_a_text_that_the_users_own_class_keeps_elsewhere(
    reranked: Reranked, cutting: Cutting
) -> None:
    fetched, replaceable = Fetched(id_="whole"), Replaceable(id_="cut")
    nodes = [NodeWithScore(node=fetched), NodeWithScore(node=replaceable)]
    found = by_id(await reranked(cutting(), nodes))
    assert_whole(found["whole"], fetched)  # nobody but its class could cut it
    assert_cut(found["cut"])
    assert replaceable.instead is None


async def test_metadata_that_repeat_the_text_do_not_mislead(
    reranked: Reranked, cutting: Cutting
) -> None:
    # As SentenceWindowNodeParser does it.
    node = TextNode(text=LONG, metadata={"window": f"{OPENING} {LONG}"})
    [found] = await reranked(cutting(metadata_mode=MetadataMode.NONE), [NodeWithScore(node=node)])
    assert_cut(found)
    [found] = await reranked(cutting(metadata_mode=MetadataMode.ALL), [NodeWithScore(node=node)])
    assert_cut(found)  # the best passage stands in the window, which holds the text as well


async def test_a_chunk_still_tells_where_it_stands_in_its_document(
    reranked: Reranked, cutting: Cutting
) -> None:
    source = Document(text=f"{OTHER}\n\n{LONG}\n\n{OTHER}", id_="source")
    chunks = SentenceSplitter(chunk_size=500, chunk_overlap=0)([source])
    found = await reranked(cutting(), [NodeWithScore(node=chunk) for chunk in chunks])
    assert len(chunks) > 1
    for node in found:
        assert isinstance(node.node, TextNode)
        span = slice(node.node.start_char_idx, node.node.end_char_idx)
        assert source.text[span] == node.node.text
        assert node.node.source_node is not None
        assert node.node.source_node.node_id == "source"
    assert ANSWER in found[0].node.get_content(NONE)
    assert "passages" in found[0].node.metadata
    assert any(isinstance(chunk, TextNode) and (chunk.start_char_idx or 0) > 0 for chunk in chunks)


async def test_a_node_in_two_results_is_cut_twice_and_sent_once(
    reranked: Reranked, cutting: Cutting, server: LocalServer
) -> None:
    node = TextNode(text=LONG)
    found = await reranked(
        cutting(), [NodeWithScore(node=node, score=0.9), NodeWithScore(node=node, score=0.1)]
    )
    assert len(found) == 2
    for one in found:
        assert_cut(one)
    assert found[0].node is not found[1].node
    assert node.text == LONG
    sent = server.requests[-1].documents
    assert len(set(sent)) == len(sent)


async def test_a_second_cut_tells_where_it_stands_in_the_first_text(
    reranked: Reranked, cutting: Cutting
) -> None:
    node = TextNode(text=LONG, start_char_idx=1_000, end_char_idx=1_000 + len(LONG))
    [once] = await reranked(cutting(max_tokens=200), [NodeWithScore(node=node)])
    [twice] = await reranked(cutting(max_tokens=50), [once])
    assert_cut(once)
    assert_cut(twice)
    assert len(twice.node.get_content(NONE)) < len(once.node.get_content(NONE))
    assert isinstance(twice.node, TextNode)
    assert twice.node.start_char_idx == 1_000 + twice.node.metadata["passages"][0][0]
    assert twice.node.end_char_idx == 1_000 + twice.node.metadata["passages"][0][1]
    assert twice.node.get_metadata_str(MetadataMode.LLM) == ""


async def test_a_passage_of_a_text_that_was_put_in_later_does_not_tell_where_it_stands(
    reranked: Reranked, cutting: Cutting
) -> None:
    sentence = TextNode(text=SHORT, start_char_idx=1_000, end_char_idx=1_000 + len(SHORT))
    sentence.metadata, sentence.excluded_embed_metadata_keys = {"window": LONG}, ["window"]
    windows = MetadataReplacementPostProcessor("window")
    [window] = windows.postprocess_nodes([NodeWithScore(node=sentence)])
    [once] = await reranked(cutting(max_tokens=200), [window])
    [twice] = await reranked(cutting(max_tokens=50), [once])
    for found in (once, twice):
        assert_cut(found)
        assert isinstance(found.node, TextNode)
        assert (found.node.start_char_idx, found.node.end_char_idx) == (None, None)


@pytest.mark.parametrize(
    "options",
    [{}, {"content": "document"}, {"max_tokens": None}, {"metadata_mode": MetadataMode.ALL}],
)
async def test_a_second_rerank_of_cut_nodes_changes_nothing(
    options: dict[str, Any], reranked: Reranked, cutting: Cutting, nodes: list[NodeWithScore]
) -> None:
    once = await reranked(cutting(), nodes)
    assert await reranked(cutting(**options), once) == once


async def test_a_passthrough_cuts_nothing(
    reranked: Reranked, dead_url: str, nodes: list[NodeWithScore]
) -> None:
    passing = AssistersRerank(base_url=dead_url, on_error="passthrough", max_retries=0, **CUT)
    found = await reranked(passing, nodes)
    assert [node.node.get_content(NONE) for node in found] == [OTHER, LONG, SHORT]
    assert [node.node.metadata for node in found] == [{"rerank_degraded": True}] * 3


@pytest.mark.parametrize("on_error", ["raise", "passthrough"])
@pytest.mark.parametrize("long_documents", ["truncate", "error"])
async def test_it_is_refused_where_no_passages_are_scored(
    long_documents: str,
    on_error: str,
    reranked: Reranked,
    cutting: Cutting,
    nodes: list[NodeWithScore],
    no_request: Callable[[], AbstractContextManager[None]],
) -> None:
    postprocessor = cutting(long_documents=long_documents, on_error=on_error)
    with no_request(), pytest.raises(ConfigurationError, match=r"content='passages'.*split"):
        await reranked(postprocessor, nodes)


TEMPLATES = ["{metadata_str}\n\n{content}", "{content}\n\n{metadata_str}", "{content}{content}"]


@given(
    TEXTS, st.sampled_from(TEMPLATES), st.sampled_from(list(MetadataMode)), THRESHOLDS, st.data()
)
def test_spans_give_back_the_text_whatever_is_sent_and_however_often(
    own: str, template: str, mode: MetadataMode, threshold: float | None, data: st.DataObject
) -> None:
    metadata = {"title": own[:9], "text": own}
    before = NodeWithScore(
        node=TextNode(
            text=own,
            metadata=metadata,
            text_template=template,
            start_char_idx=7,
            end_char_idx=7 + len(own),
        )
    )
    for _ in range(3):
        sent = text_of(before, mode)
        assert "[[" not in sent
        ranked = [ranking_of(sent, data)]
        [found] = scored([before], ranked, Passages(threshold), keep_first=False)
        spans = found.node.metadata.get("passages", [[0, len(own), 0]])
        text = found.node.get_content(NONE)
        assert text == " … ".join(own[start:end] for start, end, _ in spans)
        if text != own:
            assert isinstance(found.node, TextNode)
            assert found.node.start_char_idx == 7 + spans[0][0]
            assert found.node.end_char_idx == 7 + spans[-1][1]
        before = found


async def test_all_passages_at_or_above_the_threshold_come_back(
    reranked: Reranked, cutting: Cutting
) -> None:
    text = f"{ANSWER}\n\n{LONG.strip()}"
    nodes = [NodeWithScore(node=TextNode(text=text))]
    options = {"max_passage_tokens": 20, "max_tokens": None}
    [found] = await reranked(cutting(passage_threshold=0.5, **options), nodes)
    [(start, end, score), (other, last, _)] = found.node.metadata["passages"]
    assert found.node.get_content(NONE) == f"{text[start:end]} … {text[other:last]}"
    assert found.node.get_content(NONE).count(ANSWER) == 2
    assert score == found.score
    [all_of_it] = await reranked(cutting(passage_threshold=-1, **options), nodes)
    assert all_of_it.node.get_content(NONE) == text
    [only_best] = await reranked(cutting(passage_threshold=2, **options), nodes)
    assert [only_best] == await reranked(cutting(**options), nodes)


async def test_a_threshold_without_passages_is_refused(
    reranked: Reranked, cutting: Cutting, nodes: list[NodeWithScore]
) -> None:
    with pytest.raises(ConfigurationError, match=r"passage_threshold: .*content='passages'"):
        await reranked(cutting(content="document", passage_threshold=0.5), nodes)


async def test_scores_of_an_earlier_pass_are_renewed(
    reranked: Reranked, cutting: Cutting, dead_url: str
) -> None:
    node = TextNode(text=SHORT, metadata={"passages": [[5, 5 + len(SHORT), 7.5]]})
    [found] = await reranked(cutting(), [NodeWithScore(node=node)])
    assert found.node.metadata["passages"] == [[5, 5 + len(SHORT), found.score]]
    assert node.metadata == {"passages": [[5, 5 + len(SHORT), 7.5]]}
    passing = AssistersRerank(base_url=dead_url, on_error="passthrough", max_retries=0, **CUT)
    [degraded] = await reranked(passing, [NodeWithScore(node=node)])
    assert degraded.node.metadata["passages"] == [[5, 5 + len(SHORT), None]]


@pytest.mark.parametrize("template", TEMPLATES[:2])
async def test_a_best_passage_that_fits_alone_is_not_cut_again_for_what_is_around_it(
    template: str, reranked: Reranked, cutting: Cutting
) -> None:
    metadata = {"title": "Of commands and how they are run"}
    node = TextNode(text=LONG, metadata=metadata, text_template=template)
    for window in (50, 80, 120):
        postprocessor = cutting(max_tokens=window)
        once = await reranked(postprocessor, [NodeWithScore(node=node)])
        assert_cut(once[0])
        [twice] = await reranked(postprocessor, once)
        assert twice.node.get_content(NONE) == once[0].node.get_content(NONE)


async def test_a_field_of_the_users_own_named_passages_is_sent_as_before(
    reranked: Reranked, cutting: Cutting, server: LocalServer
) -> None:
    node = TextNode(text=SHORT, metadata={"passages": [[1, 2, 3]]})
    [found] = await reranked(cutting(), [NodeWithScore(node=node)])
    assert server.requests[-1].documents == (f"passages: [[1, 2, 3]]\n\n{SHORT}",)
    assert found.node is node


class TestInsideEngines:
    """The mock model repeats its prompt, so its answer shows what it read."""

    @pytest.fixture
    def stages(self, cutting: Cutting) -> dict[str, Any]:
        return {
            "llm": MockLLM(),
            "similarity_top_k": 3,
            "node_postprocessors": [cutting(top_n=2)],
        }

    @staticmethod
    def assert_read(answer: Any) -> None:
        said = str(answer)
        assert ANSWER in said
        assert SHORT in said
        assert OPENING not in said
        assert CLOSING not in said
        assert "passages" not in said
        assert len(answer.source_nodes) == 2

    async def test_query_engine(
        self, colour: str, index: VectorStoreIndex, stages: dict[str, Any]
    ) -> None:
        engine = index.as_query_engine(**stages)
        answer = engine.query(QUERY) if colour == "sync" else await engine.aquery(QUERY)
        self.assert_read(answer)
        found = by_id(answer.source_nodes)
        assert_cut(found["long"])
        assert found["short"].node.get_content(NONE) == SHORT

    async def test_the_index_keeps_the_whole_nodes(
        self, colour: str, index: VectorStoreIndex, stages: dict[str, Any]
    ) -> None:
        engine = index.as_query_engine(**stages)
        for _ in range(2):
            answer = engine.query(QUERY) if colour == "sync" else await engine.aquery(QUERY)
            assert_cut(by_id(answer.source_nodes)["long"])
        assert index.docstore.get_node("long").get_content(NONE) == LONG

    async def test_citation_query_engine(
        self, colour: str, index: VectorStoreIndex, stages: dict[str, Any]
    ) -> None:
        engine = CitationQueryEngine.from_args(index, **stages)
        answer = engine.query(QUERY) if colour == "sync" else await engine.aquery(QUERY)
        self.assert_read(answer)
        cited = [node.node.get_content(NONE) for node in answer.source_nodes]
        [source] = [text for text in cited if ANSWER in text]
        assert source.partition(":\n")[2].strip() in LONG

    @pytest.mark.parametrize("mode", ["context", "condense_plus_context"])
    async def test_chat_engines(
        self, mode: str, colour: str, index: VectorStoreIndex, stages: dict[str, Any]
    ) -> None:
        memory = ChatMemoryBuffer.from_defaults(token_limit=10_000)
        engine = index.as_chat_engine(chat_mode=mode, memory=memory, **stages)
        answer = engine.chat(QUERY) if colour == "sync" else await engine.achat(QUERY)
        self.assert_read(answer)
        assert_cut(by_id(answer.source_nodes)["long"])

    async def test_two_in_a_row(
        self, colour: str, nodes: list[NodeWithScore], cutting: Cutting
    ) -> None:
        engine = RetrieverQueryEngine.from_args(
            FirstStage(nodes),
            llm=MockLLM(),
            node_postprocessors=[
                cutting(max_tokens=200, top_n=2),
                cutting(max_tokens=50, top_n=2),
            ],
        )
        answer = engine.query(QUERY) if colour == "sync" else await engine.aquery(QUERY)
        self.assert_read(answer)
        assert_cut(by_id(answer.source_nodes)["long"])
        assert nodes[1].node.get_content(NONE) == LONG
