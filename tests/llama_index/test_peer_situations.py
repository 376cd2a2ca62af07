"""The situations that the tests of other rerankers for LlamaIndex check, for our classes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest
from llama_index.core import VectorStoreIndex
from llama_index.core.llms import MockLLM
from llama_index.core.postprocessor import SimilarityPostprocessor
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.schema import (
    Document,
    ImageNode,
    IndexNode,
    MediaResource,
    MetadataMode,
    Node,
    NodeRelationship,
    NodeWithScore,
    QueryBundle,
    RelatedNodeInfo,
    TextNode,
)

from assisters_rerank import AssistersError, AuthenticationError, ConfigurationError
from assisters_rerank.local import LocalServer
from llama_index_assisters import AssistersRerank

from ..plugins.cases import KEY, QUERY, TEXTS
from ..plugins.fixtures import Requests
from ..plugins.situations import (
    ADDRESSES,
    BATCHES,
    QUERIES,
    SPLITS_OF,
    TRANSIENT,
    UNUSUAL,
    WRONG_ADDRESSES,
    answering_after,
)

Reranked = Callable[..., Awaitable[list[NodeWithScore]]]


def of_texts(texts: Sequence[str]) -> list[NodeWithScore]:
    """Nodes that no retriever has scored."""
    return [NodeWithScore(node=TextNode(text=text, id_=str(n))) for n, text in enumerate(texts)]


def told(nodes: Sequence[NodeWithScore]) -> list[tuple[str, float | None]]:
    return [(node.node.node_id, node.score) for node in nodes]


def test_it_is_what_llama_index_takes_for_a_postprocessor() -> None:
    assert issubclass(AssistersRerank, BaseNodePostprocessor)
    assert AssistersRerank.class_name() == AssistersRerank().to_dict()["class_name"]


class TestHowMany:
    @pytest.mark.parametrize("place", ["constructor", "assigned", "with_options"])
    @pytest.mark.parametrize("top_n", [0, 1, len(TEXTS), 2 * len(TEXTS), None])
    async def test_top_n(
        self,
        place: str,
        top_n: int | None,
        reranked: Reranked,
        server: LocalServer,
        nodes: list[NodeWithScore],
    ) -> None:
        options = {"top_n": top_n} if place == "constructor" else {}
        postprocessor = AssistersRerank(base_url=server.base_url, **options)
        whole = postprocessor.with_options(top_n=None).postprocess_nodes(nodes, query_str=QUERY)
        if place == "assigned":
            postprocessor.top_n = top_n
        if place == "with_options":
            postprocessor = postprocessor.with_options(top_n=top_n)
        found = await reranked(postprocessor, nodes)
        assert told(found) == told(whole[: len(whole) if top_n is None else top_n])

    @pytest.mark.parametrize("wrong", [-10, 1.5, "x"])
    def test_an_impossible_number_is_refused_at_once(self, wrong: Any) -> None:
        postprocessor = AssistersRerank(api_key=KEY, top_n=2, max_documents_per_request=5)
        for name in ("top_n", "max_documents_per_request"):
            with pytest.raises(ConfigurationError, match=name):
                setattr(postprocessor, name, wrong)
        with pytest.raises(ValueError, match="max_documents_per_request"):
            postprocessor.max_documents_per_request = 0
        assert (postprocessor.top_n, postprocessor.max_documents_per_request) == (2, 5)

    @pytest.mark.parametrize(("size", "top_n"), BATCHES)
    async def test_requests_of_any_size_give_the_same_best_nodes(
        self, size: int, top_n: int, reranked: Reranked, server: LocalServer
    ) -> None:
        nodes = of_texts([f"{text} {n}" for n in range(3) for text in TEXTS])
        whole = await reranked(AssistersRerank(base_url=server.base_url), nodes)
        before = len(server.requests)
        postprocessor = AssistersRerank(
            base_url=server.base_url, max_documents_per_request=size, top_n=top_n
        )
        assert told(await reranked(postprocessor, nodes)) == told(whole[:top_n])
        assert len(server.requests) - before == -(-len(nodes) // size)


class TestTexts:
    @pytest.mark.parametrize("text", UNUSUAL.values(), ids=UNUSUAL.keys())
    async def test_unusual_texts_come_back_as_they_were(
        self, text: str, reranked: Reranked, postprocessor: AssistersRerank
    ) -> None:
        found = await reranked(postprocessor, of_texts([text, *TEXTS]))
        [kept] = [node for node in found if node.node.node_id == "0"]
        assert kept.text == text
        assert type(kept.score) is float

    @pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES.keys())
    async def test_unusual_queries_reach_the_server(
        self, query: str, reranked: Reranked, postprocessor: AssistersRerank, server: LocalServer
    ) -> None:
        found = await reranked(postprocessor, of_texts(TEXTS), query_str=query)
        assert len(found) == len(TEXTS)
        assert server.requests[-1].query == query

    @pytest.mark.parametrize(("long_documents", "requests"), SPLITS_OF)
    async def test_what_happens_to_long_nodes_can_be_chosen(
        self, long_documents: Any, requests: int, reranked: Reranked, server: LocalServer
    ) -> None:
        nodes = of_texts(["word " * n for n in (30, 3000, 100)])
        postprocessor = AssistersRerank(base_url=server.base_url, long_documents=long_documents)
        before = len(server.requests)
        if long_documents == "error":
            with pytest.raises(AssistersError, match="documents"):
                await reranked(postprocessor, nodes)
        else:
            assert len(await reranked(postprocessor, nodes)) == 3
        assert len(server.requests) - before == requests

    @pytest.mark.parametrize("wrong", [True, 1, "END", "NONE", None])
    def test_another_word_for_it_is_refused(self, wrong: Any) -> None:
        with pytest.raises(ConfigurationError, match="long_documents"):
            AssistersRerank(long_documents=wrong)


class TestNodes:
    async def test_the_node_that_says_what_is_asked_is_first_whatever_its_first_score(
        self, reranked: Reranked, postprocessor: AssistersRerank
    ) -> None:
        texts = {"Bread from rye.": 1.0, "How bees find flowers.": 0.1, "A harbour.": 0.9}
        nodes = [
            NodeWithScore(node=Node(text_resource=MediaResource(text=text), id_=text), score=score)
            for text, score in texts.items()
        ]
        found = await reranked(postprocessor, nodes, query_str="How do bees find flowers?")
        assert found[0].node is nodes[1].node
        assert sorted(n.node.node_id for n in found) == sorted(texts)

    async def test_nodes_of_all_kinds_in_one_list_with_and_without_scores(
        self, reranked: Reranked, postprocessor: AssistersRerank
    ) -> None:
        kinds = [
            TextNode(text=TEXTS[0]),
            Document(text=TEXTS[1]),
            IndexNode(text=TEXTS[2], index_id="i"),
            ImageNode(text=TEXTS[3], image="aGk="),
            Node(text_resource=MediaResource(text=TEXTS[4])),
        ]
        scored = zip(kinds, [None, 0, 1, -2.5, None], strict=True)
        nodes = [NodeWithScore(node=node, score=score) for node, score in scored]
        found = await reranked(postprocessor, nodes)
        assert {id(node.node) for node in found} == {id(kind) for kind in kinds}
        scores = [node.get_score(raise_error=True) for node in found]
        assert scores == sorted(scores, reverse=True)

    async def test_relationships_metadata_and_hidden_keys_stay(
        self, reranked: Reranked, postprocessor: AssistersRerank
    ) -> None:
        node = TextNode(
            text=TEXTS[0],
            metadata={"page": 3, "tags": ["a"]},
            excluded_llm_metadata_keys=["tags"],
            relationships={NodeRelationship.SOURCE: RelatedNodeInfo(node_id="source")},
        )
        before = node.to_dict()
        [found] = await reranked(postprocessor, [NodeWithScore(node=node)])
        assert found.node.to_dict() == before
        assert found.node.ref_doc_id == "source"

    async def test_one_node_twice(self, reranked: Reranked, postprocessor: AssistersRerank) -> None:
        node = TextNode(text=TEXTS[0])
        nodes = [NodeWithScore(node=node, score=0.1), NodeWithScore(node=node, score=0.2)]
        found = await reranked(postprocessor, nodes)
        assert [n.node for n in found] == [node, node]
        assert found[0].score == found[1].score

    async def test_only_the_text_of_the_query_bundle_counts(
        self, reranked: Reranked, postprocessor: AssistersRerank, server: LocalServer
    ) -> None:
        bundle = QueryBundle(
            QUERY, custom_embedding_strs=["other"], embedding=[1.0], image_path="cat.png"
        )
        plain = await reranked(postprocessor, of_texts(TEXTS))
        assert told(await reranked(postprocessor, of_texts(TEXTS), query_bundle=bundle)) == told(
            plain
        )
        assert server.requests[-1].query == QUERY

    async def test_query_and_bundle_together_are_refused(
        self, reranked: Reranked, postprocessor: AssistersRerank, no_request: Requests
    ) -> None:
        both = {"query_str": QUERY, "query_bundle": QueryBundle(QUERY)}
        with no_request(), pytest.raises(ConfigurationError, match="give one of them"):
            await reranked(postprocessor, of_texts(TEXTS), **both)

    async def test_the_bundle_may_stand_in_the_second_place(
        self, colour: str, postprocessor: AssistersRerank
    ) -> None:
        if colour == "sync":
            found = postprocessor.postprocess_nodes(of_texts(TEXTS), QueryBundle(QUERY))
        else:
            found = await postprocessor.apostprocess_nodes(of_texts(TEXTS), QueryBundle(QUERY))
        assert len(found) == len(TEXTS)


class TestKeyAddressModel:
    async def test_a_given_key_wins_over_the_environments(
        self, reranked: Reranked, server: LocalServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("ASSISTERS_API_KEY", "ask_environment")
        monkeypatch.setenv("ASSISTERS_BASE_URL", server.base_url)
        for options, key in ({}, "ask_environment"), ({"api_key": "ask_given"}, "ask_given"):
            await reranked(AssistersRerank(**options), of_texts(["a"]))  # type: ignore[arg-type]
            assert server.requests[-1].headers["authorization"] == f"Bearer {key}"

    async def test_a_wrong_key_is_an_authentication_error(self, reranked: Reranked) -> None:
        with LocalServer(api_key="ask_right") as strict:
            postprocessor = AssistersRerank(base_url=strict.base_url, api_key="ask_wrong")
            with pytest.raises(AuthenticationError, match="401") as raised:
                await reranked(postprocessor, of_texts(["a"]))
            assert "ask_wrong" not in str(raised.value)
            right = postprocessor.with_options(api_key="ask_right")
            assert len(await reranked(right, of_texts(["a"]))) == 1

    @pytest.mark.parametrize("url", WRONG_ADDRESSES)
    def test_what_is_no_address_is_refused(self, url: str) -> None:
        with pytest.raises(ConfigurationError, match="base_url"):
            AssistersRerank(base_url=url)

    @pytest.mark.parametrize("url", ADDRESSES)
    def test_any_address_of_a_server_is_taken(self, url: str) -> None:
        assert AssistersRerank(base_url=url).base_url == url.rstrip("/")

    async def test_the_model_of_the_constructor_is_asked_for(
        self, reranked: Reranked, server: LocalServer
    ) -> None:
        for model in ("bge-reranker-v2", "jina-reranker"):
            postprocessor = AssistersRerank(base_url=server.base_url, model=model)
            await reranked(postprocessor, of_texts(["a"]))
            assert server.requests[-1].model == model


class TestAnswers:
    @pytest.mark.parametrize("status", TRANSIENT)
    async def test_what_passes_is_tried_again(self, reranked: Reranked, status: int) -> None:
        options, statuses = answering_after(status)
        assert len(await reranked(AssistersRerank(max_retries=1, **options), of_texts("ab"))) == 2
        assert statuses == [status, 200]
        options, statuses = answering_after(status)
        with pytest.raises(AssistersError, match=str(status)):
            await reranked(AssistersRerank(max_retries=0, **options), of_texts("ab"))
        assert statuses == [status]

    async def test_whole_numbers_negative_ones_and_equal_ones_are_scores(
        self, reranked: Reranked, answering: Any
    ) -> None:
        results = [{"index": n, "relevance_score": s} for n, s in enumerate([1, -3, 1, 7])]
        found = await reranked(answering(200, {"results": results}), of_texts("abcd"))
        assert repr(told(found)) == "[('3', 7.0), ('0', 1.0), ('2', 1.0), ('1', -3.0)]"

    @pytest.mark.parametrize("echo", ["other", {"text": "other"}, None])
    async def test_the_node_is_the_callers_whatever_the_server_echoes(
        self, echo: Any, reranked: Reranked, answering: Any
    ) -> None:
        answer = {"results": [{"index": 0, "relevance_score": 0.5, "document": echo}]}
        [found] = await reranked(answering(200, answer), of_texts(["mine"]))
        assert (found.text, found.score) == ("mine", 0.5)


class TestInEngines:
    @pytest.mark.parametrize("cutoff", [0.0, 2.0])
    async def test_a_cutoff_behind_it_sees_the_new_scores(
        self, colour: str, cutoff: float, index: VectorStoreIndex, top: AssistersRerank
    ) -> None:
        engine = index.as_query_engine(
            llm=MockLLM(),
            similarity_top_k=len(TEXTS),
            node_postprocessors=[top, SimilarityPostprocessor(similarity_cutoff=cutoff)],
        )
        answer = engine.query(QUERY) if colour == "sync" else await engine.aquery(QUERY)
        assert len(answer.source_nodes) == (top.top_n if cutoff < 1 else 0)

    async def test_metadata_that_are_hidden_from_the_model_can_be_ranked_by(
        self, reranked: Reranked, server: LocalServer
    ) -> None:
        def about(subject: str, text: str) -> NodeWithScore:
            hidden = ["subject"]
            node = TextNode(
                text=text, metadata={"subject": subject}, excluded_llm_metadata_keys=hidden
            )
            return NodeWithScore(node=node)

        nodes = [about("harbours", "It is old."), about("bees", "It is new.")]
        postprocessor = AssistersRerank(base_url=server.base_url, metadata_mode=MetadataMode.EMBED)
        found = await reranked(postprocessor, nodes, query_str="bees")
        assert found[0].node is nodes[1].node
        await reranked(
            postprocessor.with_options(metadata_mode=MetadataMode.LLM), nodes, query_str="bees"
        )
        assert server.requests[-1].documents == ("It is old.", "It is new.")
