"""`AssistersEmbedding` with all that LlamaIndex's base class and its indices do around it."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from blockbuster import BlockBuster
from llama_index.core import Settings, VectorStoreIndex
from llama_index.core.base.embeddings.base import BaseEmbedding, SimilarityMode
from llama_index.core.callbacks import CallbackManager
from llama_index.core.embeddings import resolve_embed_model
from llama_index.core.ingestion import IngestionPipeline
from llama_index.core.node_parser import SentenceSplitter
from llama_index.core.schema import BaseNode, Document, TextNode
from llama_index.core.storage.kvstore import SimpleKVStore

from assisters_rerank import (
    AssistersError,
    AuthenticationError,
    ConfigurationError,
    ContractError,
    TransportError,
)
from assisters_rerank.local import LocalServer
from llama_index_assisters import AssistersEmbedding, AssistersRerank

from ..plugins.cases import KEY, QUERY, REFUSED, TEXTS
from ..plugins.gate import gate
from ..plugins.vectors import BROKEN_VECTORS, Wire, vector_of, vectors_of

MANY = 10


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def embedding(wire: Wire) -> AssistersEmbedding:
    return AssistersEmbedding(api_key=KEY, **wire.options())


async def embedded(
    colour: str, embedding: BaseEmbedding, texts: list[str], **options: Any
) -> list[list[float]]:
    if colour == "sync":
        return embedding.get_text_embedding_batch(texts, **options)
    return await embedding.aget_text_embedding_batch(texts, **options)


async def asked(colour: str, embedding: BaseEmbedding, query: str) -> list[float]:
    if colour == "sync":
        return embedding.get_query_embedding(query)
    return await embedding.aget_query_embedding(query)


async def test_single_texts_and_queries_get_their_prefixes(
    colour: str, embedding: AssistersEmbedding, wire: Wire
) -> None:
    if colour == "sync":
        text = embedding.get_text_embedding(TEXTS[0])
    else:
        text = await embedding.aget_text_embedding(TEXTS[0])
    query = await asked(colour, embedding, QUERY)
    assert wire.sent == [[f"passage: {TEXTS[0]}"], [f"query: {QUERY}"]]
    assert (text, query) == (vector_of(f"passage: {TEXTS[0]}"), vector_of(f"query: {QUERY}"))


@pytest.mark.parametrize("show_progress", [False, True])
@pytest.mark.parametrize("num_workers", [None, 3])
async def test_batches_keep_the_order_and_show_progress(
    colour: str,
    show_progress: bool,
    num_workers: int | None,
    embedding: AssistersEmbedding,
    wire: Wire,
    capsys: pytest.CaptureFixture[str],
) -> None:
    embedding.embed_batch_size, embedding.num_workers = 20, num_workers
    texts = [f"text {n}" for n in range(70)]
    found = await embedded(colour, embedding, texts, show_progress=show_progress)
    assert found == vectors_of(texts)
    assert sorted(map(len, wire.sent)) == [10, 20, 20, 20]
    assert ("Generating embeddings: 100%" in capsys.readouterr().err) is show_progress


async def test_no_texts_send_nothing(
    colour: str, embedding: AssistersEmbedding, wire: Wire
) -> None:
    assert await embedded(colour, embedding, [], show_progress=True) == []
    assert wire.sent == []


@pytest.mark.usefixtures("single_thread")
async def test_a_thousand_texts_go_out_side_by_side(colour: str) -> None:
    texts = [f"text {n}" for n in range(MANY * 100)]
    with gate(MANY) as held:
        embedding = AssistersEmbedding(base_url=held.base_url, max_retries=0)
        assert await embedded(colour, embedding, texts) == vectors_of(texts)
        await embedding.aclose()


@pytest.mark.usefixtures("single_thread")
async def test_async_batches_go_out_side_by_side() -> None:
    texts = [f"text {n}" for n in range(MANY * 100)]
    with gate(MANY) as held:
        embedding = AssistersEmbedding(
            base_url=held.base_url, max_retries=0, embed_batch_size=100, num_workers=MANY
        )
        assert await embedding.aget_text_embedding_batch(texts) == vectors_of(texts)
        await embedding.aclose()


async def test_nothing_blocks_the_loop(guarded: BlockBuster, server: LocalServer) -> None:
    embedding = AssistersEmbedding(base_url=server.base_url, api_key=KEY, embed_batch_size=120)
    with pytest.raises(TransportError, match="BlockingError"):
        embedding.get_query_embedding(QUERY)  # the guard works
    texts = [f"{text} {n}" for text in TEXTS for n in range(20)]
    assert len(await embedding.aget_text_embedding_batch(texts)) == len(texts)
    assert await embedding.aget_query_embedding(QUERY)
    await embedding.aclose()


async def test_a_cache_is_asked_first_and_filled(
    colour: str, embedding: AssistersEmbedding, wire: Wire
) -> None:
    embedding.embeddings_cache = SimpleKVStore()
    for _ in range(2):
        assert await embedded(colour, embedding, list(TEXTS)) == vectors_of(TEXTS)
        assert await asked(colour, embedding, QUERY) == vector_of(f"query: {QUERY}")
    more = [*TEXTS, "Something new."]
    assert await embedded(colour, embedding, more) == vectors_of(more)
    assert list(map(len, wire.sent)) == [len(TEXTS), 1, 1]


class Limiter:
    """LlamaIndex's interface of a rate limiter, counting."""

    def __init__(self) -> None:
        self.turns: list[str] = []

    def acquire(self) -> None:
        self.turns.append("sync")

    async def async_acquire(self) -> None:
        self.turns.append("async")


async def test_a_rate_limiter_gives_each_batch_its_turn(colour: str, wire: Wire) -> None:
    limiter = Limiter()
    embedding = AssistersEmbedding(**wire.options(), embed_batch_size=5, rate_limiter=limiter)
    assert await embedded(colour, embedding, list(TEXTS)) == vectors_of(TEXTS)
    assert await asked(colour, embedding, QUERY)
    assert limiter.turns == [colour] * 3


async def test_queries_are_aggregated(colour: str, embedding: AssistersEmbedding) -> None:
    queries = list(TEXTS[:3])
    if colour == "sync":
        mean = embedding.get_agg_embedding_from_queries(queries)
        last = embedding.get_agg_embedding_from_queries(queries, agg_fn=lambda found: found[-1])
    else:
        mean = await embedding.aget_agg_embedding_from_queries(queries)
        last = await embedding.aget_agg_embedding_from_queries(
            queries, agg_fn=lambda found: found[-1]
        )
    vectors = vectors_of(queries, "query: ")
    assert mean == pytest.approx(np.array(vectors).mean(axis=0).tolist())
    assert last == vectors[-1]


def test_similarity(embedding: AssistersEmbedding) -> None:
    one, other = [3.0, 4.0], [4.0, 3.0]
    assert embedding.similarity(one, other) == pytest.approx(24 / 25)
    assert embedding.similarity(one, other, SimilarityMode.DOT_PRODUCT) == 24
    assert embedding.similarity(one, other, SimilarityMode.EUCLIDEAN) == pytest.approx(-(2**0.5))


async def test_in_a_pipeline_each_node_gets_its_vector_with_the_metadata_meant_for_it(
    colour: str, embedding: AssistersEmbedding, wire: Wire
) -> None:
    documents = [
        Document(
            text=text,
            metadata={"title": f"No. {n}", "page": n},
            excluded_embed_metadata_keys=["page"],
        )
        for n, text in enumerate(TEXTS)
    ]
    pipeline = IngestionPipeline(transformations=[SentenceSplitter(), embedding])
    for _ in range(2):  # the second time from the pipeline's own cache
        if colour == "sync":
            nodes = pipeline.run(documents=documents, show_progress=True)
        else:
            nodes = await pipeline.arun(documents=documents)
        sent = [f"title: No. {n}\n\n{text}" for n, text in enumerate(TEXTS)]
        assert [node.embedding for node in nodes] == vectors_of(sent)
    assert wire.sent == [[f"passage: {text}" for text in sent]]


async def transformed(
    colour: str, embedding: AssistersEmbedding, nodes: list[BaseNode]
) -> list[BaseNode]:
    if colour == "sync":
        return list(embedding(nodes))
    return list(await embedding.acall(nodes))


@pytest.mark.parametrize("blank", ["", " \n"])
async def test_a_blank_node_is_named_before_anything_is_sent(
    colour: str, blank: str, embedding: AssistersEmbedding, wire: Wire
) -> None:
    embedding.embed_batch_size = 2
    nodes: list[BaseNode] = [TextNode(text=text) for text in TEXTS]
    nodes.append(TextNode(text=blank, id_="page-7"))
    with pytest.raises(ConfigurationError, match=re.escape("nodes[8] (id page-7)")):
        await transformed(colour, embedding, nodes)
    assert wire.sent == []
    assert {node.embedding for node in nodes} == {None}


async def test_a_node_of_metadata_alone_is_embedded(
    colour: str, embedding: AssistersEmbedding, wire: Wire
) -> None:
    [node] = await transformed(colour, embedding, [TextNode(text="", metadata={"title": "Barns"})])
    assert wire.texts == ["passage: title: Barns"]
    assert node.embedding == vector_of("passage: title: Barns")


async def test_an_index_leaves_empty_nodes_out_and_refuses_white_space(
    colour: str, embedding: AssistersEmbedding, wire: Wire
) -> None:
    asynchronous = colour == "async"
    nodes: list[BaseNode] = [TextNode(text=text) for text in (TEXTS[0], "", TEXTS[1])]
    # LlamaIndex itself drops nodes without a single character.
    index = VectorStoreIndex(nodes, embed_model=embedding, use_async=asynchronous)
    assert len(index.vector_store.data.embedding_dict) == 2  # type: ignore[attr-defined]
    wire.sent.clear()
    with pytest.raises(ConfigurationError, match=r"texts\[1\].*blank"):
        VectorStoreIndex([nodes[0], TextNode(text=" \n")], embed_model=embedding)
    with pytest.raises(ConfigurationError, match=r"texts\[0\].*blank"):
        index.insert_nodes([TextNode(text="")])
    assert wire.sent == []
    assert len(index.vector_store.data.embedding_dict) == 2  # type: ignore[attr-defined]


async def test_a_blank_query_is_refused(
    colour: str, embedding: AssistersEmbedding, wire: Wire
) -> None:
    with pytest.raises(ConfigurationError, match=r"text.*blank"):
        await asked(colour, embedding, " ")
    assert wire.sent == []


async def test_two_stages_over_an_index(
    colour: str, server: LocalServer, best_first: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = best_first()
    embedding = AssistersEmbedding(base_url=server.base_url, api_key=KEY)
    monkeypatch.setattr(Settings, "_embed_model", embedding)
    index = VectorStoreIndex.from_documents([Document(text=text) for text in TEXTS])
    retriever = index.as_retriever(similarity_top_k=len(TEXTS))
    reranker = AssistersRerank(base_url=server.base_url, api_key=KEY, top_n=3)
    if colour == "sync":
        found = reranker.postprocess_nodes(retriever.retrieve(QUERY), query_str=QUERY)
    else:
        candidates = await retriever.aretrieve(QUERY)
        found = await reranker.apostprocess_nodes(candidates, query_str=QUERY)
    assert [node.text for node in found] == expected[:3]
    assert embedding.total_usage.requests == 2
    for connected in (embedding, reranker):
        await connected.aclose()


def test_settings_take_it_and_lend_it_their_callbacks(
    embedding: AssistersEmbedding, monkeypatch: pytest.MonkeyPatch
) -> None:
    callbacks = CallbackManager()
    monkeypatch.setattr(Settings, "_embed_model", None)
    monkeypatch.setattr(Settings, "_callback_manager", callbacks)
    assert resolve_embed_model(embedding) is embedding
    monkeypatch.setattr("llama_index.core.settings.resolve_embed_model", resolve_embed_model)
    Settings.embed_model = embedding
    assert Settings.embed_model is embedding
    assert embedding.callback_manager is callbacks


@pytest.mark.parametrize(
    ("answer", "error"), [(REFUSED, AuthenticationError), (BROKEN_VECTORS, ContractError)]
)
async def test_errors_reach_the_caller_without_the_key(
    colour: str, answer: tuple[int, object], error: type[AssistersError]
) -> None:
    wire = Wire(answer)
    embedding = AssistersEmbedding(api_key=KEY, **wire.options())
    with pytest.raises(error) as raised:
        await embedded(colour, embedding, [TEXTS[0]])
    assert wire.headers[0]["Authorization"] == f"Bearer {KEY}"
    assert KEY not in f"{raised.value!r} {raised.value} {vars(raised.value)}"


async def test_a_dead_server_is_a_transport_error(colour: str, dead_url: str) -> None:
    embedding = AssistersEmbedding(base_url=dead_url, api_key=KEY, max_retries=0)
    with pytest.raises(TransportError) as raised:
        await asked(colour, embedding, QUERY)
    assert KEY not in f"{raised.value!r} {raised.value}"
