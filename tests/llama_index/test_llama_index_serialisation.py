"""Round trips: LlamaIndex's own formats, pickle, copies. All options come along, never the key."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from llama_index.core.callbacks import CallbackManager
from llama_index.core.schema import MetadataMode, NodeWithScore
from llama_index.core.workflow import JsonPickleSerializer, JsonSerializer

from assisters_rerank import BudgetExceeded, ConfigurationError, MemoryCache
from assisters_rerank.local import LocalServer
from llama_index_assisters import AssistersRerank

from ..plugins import options
from ..plugins.cases import KEY, QUERY, TEXTS

OPTIONS: dict[str, Any] = {
    **options.RERANK,
    "metadata_mode": MetadataMode.NONE,
    "keep_retrieval_score": True,
}
NOT_JSON = options.RERANK_LIVE | {"callback_manager"}


def through(
    serializer: JsonSerializer | JsonPickleSerializer, postprocessor: AssistersRerank
) -> AssistersRerank:
    came_back = serializer.deserialize(serializer.serialize(postprocessor))
    assert isinstance(came_back, AssistersRerank)
    return came_back


WAYS: dict[str, Callable[[AssistersRerank], AssistersRerank]] = {
    "dict": lambda p: AssistersRerank.from_dict(p.to_dict()),
    "json": lambda p: AssistersRerank.from_json(p.to_json()),
    "dict through json": lambda p: AssistersRerank.from_dict(json.loads(json.dumps(p.to_dict()))),
    "workflow's json": lambda p: through(JsonSerializer(), p),
    "workflow's pickle": lambda p: through(JsonPickleSerializer(), p),
    "pickle": lambda p: pickle.loads(pickle.dumps(p)),
    "deepcopy": copy.deepcopy,
    "copy": copy.copy,
    "model_copy": lambda p: p.model_copy(),
    "deep model_copy": lambda p: p.model_copy(deep=True),
}
COPIES = ["deepcopy", "copy", "model_copy", "deep model_copy"]


@pytest.fixture
def full() -> AssistersRerank:
    return AssistersRerank(api_key=KEY, **OPTIONS)


def options_of(postprocessor: AssistersRerank) -> dict[str, Any]:
    fields = type(postprocessor).model_fields.keys() - NOT_JSON
    return {name: getattr(postprocessor, name) for name in fields}


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
    assert came_back.metadata_mode is MetadataMode.NONE


@pytest.mark.parametrize("way", WAYS)
async def test_what_comes_back_reranks(
    server: LocalServer, nodes: list[NodeWithScore], way: str
) -> None:
    with AssistersRerank(base_url=server.base_url) as postprocessor:
        expected = postprocessor.postprocess_nodes(nodes, query_str=QUERY)
        with WAYS[way](postprocessor) as came_back:
            assert came_back.postprocess_nodes(nodes, query_str=QUERY) == expected
            assert await came_back.apostprocess_nodes(nodes, query_str=QUERY) == expected
            await came_back.aclose()
        # Closing the copy leaves the first one's connections alone.
        assert postprocessor.postprocess_nodes(nodes, query_str=QUERY) == expected


@pytest.mark.parametrize("way", COPIES)
def test_copies_keep_key_clients_and_callbacks_by_reference(way: str) -> None:
    callbacks = CallbackManager()
    with httpx.Client() as own:
        first = AssistersRerank(api_key=KEY, http_client=own, callback_manager=callbacks)
        copied = WAYS[way](first)
        assert copied.api_key is not None
        assert copied.api_key.get_secret_value() == KEY
        assert copied.http_client is own
        assert copied.callback_manager is callbacks


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
        pickled = pickle.dumps(AssistersRerank(api_key=KEY, http_client=own))
    assert KEY.encode() not in pickled
    came_back = pickle.loads(pickled)
    assert (came_back.api_key, came_back.http_client) == (None, None)
    assert isinstance(came_back.callback_manager, CallbackManager)


def test_a_pickle_takes_its_key_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    came_back = pickle.loads(pickle.dumps(AssistersRerank(api_key=KEY)))
    with pytest.raises(ConfigurationError, match="ASSISTERS_API_KEY"):
        came_back.rerank(QUERY, TEXTS)
    monkeypatch.setenv("ASSISTERS_API_KEY", "ask_from_the_environment")
    assert key_sent_by(came_back) == "Bearer ask_from_the_environment"


def test_no_text_about_it_shows_the_key(full: AssistersRerank) -> None:
    shown = [
        repr(full),
        str(full),
        full.to_json(),
        json.dumps(full.to_dict()),
        full.model_dump_json(),
        repr(full.model_dump()),
        repr(full.__dict__),
        repr(list(full)),
        JsonSerializer().serialize(full),
    ]
    assert not [text for text in shown if KEY in text]
    assert KEY.encode() not in pickle.dumps(full)


def test_the_dictionary_names_the_class_and_is_not_changed_by_reading(
    full: AssistersRerank,
) -> None:
    data = full.to_dict()
    assert data["class_name"] == AssistersRerank.class_name() == "AssistersRerank"
    assert data.keys() == OPTIONS.keys() | {"class_name"}
    before = dict(data)
    AssistersRerank.from_dict(data)
    assert data == before


def test_a_key_can_be_given_while_reading(full: AssistersRerank) -> None:
    came_back = AssistersRerank.from_dict(full.to_dict(), api_key="ask_given")
    assert key_sent_by(came_back) == "Bearer ask_given"


def test_the_address_is_kept_even_if_it_came_from_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ASSISTERS_BASE_URL", "http://127.0.0.1:9/there")
    dumped = AssistersRerank().to_json()
    monkeypatch.delenv("ASSISTERS_BASE_URL")
    assert AssistersRerank.from_json(dumped).base_url == "http://127.0.0.1:9/there"
