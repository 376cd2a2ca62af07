"""`AssistersEmbeddings` inside LangChain's stores, caches, filters and retrievers."""

from __future__ import annotations

import asyncio
import copy
import math
import pickle
from collections.abc import Callable, Sequence
from typing import Any

import httpx
import pytest
from blockbuster import BlockBuster
from langchain_classic.embeddings import CacheBackedEmbeddings
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.stores import InMemoryByteStore
from langchain_core.vectorstores import InMemoryVectorStore, VectorStore

from assisters_rerank import (
    AssistersError,
    AuthenticationError,
    ConfigurationError,
    ContractError,
    TransportError,
)
from assisters_rerank.local import LocalServer
from langchain_assisters import AssistersEmbeddings, AssistersRerank, RerankRetriever

from ..plugins import options
from ..plugins.cases import KEY, QUERY, REFUSED, TEXTS
from ..plugins.gate import gate
from ..plugins.vectors import BROKEN_VECTORS, Wire, vector_of, vectors_of

BestFirst = Callable[..., list[str]]
MANY = 10

OPTIONS, NOT_JSON = options.EMBEDDING, options.SERVICE_LIVE

WAYS: dict[str, Callable[[AssistersEmbeddings], AssistersEmbeddings]] = {
    "pickle": lambda e: pickle.loads(pickle.dumps(e)),
    "deepcopy": copy.deepcopy,
    "copy": copy.copy,
    "model_copy": lambda e: e.model_copy(),
    "deep model_copy": lambda e: e.model_copy(deep=True),
    "model_dump": lambda e: AssistersEmbeddings(**e.model_dump()),
    "json": lambda e: AssistersEmbeddings.model_validate_json(e.model_dump_json()),
}
COPIES = ["deepcopy", "copy", "model_copy", "deep model_copy"]


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def embeddings(wire: Wire) -> AssistersEmbeddings:
    return AssistersEmbeddings(api_key=KEY, **wire.options())


async def embedded(colour: str, embeddings: Embeddings, texts: Sequence[str]) -> list[list[float]]:
    if colour == "sync":
        return embeddings.embed_documents(list(texts))
    return await embeddings.aembed_documents(list(texts))


async def asked(colour: str, embeddings: Embeddings, query: str) -> list[float]:
    if colour == "sync":
        return embeddings.embed_query(query)
    return await embeddings.aembed_query(query)


async def stored(colour: str, embeddings: Embeddings, documents: list[Document]) -> VectorStore:
    if colour == "sync":
        return InMemoryVectorStore.from_documents(documents, embeddings)
    return await InMemoryVectorStore.afrom_documents(documents, embeddings)


async def added(colour: str, store: VectorStore, texts: Sequence[str]) -> list[str]:
    if colour == "sync":
        return store.add_texts(texts)
    return await store.aadd_texts(texts)


def first_stage(server: LocalServer) -> list[str]:
    """The texts by cosine, from the server's vectors and without our client."""
    texts = [f"query: {QUERY}", *(f"passage: {text}" for text in TEXTS)]
    content = {"model": "e5-large-v2", "input": texts}
    answer = httpx.post(
        f"{server.base_url}/embeddings", json=content, headers={"Authorization": f"Bearer {KEY}"}
    )
    query, *vectors = (entry["embedding"] for entry in answer.json()["data"])

    def cosine(place: int) -> float:
        vector = vectors[place]
        dot = sum(x * y for x, y in zip(query, vector, strict=True))
        return dot / (math.hypot(*query) * math.hypot(*vector))

    return [TEXTS[place] for place in sorted(range(len(TEXTS)), key=cosine, reverse=True)]


async def test_e5_texts_get_their_prefixes_and_vectors_come_by_index(
    colour: str, embeddings: AssistersEmbeddings, wire: Wire
) -> None:
    found = await embedded(colour, embeddings, TEXTS)
    query = await asked(colour, embeddings, QUERY)
    assert wire.sent == [[f"passage: {text}" for text in TEXTS], [f"query: {QUERY}"]]
    assert found == vectors_of(TEXTS)
    assert query == vector_of(f"query: {QUERY}")


async def test_prefixes_can_be_chosen(colour: str, wire: Wire) -> None:
    embeddings = AssistersEmbeddings(
        **wire.options(), query_prefix="ask: ", passage_prefix="", model="e5-large-v2"
    )
    await embedded(colour, embeddings, TEXTS[:1])
    await asked(colour, embeddings, QUERY)
    assert wire.texts == [TEXTS[0], f"ask: {QUERY}"]


async def test_a_store_ranks_by_the_servers_vectors(
    colour: str, server: LocalServer, documents: list[Document]
) -> None:
    expected = first_stage(server)
    assert expected != list(TEXTS), "the texts' own order would pass as a search"
    with AssistersEmbeddings(base_url=server.base_url, api_key=KEY) as embeddings:
        store = await stored(colour, embeddings, documents)
        if colour == "sync":
            found = store.similarity_search(QUERY, k=len(TEXTS))
        else:
            found = await store.asimilarity_search(QUERY, k=len(TEXTS))
        await embeddings.aclose()
    assert [document.page_content for document in found] == expected
    assert embeddings.total_usage.requests == 2
    assert embeddings.total_usage.documents_sent == len(TEXTS) + 1


@pytest.mark.parametrize("way", ["one", "batch"])
async def test_two_stages_end_in_the_rerankers_order(
    colour: str, way: str, server: LocalServer, documents: list[Document], best_first: BestFirst
) -> None:
    queries = [QUERY] if way == "one" else [QUERY, TEXTS[3], TEXTS[1]]
    expected = [best_first(query)[:3] for query in queries]
    embeddings = AssistersEmbeddings(base_url=server.base_url, api_key=KEY)
    store = await stored(colour, embeddings, documents)
    retriever = RerankRetriever(
        base_retriever=store.as_retriever(search_kwargs={"k": len(TEXTS)}),
        reranker=AssistersRerank(base_url=server.base_url, api_key=KEY),
        top_n=3,
    )
    if colour == "sync":
        found = retriever.batch(queries) if way == "batch" else [retriever.invoke(QUERY)]
    else:
        found = (
            await retriever.abatch(queries) if way == "batch" else [await retriever.ainvoke(QUERY)]
        )
    assert [[document.page_content for document in ranked] for ranked in found] == expected
    for connected in (embeddings, retriever.reranker):
        await connected.aclose()


async def test_a_cache_keeps_documents_and_queries_apart(
    colour: str, embeddings: AssistersEmbeddings, wire: Wire
) -> None:
    cached = CacheBackedEmbeddings.from_bytes_store(
        embeddings,
        InMemoryByteStore(),
        namespace=embeddings.model,
        query_embedding_cache=InMemoryByteStore(),  # True would mix both up
        key_encoder="sha256",
    )
    texts = [*TEXTS, QUERY]
    for _ in range(2):
        assert await embedded(colour, cached, texts) == vectors_of(texts)
        assert await asked(colour, cached, QUERY) == vector_of(f"query: {QUERY}")
    assert len(wire.sent) == 2  # all documents, and the query


async def test_long_lists_are_split_and_equal_texts_sent_once(
    colour: str, embeddings: AssistersEmbeddings, wire: Wire
) -> None:
    texts = [f"text {n}" for n in range(230)]
    found = await embedded(colour, embeddings, [*texts, *texts[:20]])
    assert found == vectors_of([*texts, *texts[:20]])
    assert sorted(map(len, wire.sent)) == [30, 100, 100]
    assert embeddings.total_usage.documents_duplicate == 20


@pytest.mark.usefixtures("single_thread")
async def test_a_thousand_texts_go_out_side_by_side(colour: str) -> None:
    texts = [f"text {n}" for n in range(MANY * 100)]
    with gate(MANY) as held:
        embeddings = AssistersEmbeddings(base_url=held.base_url, max_retries=0)
        assert await embedded(colour, embeddings, texts) == vectors_of(texts)
        await embeddings.aclose()


@pytest.mark.usefixtures("single_thread")
async def test_async_queries_go_out_side_by_side() -> None:
    with gate(MANY) as held:
        embeddings = AssistersEmbeddings(base_url=held.base_url, max_retries=0)
        found = await asyncio.gather(*(embeddings.aembed_query(text) for text in "abcdefghij"))
        await embeddings.aclose()
    assert found == vectors_of("abcdefghij", "query: ")


async def test_nothing_blocks_the_loop(guarded: BlockBuster, server: LocalServer) -> None:
    embeddings = AssistersEmbeddings(base_url=server.base_url, api_key=KEY)
    with pytest.raises(TransportError, match="BlockingError"):
        embeddings.embed_query(QUERY)  # the guard works
    texts = [f"{text} {n}" for text in TEXTS for n in range(20)]
    assert len(await embeddings.aembed_documents(texts)) == len(texts)
    store = await InMemoryVectorStore.afrom_texts(list(TEXTS), embeddings)
    assert await store.asimilarity_search(QUERY, k=1)
    await embeddings.aclose()


@pytest.mark.parametrize("blank", ["", " \n"])
async def test_a_blank_text_stores_nothing_and_sends_nothing(
    colour: str, embeddings: AssistersEmbeddings, wire: Wire, blank: str
) -> None:
    store = InMemoryVectorStore(embeddings)
    with pytest.raises(ConfigurationError, match=r"texts\[1\].*blank"):
        await added(colour, store, [TEXTS[0], blank])
    with pytest.raises(ConfigurationError, match=r"text.*blank"):
        await asked(colour, embeddings, blank)
    assert store.store == {}
    assert wire.sent == []


async def test_an_empty_list_sends_nothing(
    colour: str, embeddings: AssistersEmbeddings, wire: Wire
) -> None:
    assert await embedded(colour, embeddings, []) == []
    assert wire.sent == []


@pytest.mark.parametrize(
    ("answer", "error"), [(REFUSED, AuthenticationError), (BROKEN_VECTORS, ContractError)]
)
async def test_errors_reach_the_caller_without_the_key(
    colour: str, answer: tuple[int, object], error: type[AssistersError]
) -> None:
    wire = Wire(answer)
    store = InMemoryVectorStore(AssistersEmbeddings(api_key=KEY, **wire.options()))
    with pytest.raises(error) as raised:
        await added(colour, store, TEXTS[:1])
    assert wire.headers[0]["Authorization"] == f"Bearer {KEY}"
    assert KEY not in f"{raised.value!r} {raised.value} {vars(raised.value)}"
    assert store.store == {}


async def test_a_dead_server_is_a_transport_error(colour: str, dead_url: str) -> None:
    embeddings = AssistersEmbeddings(base_url=dead_url, api_key=KEY, max_retries=0)
    with pytest.raises(TransportError) as raised:
        await asked(colour, embeddings, QUERY)
    assert KEY not in f"{raised.value!r} {raised.value}"


def test_a_misspelt_option_is_refused_without_its_value() -> None:
    with pytest.raises(ConfigurationError, match="api_key") as raised:
        AssistersEmbeddings(apikey=KEY)  # type: ignore[call-arg]
    assert KEY not in f"{raised.value!r} {raised.value.__context__!r}"


def options_of(embeddings: AssistersEmbeddings) -> dict[str, Any]:
    fields = type(embeddings).model_fields.keys() - NOT_JSON
    return {name: getattr(embeddings, name) for name in fields}


def test_the_options_under_test_are_all_there_are() -> None:
    assert options_of(AssistersEmbeddings(**OPTIONS)) == OPTIONS
    defaults = options_of(AssistersEmbeddings())
    assert not [name for name in OPTIONS if OPTIONS[name] == defaults[name]]


@pytest.mark.parametrize("way", WAYS)
async def test_what_comes_back_has_all_options_and_embeds(
    way: str, colour: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if way == "pickle":  # which leaves the key out, and misses it
        monkeypatch.setenv("ASSISTERS_API_KEY", "ask_of_the_worker")
        monkeypatch.setenv("ASSISTERS_BASE_URL", OPTIONS["base_url"])
    first = AssistersEmbeddings(api_key=KEY, **OPTIONS)
    came_back = WAYS[way](first)
    assert came_back is not first
    assert options_of(came_back) == OPTIONS
    wire = Wire()
    for name, value in wire.options().items():
        setattr(came_back, name, value)
    assert await embedded(colour, came_back, TEXTS) == vectors_of(TEXTS, "tell: ")
    assert (came_back.total_usage.requests, first.total_usage.requests) == (1, 0)
    sent = wire.headers[0].get("Authorization")
    others = "Bearer ask_of_the_worker" if way == "pickle" else None
    assert sent == (f"Bearer {KEY}" if way in COPIES else others)


def test_no_text_about_it_shows_the_key() -> None:
    embeddings = AssistersEmbeddings(api_key=KEY, **OPTIONS)
    store = InMemoryVectorStore(embeddings)
    shown = [
        repr(embeddings),
        str(embeddings),
        embeddings.model_dump_json(),
        repr(embeddings.model_dump()),
        repr(vars(embeddings)),
        repr(list(embeddings)),
        repr(vars(store)),
        repr(store.as_retriever()),
        pickle.dumps(embeddings).decode("latin-1"),
    ]
    assert not [text for text in shown if KEY in text]
