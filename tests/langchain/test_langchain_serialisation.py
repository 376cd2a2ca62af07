"""Round trips: LangChain's own format, pickle, copies. Every option comes along, never the key."""

from __future__ import annotations

import copy
import inspect
import json
import pickle
import threading
import warnings
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from langchain_core.documents import Document
from langchain_core.embeddings import DeterministicFakeEmbedding
from langchain_core.load import dumpd, dumps, load, loads
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import ConfigurableField, RunnableLambda
from langchain_core.vectorstores import InMemoryVectorStore

from assisters_rerank import BudgetExceeded, ConfigurationError, MemoryCache
from assisters_rerank.local import LocalServer
from langchain_assisters import AssistersRerank, RerankRetriever

from ..plugins import options
from ..plugins.cases import KEY, QUERY, TEXTS

OPTIONS: dict[str, Any] = {
    **options.RERANK,
    "name": "second stage",  # every Runnable has one
}
NOT_JSON = options.RERANK_LIVE | {"text"}

pytestmark = pytest.mark.filterwarnings("ignore:The function .loads?. is in beta")


def first_line(document: Document) -> str:
    return document.page_content.partition("\n")[0]


@pytest.fixture
def full() -> AssistersRerank:
    return AssistersRerank(api_key=KEY, **OPTIONS)


def options_of(compressor: AssistersRerank) -> dict[str, Any]:
    fields = type(compressor).model_fields.keys() - NOT_JSON
    return {name: getattr(compressor, name) for name in fields}


def trusting() -> dict[str, Any]:
    """What `load` wants to know before it makes objects of a class from outside langchain-core."""
    trust: dict[str, Any] = {"valid_namespaces": ["langchain_assisters"]}
    if "allowed_objects" in inspect.signature(loads).parameters:  # not in langchain-core 1.0
        trust["allowed_objects"] = [AssistersRerank]
    return trust


WAYS: dict[str, Callable[[AssistersRerank], AssistersRerank]] = {
    "loads": lambda c: loads(dumps(c), secrets_map={"ASSISTERS_API_KEY": "other"}, **trusting()),
    "load": lambda c: load(dumpd(c), secrets_map={"ASSISTERS_API_KEY": "other"}, **trusting()),
    "pickle": lambda c: pickle.loads(pickle.dumps(c)),
    "deepcopy": copy.deepcopy,
    "copy": copy.copy,
    "model_copy": lambda c: c.model_copy(),
    "deep model_copy": lambda c: c.model_copy(deep=True),
    "model_dump": lambda c: AssistersRerank(**c.model_dump()),
    "json": lambda c: AssistersRerank.model_validate_json(c.model_dump_json()),
}
COPIES = ["deepcopy", "copy", "model_copy", "deep model_copy"]


def key_sent_by(reranker: AssistersRerank) -> str:
    """The header that a call sends, seen by the user's own client."""
    sent: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200, json={"results": [{"index": 0, "relevance_score": 0.5}]})

    reranker.http_client = httpx.Client(transport=httpx.MockTransport(answer))
    reranker.rerank(QUERY, TEXTS[:1])
    [request] = sent
    return request.headers["Authorization"]


def test_the_options_under_test_are_all_there_are(full: AssistersRerank) -> None:
    assert options_of(full) == OPTIONS
    defaults = options_of(AssistersRerank())
    assert not [name for name in OPTIONS if OPTIONS[name] == defaults[name]]


@pytest.mark.parametrize("way", WAYS)
def test_every_json_able_option_comes_back(full: AssistersRerank, way: str) -> None:
    came_back = WAYS[way](full)
    assert type(came_back) is AssistersRerank
    assert came_back is not full
    assert options_of(came_back) == OPTIONS


@pytest.mark.parametrize("way", WAYS)
async def test_what_comes_back_reranks(server: LocalServer, way: str) -> None:
    with AssistersRerank(base_url=server.base_url) as compressor:
        expected = compressor.rerank(QUERY, TEXTS)
        with WAYS[way](compressor) as came_back:
            assert came_back.rerank(QUERY, TEXTS).results == expected.results
            assert (await came_back.arerank(QUERY, TEXTS)).results == expected.results
            await came_back.aclose()
        # Closing the copy leaves the first one's connections alone.
        assert compressor.rerank(QUERY, TEXTS).results == expected.results


@pytest.mark.parametrize("way", COPIES)
def test_copies_keep_key_clients_and_functions_by_reference(way: str) -> None:
    with httpx.Client() as own:
        titles = Titles()
        compressor = AssistersRerank(api_key=KEY, http_client=own, text=titles.of)
        copied = WAYS[way](compressor)
        assert copied.api_key is not None
        assert copied.api_key.get_secret_value() == KEY
        assert copied.http_client is own
        assert copied.text == titles.of


class Titles:
    """What can't be copied, for a function to be bound to."""

    def __init__(self) -> None:
        self.lock = threading.Lock()

    def of(self, document: Document) -> str:
        return str(document.metadata["title"])


def by_characters(text: str) -> int:
    return len(text)


@pytest.mark.parametrize("way", COPIES)
def test_copies_share_the_cache_and_the_token_counter(way: str) -> None:
    cache = MemoryCache()
    first = AssistersRerank(cache=cache, count_tokens=by_characters)
    copied = WAYS[way](first)
    assert copied.cache is cache
    assert copied.count_tokens is by_characters


@pytest.mark.parametrize("way", [way for way in WAYS if way not in COPIES])
def test_neither_of_them_is_written_down(way: str) -> None:
    with AssistersRerank(cache=MemoryCache(), count_tokens=by_characters) as first:
        came_back = WAYS[way](first)
    assert (came_back.cache, came_back.count_tokens) == (None, None)


@pytest.mark.parametrize("way", WAYS)
async def test_each_has_a_pace_and_a_total_of_its_own(server: LocalServer, way: str) -> None:
    first = AssistersRerank(base_url=server.base_url, requests_per_minute=1, timeout=5)
    first.rerank(QUERY, TEXTS)
    came_back = WAYS[way](first)
    assert came_back.total_usage.requests == 0
    # A minute's request each; a second one would have to wait for longer than the call may take.
    came_back.rerank(QUERY, TEXTS)
    assert (came_back.total_usage.requests, first.total_usage.requests) == (1, 1)
    for spent in (first, came_back):
        with pytest.raises(BudgetExceeded, match="rate limit"):
            spent.rerank(QUERY, TEXTS)
        with pytest.raises(BudgetExceeded, match="rate limit"):
            await spent.arerank(QUERY, TEXTS)
        spent.close()


def test_pickles_hold_neither_key_nor_clients() -> None:
    with httpx.Client() as own:
        pickled = pickle.dumps(AssistersRerank(api_key=KEY, http_client=own, text=first_line))
    assert KEY.encode() not in pickled
    came_back = pickle.loads(pickled)
    assert (came_back.api_key, came_back.http_client) == (None, None)
    assert came_back.text is first_line


def test_a_pickle_takes_its_key_from_the_environment(
    full: AssistersRerank, monkeypatch: pytest.MonkeyPatch
) -> None:
    came_back = pickle.loads(pickle.dumps(AssistersRerank(api_key=KEY)))
    with pytest.raises(ConfigurationError, match="ASSISTERS_API_KEY"):
        came_back.rerank(QUERY, TEXTS)
    monkeypatch.setenv("ASSISTERS_API_KEY", "ask_from_the_environment")
    assert key_sent_by(came_back) == "Bearer ask_from_the_environment"


def test_no_text_about_it_shows_the_key(full: AssistersRerank) -> None:
    around = RerankRetriever(base_retriever=RunnableLambda(lambda query: []), reranker=full)
    shown = [
        repr(full),
        str(full),
        dumps(full),
        json.dumps(dumpd(full)),
        full.model_dump_json(),
        repr(full.model_dump()),
        repr(full.to_json()["kwargs"]),
        repr(full.__dict__),
        repr(list(full)),
        str(full.get_graph().to_json(with_schemas=True)),
        repr(around),
        dumps(around),
        dumps(around | RunnableLambda(len)),
    ]
    assert not [text for text in shown if KEY in text]


def test_a_dump_names_the_variable_of_the_key(full: AssistersRerank) -> None:
    dumped = dumpd(full)
    assert (dumped["lc"], dumped["type"]) == (1, "constructor")
    assert dumped["id"][0] == "langchain_assisters"
    secret = {"lc": 1, "type": "secret", "id": ["ASSISTERS_API_KEY"]}
    assert dumped["kwargs"]["api_key"] == secret
    loaded = load(dumped, secrets_map={"ASSISTERS_API_KEY": "ask_mapped"}, **trusting())
    assert loaded.api_key.get_secret_value() == "ask_mapped"


def test_a_dump_without_a_key_loads_without_one() -> None:
    came_back = loads(dumps(AssistersRerank(**OPTIONS)), **trusting())
    assert came_back.api_key is None
    assert options_of(came_back) == OPTIONS


def test_the_address_is_dumped_even_if_it_came_from_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ASSISTERS_BASE_URL", "http://127.0.0.1:9/there")
    dumped = dumps(AssistersRerank())
    monkeypatch.delenv("ASSISTERS_BASE_URL")
    assert loads(dumped, **trusting()).base_url == "http://127.0.0.1:9/there"


def test_a_function_is_no_json_and_is_left_out_on_request() -> None:
    dumped = dumps(AssistersRerank(top_n=2, text=first_line))
    came_back = loads(dumped, ignore_unserializable_fields=True, **trusting())
    assert came_back.text is None
    assert came_back.top_n == 2


def test_configured_copies_share_the_cache(server: LocalServer, documents: list[Document]) -> None:
    before, cache = len(server.requests), MemoryCache()
    compressor = AssistersRerank(base_url=server.base_url, api_key=KEY, cache=cache)
    configurable = compressor.configurable_fields(top_n=ConfigurableField(id="top_n"))
    for top_n in (1, 2):
        chosen = configurable.with_config(configurable={"top_n": top_n})
        assert len(chosen.invoke({"query": QUERY, "documents": documents})) == top_n
    assert len(server.requests) - before == 1
    assert len(cache) == len(TEXTS)


class FirstStage(BaseRetriever):
    """All documents, in the order in which they are kept."""

    documents: list[Document]

    def _get_relevant_documents(self, query: str, **_: Any) -> list[Document]:
        return list(self.documents)


@pytest.mark.parametrize("way", ["pickle", "deepcopy", "copy", "model_copy", "deep model_copy"])
async def test_a_retriever_around_it_comes_back_whole(
    way: str, server: LocalServer, documents: list[Document], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSISTERS_API_KEY", KEY)  # which a pickle leaves out
    monkeypatch.setenv("ASSISTERS_BASE_URL", server.base_url)
    retriever = RerankRetriever(
        base_retriever=FirstStage(documents=documents),
        reranker=AssistersRerank(base_url=server.base_url, api_key=KEY, text=first_line),
        top_n=2,
        tags=["search"],
    )
    came_back: Any = WAYS[way](retriever)  # type: ignore[arg-type]
    assert came_back is not retriever
    assert (came_back.top_n, came_back.tags) == (2, ["search"])
    assert came_back.invoke(QUERY) == retriever.invoke(QUERY)
    assert await came_back.ainvoke(QUERY) == retriever.invoke(QUERY)
    assert KEY.encode() not in pickle.dumps(came_back)


def test_a_retriever_around_it_keeps_it_through_a_copy(
    compressor: AssistersRerank, documents: list[Document]
) -> None:
    store = InMemoryVectorStore(DeterministicFakeEmbedding(size=16))
    store.add_documents(documents)
    compressor.top_n = 2
    retriever = RerankRetriever(base_retriever=store.as_retriever(), reranker=compressor, top_n=1)
    copied = retriever.model_copy(deep=True)
    assert copied.reranker is not compressor
    assert copied.invoke(QUERY) == retriever.invoke(QUERY)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert KEY not in retriever.model_dump_json(exclude={"base_retriever"})


def test_it_is_shown_with_what_was_given() -> None:
    reranker = AssistersRerank(base_url="http://127.0.0.1:9/v1", top_n=3)
    assert repr(reranker) == "AssistersRerank(base_url='http://127.0.0.1:9/v1', top_n=3)"
    assert "extra_body={'a': 1}" in repr(reranker.with_options(extra_body={"a": 1}))
