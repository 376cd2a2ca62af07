"""`postprocess_nodes` and `apostprocess_nodes`: what becomes of the nodes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import pytest
from llama_index.core.base.response.schema import Response
from llama_index.core.schema import (
    Document,
    EmbeddingKind,
    ImageDocument,
    ImageNode,
    IndexNode,
    MediaResource,
    MetadataMode,
    Node,
    NodeWithScore,
    QueryBundle,
    TextNode,
)

from assisters_rerank import (
    AssistersError,
    AuthenticationError,
    ConfigurationError,
    ContractError,
    RerankOptions,
    TransportError,
)
from assisters_rerank.local import LocalServer
from llama_index_assisters import AssistersRerank

from ..plugins.cases import BROKEN, KEY, QUERY, REFUSED, TEXTS
from ..plugins.long import CUT, LONG

Reranked = Callable[..., Awaitable[list[NodeWithScore]]]
Requests = Callable[[], AbstractContextManager[None]]
BestFirst = Callable[..., list[str]]
Answering = Callable[..., AssistersRerank]


def texts_of(nodes: Sequence[NodeWithScore]) -> list[str]:
    return [node.node.get_content(MetadataMode.NONE) for node in nodes]


def scores_of(nodes: Sequence[NodeWithScore]) -> list[float]:
    return [node.get_score(raise_error=True) for node in nodes]


class Fetched(TextNode):
    """A user's own node, which fetches its text when asked for it."""

    def get_content(self, metadata_mode: MetadataMode = MetadataMode.NONE) -> str:
        text = TEXTS[int(self.node_id)]
        return text if metadata_mode == MetadataMode.NONE else f"{self.metadata['title']}: {text}"


@pytest.mark.parametrize("given", [{"query_str": QUERY}, {"query_bundle": QueryBundle(QUERY)}])
async def test_nodes_come_back_in_the_servers_order_with_its_scores(
    given: dict[str, Any],
    reranked: Reranked,
    postprocessor: AssistersRerank,
    nodes: list[NodeWithScore],
    best_first: BestFirst,
    server: LocalServer,
    one_rerank: Requests,
) -> None:
    expected = best_first()
    with one_rerank():
        found = await reranked(postprocessor, nodes, **given)
    assert texts_of(found) == expected
    assert scores_of(found) == sorted(scores_of(found), reverse=True)
    assert not set(scores_of(found)) & set(scores_of(nodes))
    assert server.requests[-1].query == QUERY


async def test_each_result_is_a_new_node_with_score_around_the_very_same_node(
    reranked: Reranked, postprocessor: AssistersRerank, nodes: list[NodeWithScore]
) -> None:
    by_id = {node.node.node_id: node for node in nodes}
    results = await reranked(postprocessor, nodes)
    assert len(results) == len(nodes)
    for found in results:
        first = by_id[found.node.node_id]
        assert type(found) is NodeWithScore
        assert found is not first
        assert found.node is first.node
        assert found.score != first.score


async def test_without_a_query_nothing_is_sent(
    reranked: Reranked,
    postprocessor: AssistersRerank,
    nodes: list[NodeWithScore],
    no_request: Requests,
) -> None:
    with no_request(), pytest.raises(ConfigurationError, match="There is no query"):
        await reranked(postprocessor, nodes, query_bundle=None)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        # In the second place LlamaIndex expects the bundle.
        ({"query_bundle": QUERY}, r"give a QueryBundle, or the text as query_str=…, not str\."),
        ({"query_bundle": {"query_str": QUERY}}, r"query_bundle: .* not dict\."),
        ({"query_str": 5}, r"query_str: give a string, not int\."),
    ],
)
async def test_what_is_no_query_is_refused_without_a_request(
    given: dict[str, Any],
    told: str,
    reranked: Reranked,
    postprocessor: AssistersRerank,
    nodes: list[NodeWithScore],
    no_request: Requests,
) -> None:
    with no_request(), pytest.raises(ConfigurationError, match=told):
        await reranked(postprocessor, nodes, **given)


@pytest.mark.parametrize("blank", ["", " \n"])
async def test_a_blank_query_is_refused_without_a_request(
    blank: str,
    reranked: Reranked,
    postprocessor: AssistersRerank,
    nodes: list[NodeWithScore],
    no_request: Requests,
) -> None:
    with no_request(), pytest.raises(ConfigurationError, match="query"):
        await reranked(postprocessor, nodes, query_str=blank)


@pytest.mark.parametrize("top_n", [0, 3, None])
async def test_an_empty_list_sends_nothing(
    top_n: int | None, reranked: Reranked, postprocessor: AssistersRerank, no_request: Requests
) -> None:
    postprocessor.top_n = top_n
    with no_request():
        assert await reranked(postprocessor, []) == []


async def test_top_n_and_threshold(
    reranked: Reranked,
    postprocessor: AssistersRerank,
    nodes: list[NodeWithScore],
    best_first: BestFirst,
) -> None:
    expected = best_first()
    scores = scores_of(await reranked(postprocessor, nodes))
    postprocessor.top_n = 3
    assert texts_of(await reranked(postprocessor, nodes)) == expected[:3]
    postprocessor.score_threshold = scores[1]
    assert texts_of(await reranked(postprocessor, nodes)) == expected[:2]
    postprocessor.top_n = 0
    assert await reranked(postprocessor, nodes) == []


async def test_equal_nodes_are_sent_once_and_stay_apart(
    reranked: Reranked, postprocessor: AssistersRerank, server: LocalServer
) -> None:
    twins = [NodeWithScore(node=TextNode(text=TEXTS[n % 2], id_=str(n))) for n in range(4)]
    found = await reranked(postprocessor, twins)
    assert list(server.requests[-1].documents) == [TEXTS[0], TEXTS[1]]
    assert sorted(node.node.node_id for node in found) == ["0", "1", "2", "3"]


class TestWhatIsSent:
    @pytest.fixture
    def described(self) -> list[NodeWithScore]:
        node = TextNode(
            text="Runs a command.",
            metadata={"title": "subprocess", "path": "/a/b", "score": 3},
            excluded_embed_metadata_keys=["path"],
            excluded_llm_metadata_keys=["score"],
        )
        return [NodeWithScore(node=node, score=0.5)]

    @pytest.mark.parametrize(
        ("mode", "sent"),
        [
            (None, "title: subprocess\nscore: 3\n\nRuns a command."),
            (MetadataMode.EMBED, "title: subprocess\nscore: 3\n\nRuns a command."),
            (MetadataMode.LLM, "title: subprocess\npath: /a/b\n\nRuns a command."),
            (MetadataMode.ALL, "title: subprocess\npath: /a/b\nscore: 3\n\nRuns a command."),
            (MetadataMode.NONE, "Runs a command."),
            ("none", "Runs a command."),
        ],
    )
    async def test_metadata_mode(
        self,
        mode: MetadataMode | str | None,
        sent: str,
        reranked: Reranked,
        described: list[NodeWithScore],
        server: LocalServer,
    ) -> None:
        options: dict[str, Any] = {} if mode is None else {"metadata_mode": mode}
        await reranked(AssistersRerank(base_url=server.base_url, **options), described)
        assert list(server.requests[-1].documents) == [sent]

    @pytest.mark.parametrize(
        "blank",
        [
            ImageNode(image="aGk=", metadata={"file": "cat.png"}, id_="blank"),
            ImageDocument(image="aGk=", metadata={"file": "cat.png"}, id_="blank"),
            TextNode(text="", metadata={"file": "empty.txt"}, id_="blank"),
            TextNode(text=" \n", metadata={"file": "blank.txt"}, id_="blank"),
            Node(image_resource=MediaResource(data=b"hi"), metadata={"f": "x"}, id_="blank"),
        ],
        ids=lambda node: type(node).__name__,
    )
    async def test_nodes_without_text_are_not_sent_and_come_last(
        self,
        blank: Node,
        reranked: Reranked,
        postprocessor: AssistersRerank,
        nodes: list[NodeWithScore],
        server: LocalServer,
    ) -> None:
        found = await reranked(postprocessor, [NodeWithScore(node=blank, score=0.9), *nodes])
        assert list(server.requests[-1].documents) == list(TEXTS)
        assert found[-1].node.node_id == "blank"
        assert found[-1].score == 0.0
        assert len(found) == len(nodes) + 1

    async def test_an_image_with_a_text_is_sent(
        self, reranked: Reranked, postprocessor: AssistersRerank, server: LocalServer
    ) -> None:
        image = ImageNode(image="aGk=", text="A cat on a mat.")
        await reranked(postprocessor, [NodeWithScore(node=image)])
        assert list(server.requests[-1].documents) == ["A cat on a mat."]

    @pytest.mark.parametrize("kind", [TextNode, Document, Node, IndexNode])
    async def test_every_kind_of_text_node(
        self,
        kind: type[Any],
        reranked: Reranked,
        postprocessor: AssistersRerank,
        best_first: BestFirst,
    ) -> None:
        made = {
            TextNode: lambda text: TextNode(text=text),
            Document: lambda text: Document(text_resource=MediaResource(text=text)),
            Node: lambda text: Node(text_resource=MediaResource(text=text)),
            IndexNode: lambda text: IndexNode(text=text, index_id="i", obj={"kept": [1]}),
        }[kind]
        expected = best_first()
        given = [NodeWithScore(node=made(text)) for text in TEXTS]
        found = await reranked(postprocessor, given)
        assert texts_of(found) == expected
        assert {type(node.node) for node in found} == {kind}
        assert {id(node.node) for node in found} == {id(node.node) for node in given}

    @pytest.mark.parametrize("mode", [MetadataMode.EMBED, MetadataMode.NONE])
    async def test_a_text_that_the_users_own_class_keeps_elsewhere(
        self,
        mode: MetadataMode,
        reranked: Reranked,
        postprocessor: AssistersRerank,
        best_first: BestFirst,
        server: LocalServer,
    ) -> None:
        title = {"title": "Manual"}
        given = [
            NodeWithScore(node=Fetched(id_=f"{place}", metadata=title))
            for place in range(len(TEXTS))
        ]
        texts = [node.node.get_content(mode) for node in given]
        expected = best_first(QUERY, texts)
        postprocessor.metadata_mode = mode
        found = await reranked(postprocessor, given)
        assert list(server.requests[-1].documents) == texts
        assert [node.node.get_content(mode) for node in found] == expected


async def test_a_cut_text_takes_no_embedding_of_the_whole_one_along(
    reranked: Reranked, server: LocalServer
) -> None:
    vectors: dict[EmbeddingKind, list[float]] = {"dense": [1.0]}
    node = Node(text_resource=MediaResource(text=LONG, embeddings=vectors))
    cutting = AssistersRerank(base_url=server.base_url, **CUT)
    [found] = await reranked(cutting, [NodeWithScore(node=node)])
    assert isinstance(found.node, Node)
    assert found.node.text_resource is not None
    assert found.node.text_resource.text != LONG
    assert found.node.text_resource.embeddings is None
    assert node.text_resource is not None
    assert node.text_resource.embeddings == {"dense": [1.0]}


class TestFailures:
    @pytest.mark.parametrize(
        ("answer", "error"), [(REFUSED, AuthenticationError), (BROKEN, ContractError)]
    )
    @pytest.mark.parametrize("on_error", ["raise", "passthrough"])
    async def test_a_refusal_or_a_broken_answer_is_never_passed_through(
        self,
        on_error: str,
        answer: tuple[int, object],
        error: type[AssistersError],
        reranked: Reranked,
        nodes: list[NodeWithScore],
        answering: Answering,
    ) -> None:
        with pytest.raises(error) as raised:
            await reranked(answering(*answer, on_error=on_error), nodes)
        assert KEY not in f"{raised.value!r} {raised.value}"

    async def test_without_it_a_dead_server_raises(
        self, reranked: Reranked, dead_url: str, nodes: list[NodeWithScore]
    ) -> None:
        with pytest.raises(TransportError):
            await reranked(AssistersRerank(base_url=dead_url, max_retries=0), nodes)


class TestOptions:
    @pytest.mark.parametrize(
        "options",
        [
            {"top_n": -1},
            {"score_threshold": float("inf")},
            {"metadata_mode": "everything"},
            {"keep_retrieval_score": "perhaps"},
            {"timeout": -1},
        ],
    )
    def test_an_impossible_option_is_refused_by_name(self, options: dict[str, Any]) -> None:
        [(name, value)] = options.items()
        with pytest.raises(ConfigurationError, match=name):
            AssistersRerank(api_key=KEY, **options)
        postprocessor = AssistersRerank(api_key=KEY)
        with pytest.raises(ConfigurationError, match=name):
            setattr(postprocessor, name, value)

    def test_an_unknown_option_is_refused_without_its_value(self) -> None:
        with pytest.raises(ConfigurationError, match=r"apikey.*api_key") as raised:
            AssistersRerank(apikey=KEY)
        assert KEY not in f"{raised.value!r}"
        assert raised.value.__cause__ is None
        assert raised.value.__context__ is None

    def test_every_option_is_described_in_the_json_schema(self) -> None:
        properties = AssistersRerank.model_json_schema()["properties"]
        assert properties.items() >= RerankOptions.model_json_schema()["properties"].items()
        own = {"metadata_mode", "keep_retrieval_score"}
        assert own <= properties.keys()
        assert all(properties[name]["description"] for name in own)

    async def test_without_a_key_the_service_is_not_called(
        self, reranked: Reranked, nodes: list[NodeWithScore]
    ) -> None:
        with pytest.raises(ConfigurationError, match=r"api_key.*ASSISTERS_API_KEY"):
            await reranked(AssistersRerank(), nodes)

    async def test_plain_strings_can_be_reranked_as_well(
        self, postprocessor: AssistersRerank, best_first: BestFirst
    ) -> None:
        expected = best_first()
        assert [ranked.text for ranked in postprocessor.rerank(QUERY, TEXTS)] == expected
        assert [ranked.text for ranked in await postprocessor.arerank(QUERY, TEXTS)] == expected


@pytest.mark.parametrize(
    ("nodes", "told"),
    [
        (None, "nodes: give a list"),
        ("", "nodes: give a list, not str"),
        ({}, "nodes: give a list, not dict"),
        (NodeWithScore(node=TextNode(text="a")), "nodes: give a list, not NodeWithScore"),
        (TextNode(text="a"), "nodes: give a list, not TextNode"),
        (Response("a", source_nodes=[]), "not Response; its source_nodes are one.$"),
        (["a"], r"nodes\[0\]: give a NodeWithScore, not str.$"),
        ([TextNode(text="a")], r"not TextNode; write NodeWithScore\(node=…\).$"),
    ],
)
async def test_what_is_no_list_of_nodes_is_refused(
    colour: str, postprocessor: AssistersRerank, nodes: Any, told: str
) -> None:
    call = (
        asyncio.to_thread(postprocessor.postprocess_nodes, nodes, query_str=QUERY)
        if colour == "sync"
        else postprocessor.apostprocess_nodes(nodes, query_str=QUERY)
    )
    with pytest.raises(ConfigurationError, match=told):
        await call


async def test_nodes_given_to_rerank_are_shown_their_method(
    colour: str, postprocessor: AssistersRerank, nodes: list[NodeWithScore]
) -> None:
    for given in (nodes, [node.node for node in nodes]):
        anything: Any = given
        call = (
            asyncio.to_thread(postprocessor.rerank, QUERY, anything)
            if colour == "sync"
            else postprocessor.arerank(QUERY, anything)
        )
        with pytest.raises(ConfigurationError, match=r"postprocess_nodes\(.*\) takes these"):
            await call


def test_pydantics_own_round_trip_takes_the_class_name_out(postprocessor: AssistersRerank) -> None:
    again = AssistersRerank(**postprocessor.model_dump())
    assert again.to_dict() == postprocessor.to_dict()
