"""Round trips of `AssistersEmbedding`: LlamaIndex's formats, pickle, copies. Never the key."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from llama_index.core.callbacks import CallbackManager
from llama_index.core.ingestion import IngestionPipeline
from llama_index.core.storage.kvstore import SimpleKVStore
from llama_index.core.workflow import JsonPickleSerializer, JsonSerializer

from assisters_rerank import ConfigurationError
from llama_index_assisters import AssistersEmbedding

from ..plugins import options
from ..plugins.cases import KEY, TEXTS
from ..plugins.vectors import Wire, vectors_of

OPTIONS: dict[str, Any] = {
    **options.EMBEDDING,
    "model_name": "bge-base-en",
    "embed_batch_size": 500,
    "num_workers": 3,
}
NOT_JSON = options.SERVICE_LIVE | {"callback_manager", "embeddings_cache", "rate_limiter"}


def through(
    serializer: JsonSerializer | JsonPickleSerializer, embedding: AssistersEmbedding
) -> AssistersEmbedding:
    came_back = serializer.deserialize(serializer.serialize(embedding))
    assert isinstance(came_back, AssistersEmbedding)
    return came_back


WAYS: dict[str, Callable[[AssistersEmbedding], AssistersEmbedding]] = {
    "dict": lambda e: AssistersEmbedding.from_dict(e.to_dict()),
    "json": lambda e: AssistersEmbedding.from_json(e.to_json()),
    "pydantic's dict": lambda e: AssistersEmbedding.model_validate(e.model_dump()),
    "pydantic's json": lambda e: AssistersEmbedding.model_validate_json(e.model_dump_json()),
    "workflow's json": lambda e: through(JsonSerializer(), e),
    "workflow's pickle": lambda e: through(JsonPickleSerializer(), e),
    "pickle": lambda e: pickle.loads(pickle.dumps(e)),
    "deepcopy": copy.deepcopy,
    "copy": copy.copy,
    "model_copy": lambda e: e.model_copy(),
    "deep model_copy": lambda e: e.model_copy(deep=True),
}
COPIES = ["deepcopy", "copy", "model_copy", "deep model_copy"]


def by_characters(text: str) -> int:
    return len(text)


class Limiter:
    """What no JSON can hold."""

    def acquire(self) -> None:
        raise NotImplementedError


@pytest.fixture
def full() -> AssistersEmbedding:
    with httpx.Client() as own:
        return AssistersEmbedding(
            api_key=KEY,
            http_client=own,
            count_tokens=by_characters,
            callback_manager=CallbackManager(),
            embeddings_cache=SimpleKVStore(),
            rate_limiter=Limiter(),
            **OPTIONS,
        )


def options_of(embedding: AssistersEmbedding) -> dict[str, Any]:
    fields = type(embedding).model_fields.keys() - NOT_JSON
    return {name: getattr(embedding, name) for name in fields}


def test_the_options_under_test_are_all_there_are(full: AssistersEmbedding) -> None:
    assert options_of(full) == OPTIONS
    defaults = options_of(AssistersEmbedding())
    assert not [name for name in OPTIONS if OPTIONS[name] == defaults[name]]


@pytest.mark.parametrize("way", WAYS)
async def test_what_comes_back_has_all_options_and_embeds(
    way: str, colour: str, full: AssistersEmbedding, monkeypatch: pytest.MonkeyPatch
) -> None:
    if way == "pickle":  # which leaves the key out, and misses it
        monkeypatch.setenv("ASSISTERS_API_KEY", "ask_of_the_worker")
        monkeypatch.setenv("ASSISTERS_BASE_URL", OPTIONS["base_url"])
    came_back = WAYS[way](full)
    assert type(came_back) is AssistersEmbedding
    assert came_back is not full
    assert options_of(came_back) == OPTIONS
    wire = Wire()
    for name, value in {**wire.options(), "rate_limiter": None}.items():
        setattr(came_back, name, value)
    if colour == "sync":
        found = came_back.get_text_embedding_batch(list(TEXTS))
    else:
        found = await came_back.aget_text_embedding_batch(list(TEXTS))
    assert found == vectors_of(TEXTS, "tell: ")
    assert (came_back.total_usage.requests, full.total_usage.requests) == (1, 0)
    sent = wire.headers[0].get("Authorization")
    others = "Bearer ask_of_the_worker" if way == "pickle" else None
    assert sent == (f"Bearer {KEY}" if way in COPIES else others)


@pytest.mark.parametrize("way", COPIES)
def test_copies_share_what_is_alive(way: str, full: AssistersEmbedding) -> None:
    copied = WAYS[way](full)
    for name in NOT_JSON:
        assert getattr(copied, name) is getattr(full, name)


@pytest.mark.parametrize("way", [way for way in WAYS if way not in COPIES])
def test_what_is_alive_is_not_written_down(way: str, full: AssistersEmbedding) -> None:
    came_back = WAYS[way](full)
    assert isinstance(came_back.callback_manager, CallbackManager)
    for name in NOT_JSON - {"callback_manager"}:
        assert not getattr(came_back, name)


def test_no_text_about_it_shows_the_key(full: AssistersEmbedding) -> None:
    shown = [
        repr(full),
        str(full),
        full.to_json(),
        json.dumps(full.to_dict()),
        full.model_dump_json(),
        repr(full.model_dump()),
        repr(vars(full)),
        repr(list(full)),
        JsonSerializer().serialize(full),
        repr(IngestionPipeline(transformations=[full])),
        pickle.dumps(full).decode("latin-1"),
    ]
    assert not [text for text in shown if KEY in text]


def test_the_dictionary_names_the_class_and_a_key_can_be_given_while_reading(
    full: AssistersEmbedding,
) -> None:
    data = full.to_dict()
    assert data.keys() == OPTIONS.keys() | {"class_name"}
    assert data["class_name"] == AssistersEmbedding.class_name() == "AssistersEmbedding"
    wire = Wire()
    came_back = AssistersEmbedding.from_dict(data, api_key="ask_given", **wire.options())
    came_back.get_query_embedding("q")
    assert wire.headers[0]["Authorization"] == "Bearer ask_given"


def test_a_pickle_takes_its_key_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ASSISTERS_BASE_URL", raising=False)
    came_back = pickle.loads(pickle.dumps(AssistersEmbedding(api_key=KEY)))
    with pytest.raises(ConfigurationError, match="ASSISTERS_API_KEY"):
        came_back.get_query_embedding("q")
    monkeypatch.setenv("ASSISTERS_API_KEY", "ask_from_the_environment")
    wire = Wire()
    came_back.http_client = wire.options()["http_client"]
    came_back.get_query_embedding("q")
    assert wire.headers[0]["Authorization"] == "Bearer ask_from_the_environment"
