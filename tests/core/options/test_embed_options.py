"""Prefixes by model, what texts may be, and an embedder as a value: copies, pickles, secrecy."""

from __future__ import annotations

import asyncio
import copy
import json
import logging
import pickle
import traceback
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from assisters_rerank import AssistersError, ConfigurationError, Embedder

from ..embeddings import embedded, vector

KEY = "ask_SECRET-0123456789"
Clients = dict[str, Any]


def listening(asked: list[dict[str, Any]]) -> Clients:
    """Clients whose honest server writes down what it was asked."""

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(json.loads(request.content))
        return httpx.Response(200, json=embedded(asked[-1]))

    transport = httpx.MockTransport(handle)
    return {
        "http_client": httpx.Client(transport=transport),
        "async_http_client": httpx.AsyncClient(transport=transport),
        "base_url": "https://scripted.test/v1",
    }


@pytest.mark.parametrize(
    ("model", "is_e5"),
    [
        ("e5-large-v2", True),
        ("e5-small", True),
        ("E5-Base-v2", True),
        ("intfloat/e5-large-v2", True),
        ("intfloat/multilingual-e5-base", True),
        ("multilingual-e5-large", True),
        ("intfloat/multilingual-e5-large-instruct", False),
        ("e5-mistral-7b-instruct", False),
        ("intfloat/e5-mistral-7b-instruct", False),
        ("bge-base-en", False),
        ("jina-embeddings-v2", False),
        ("assisters-embed-v1", False),
        ("text-embedding-3-large", False),
        ("like5-large", False),
    ],
)
async def test_prefixes_are_for_e5_models(model: str, is_e5: bool) -> None:
    asked: list[dict[str, Any]] = []
    embedder = Embedder(model=model, **listening(asked))
    passage, query = ("passage: a", "query: a") if is_e5 else ("a", "a")
    assert embedder.embed_documents(["a"]) == await embedder.aembed_documents(["a"])
    assert embedder.embed_query("a") == await embedder.aembed_query("a") == vector(query)
    assert [each["input"] for each in asked] == [[passage], [passage], [query], [query]]
    assert {each["model"] for each in asked} == {model}


@pytest.mark.parametrize("model", ["e5-large-v2", "bge-base-en"])
def test_prefixes_can_be_chosen(model: str) -> None:
    asked: list[dict[str, Any]] = []
    plain = Embedder(model=model, query_prefix="", passage_prefix="", **listening(asked))
    plain.embed_query("a")
    plain.embed_documents(["a"])
    own = Embedder(model=model, query_prefix="Represent: ", passage_prefix="> ", **listening(asked))
    own.embed_query("a")
    own.embed_documents(["a"])
    assert [each["input"] for each in asked] == [["a"], ["a"], ["Represent: a"], ["> a"]]


def test_the_model_may_change_and_its_prefixes_with_it() -> None:
    asked: list[dict[str, Any]] = []
    embedder = Embedder(**listening(asked))
    embedder.embed_query("a")
    embedder.model = "bge-base-en"
    embedder.embed_query("a")
    assert [each["input"] for each in asked] == [["query: a"], ["a"]]


UNUSABLE: list[tuple[Any, str]] = [
    ("a text", r"^texts: give a list of strings, not str"),
    ({"id": "a text"}, r"^texts: give a list of strings, not dict"),
    (b"a text", r"^texts: .* not bytes"),
    (None, r"^texts: .* not NoneType"),
    (5, r"^texts: .* not int"),
    (["a", None], r"^texts\[1\]: .* not NoneType"),
    (["a", "b", 3], r"^texts\[2\]: .* not int"),
    ([b"a"], r"^texts\[0\]: .* not bytes"),
    ([["a"]], r"^texts\[0\]: .* not list"),
    (["a", ""], r"^texts\[1\]: it is blank"),
    ([" \n\t"], r"^texts\[0\]: it is blank"),
    (["a", "\u2003\x1c\x85"], r"^texts\[1\]: it is blank"),
    (iter(["a", ""]), r"^texts\[1\]: it is blank"),
]


@pytest.mark.parametrize(("texts", "said"), UNUSABLE)
async def test_unusable_texts_are_named_before_anything_is_sent(
    never_asked: Clients, texts: Any, said: str
) -> None:
    texts_too = copy.copy(texts) if not isinstance(texts, str | bytes) else texts
    embedder = Embedder(api_key=KEY, **never_asked)
    with pytest.raises(ConfigurationError, match=said):
        embedder.embed_documents(texts)
    with pytest.raises(ConfigurationError, match=said):
        await embedder.aembed_documents(texts_too)


@pytest.mark.parametrize("text", ["", " \n", None, 5, b"a", ["a"]], ids=repr)
async def test_an_unusable_query(never_asked: Clients, text: Any) -> None:
    embedder = Embedder(api_key=KEY, **never_asked)
    with pytest.raises(ConfigurationError, match=r"^text: "):
        embedder.embed_query(text)
    with pytest.raises(ConfigurationError, match=r"^text: "):
        await embedder.aembed_query(text)


async def test_no_texts_take_no_request_and_no_key(never_asked: Clients) -> None:
    embedder = Embedder(**never_asked)
    assert embedder.embed_documents([]) == await embedder.aembed_documents(iter([])) == []
    assert embedder.total_usage.requests == 0


def test_without_a_key_the_service_is_not_asked(never_asked: Clients) -> None:
    with pytest.raises(ConfigurationError, match="ASSISTERS_API_KEY"):
        Embedder(**never_asked).embed_query("a")


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("model", ""),
        ("model", 3),
        ("query_prefix", 3),
        ("max_texts_per_request", 0),
        ("max_texts_per_request", True),
        ("timeout", 0),
        ("max_retries", -1),
        ("prices", {"m": -1}),
        ("top_n", 3),
        ("max_text_per_request", 3),
    ],
)
def test_impossible_settings(setting: str, value: object) -> None:
    with pytest.raises(ConfigurationError, match=setting):
        Embedder(**{setting: value})
    if setting in Embedder.model_fields:
        embedder = Embedder()
        with pytest.raises(ConfigurationError, match=setting):
            setattr(embedder, setting, value)


def test_texts_may_come_from_anywhere_and_are_read_once() -> None:
    embedder = Embedder(model="m", **listening([]))
    expected = [vector(text) for text in "abc"]

    class Texts(str):
        __slots__ = ()

    assert embedder.embed_documents(text for text in "abc") == expected
    assert embedder.embed_documents(tuple("abc")) == expected
    assert embedder.embed_documents(map(Texts, "abc")) == expected


COPIERS: dict[str, Callable[[Embedder], Embedder]] = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "model_copy": lambda embedder: embedder.model_copy(),
    "model_copy-update": lambda embedder: embedder.model_copy(update={"max_retries": 3}),
}


@pytest.mark.parametrize("copier", COPIERS.values(), ids=COPIERS)
def test_copies_have_options_and_key_but_a_state_of_their_own(
    copier: Callable[[Embedder], Embedder],
) -> None:
    asked: list[dict[str, Any]] = []
    embedder = Embedder(api_key=KEY, query_prefix="q", **listening(asked))
    embedder.embed_query("a")
    twin = copier(embedder)
    assert type(twin) is Embedder
    assert twin.model_dump() == embedder.model_dump()
    assert twin.api_key is embedder.api_key
    assert twin.total_usage.requests == 0
    assert twin.embed_query("a") == vector("qa")
    assert (embedder.total_usage.requests, twin.total_usage.requests) == (1, 1)
    twin.query_prefix = ""
    assert embedder.query_prefix == "q"


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_keeps_every_option_but_the_secret_and_the_living(protocol: int) -> None:
    embedder = Embedder(
        api_key=KEY, model="m", query_prefix="q", passage_prefix="p", max_texts_per_request=7,
        count_tokens=lambda text: len(text), prices={"m": 0.1}, requests_per_minute=9,
        http_client=httpx.Client(), async_http_client=httpx.AsyncClient(),
    )  # fmt: skip
    data = pickle.dumps(embedder, protocol)
    assert b"SECRET" not in data
    twin = pickle.loads(data)
    assert type(twin) is Embedder
    assert twin.model_dump() == embedder.model_dump()
    assert twin.api_key is twin.http_client is twin.async_http_client is twin.count_tokens is None
    assert Embedder.model_validate_json(embedder.model_dump_json()).model_dump() == (
        embedder.model_dump()
    )


def test_no_face_of_an_embedder_shows_the_key() -> None:
    embedder = Embedder(api_key=KEY)
    for shown in (
        repr(embedder),
        str(vars(embedder)),
        repr(dict(embedder)),
        embedder.model_dump_json(),
        json.dumps(Embedder.model_json_schema()),
        repr(embedder.__getstate__()),
    ):
        assert "SECRET" not in shown


ANSWERS: dict[str, Callable[[httpx.Request], httpx.Response]] = {
    "refused": lambda _: httpx.Response(
        400,
        json={"error": {"message": f"base64 {KEY}", "code": KEY, "param": KEY}},
        headers={"X-Request-ID": KEY},
    ),
    "no-json": lambda _: httpx.Response(200, text=f"Bearer {KEY}"),
    "contract": lambda _: httpx.Response(200, json={"error": KEY}, headers={"X-Request-ID": KEY}),
    "index": lambda _: httpx.Response(200, json={"data": [{"index": KEY, "embedding": KEY}]}),
    "embedding": lambda _: httpx.Response(200, json={"data": [{"index": 0, "embedding": KEY}]}),
    "models": lambda request: httpx.Response(
        200, json=embedded(json.loads(request.content)) | {"model": f"{KEY}{request.content!r}"}
    ),
}


@pytest.mark.parametrize("handler", ANSWERS.values(), ids=ANSWERS)
async def test_no_error_and_no_log_repeats_the_key_after_the_server(
    handler: Callable[[httpx.Request], httpx.Response], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    transport = httpx.MockTransport(handler)
    embedder = Embedder(
        api_key=KEY,
        max_texts_per_request=1,
        http_client=httpx.Client(transport=transport),
        async_http_client=httpx.AsyncClient(transport=transport),
    )
    with pytest.raises(AssistersError) as caught:
        embedder.embed_documents(["a", "b"])
    with pytest.raises(AssistersError) as caught_too:
        await embedder.aembed_documents(["a", "b"])
    for error in (caught.value, caught_too.value):
        told = traceback.TracebackException.from_exception(error, capture_locals=True)
        assert "SECRET" not in f"{error!r}{vars(error)}{error.args}"
        assert "SECRET" not in "".join(told.format())
    assert type(caught.value) is type(caught_too.value)
    assert "SECRET" not in caplog.text


def test_closing_and_contexts() -> None:
    with Embedder(model="m", **listening([])) as embedder:
        assert embedder.embed_query("a") == vector("a")
    assert embedder.embed_query("a") == vector("a")

    async def main() -> None:
        async with embedder as same:
            assert await same.aembed_query("a") == vector("a")

    asyncio.run(main())
