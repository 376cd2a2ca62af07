"""`extra_body` and `extra_headers`: sent in every face, checked, and the headers shown nowhere."""

from __future__ import annotations

import asyncio
import copy
import logging
import pickle
from typing import Any

import pytest

from assisters_rerank import AssistersError, ConfigurationError, Embedder, Reranker

from ...faults.answers import says
from ...faults.server import HostileServer

SECRET = "gateway-SECRET-0123456789"


@pytest.mark.parametrize("colour", ["sync", "async"])
def test_both_are_sent(colour: str, honest_server: HostileServer) -> None:
    reranker = Reranker(
        base_url=honest_server.url,
        api_key="ask_x",
        extra_body={"truncate_prompt_tokens": 500, "nested": {"a": [1]}},
        extra_headers={"X-Gateway": SECRET},
    )
    if colour == "sync":
        reranker.rerank("q", ["a"])
    else:
        asyncio.run(reranker.arerank("q", ["a"]))
    [request] = honest_server.requests
    assert request.payload["truncate_prompt_tokens"] == 500
    assert request.payload["nested"] == {"a": [1]}
    assert request.payload["documents"] == ["a"]
    assert request.headers["x-gateway"] == SECRET
    assert request.headers["authorization"] == "Bearer ask_x"


def test_a_header_in_the_keys_place_replaces_it(
    honest_server: HostileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSISTERS_API_KEY", "ask_of_the_variable")
    monkeypatch.setenv("ASSISTERS_BASE_URL", honest_server.url)
    Reranker(extra_headers={"authorization": "Basic dTpw"}).rerank("q", ["a"])
    [request] = honest_server.requests
    assert request.headers["authorization"] == "Basic dTpw"


@pytest.mark.parametrize("name", ["Host", "host"])
@pytest.mark.parametrize("transport", ["sync", "httpx", "aiohttp"])
def test_a_virtual_hosts_name_stands_in_the_place_of_the_addresses(
    name: str, transport: Any, honest_server: HostileServer
) -> None:
    options: dict[str, Any] = {
        "base_url": honest_server.url,
        "extra_headers": {name: "rerank.test"},
    }
    if transport == "sync":
        Reranker(**options).rerank("q", ["a"])
    else:
        asyncio.run(Reranker(**options, async_transport=transport).arerank("q", ["a"]))
    [request] = honest_server.requests
    assert request.headers["host"] == "rerank.test"


@pytest.mark.parametrize(
    ("make", "field", "by"),
    [
        (Reranker, "query", "query"),
        (Reranker, "documents", "documents"),
        (Reranker, "model", "model"),
        (Reranker, "top_n", "top_n"),
        (Embedder, "input", "texts"),
        (Embedder, "model", "model"),
        (Embedder, "encoding_format", "texts"),
    ],
)
def test_what_has_an_argument_of_its_own_is_refused(make: Any, field: str, by: str) -> None:
    with pytest.raises(ConfigurationError, match=f"extra_body: leave out {field}; {by} "):
        make(extra_body={field: "other"})


def test_a_field_is_refused_by_its_name_in_the_dialect() -> None:
    with pytest.raises(ConfigurationError, match="leave out texts; documents"):
        Reranker(dialect="tei", base_url="http://h", model="m", extra_body={"texts": []})
    Reranker(dialect="tei", base_url="http://h", model="m", extra_body={"documents": []})


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ({"a b": SECRET}, "a name is not one"),
        ({"": SECRET}, "a name is not one"),
        ({"a:b": SECRET}, "a name is not one"),
        ({"X": f"{SECRET}\nY: z"}, "the value of X"),
        ({"X": f"{SECRET}é"}, "the value of X"),
        ({"Content-Type": SECRET}, "Content-Type is set by each request itself"),
        ({"accept-encoding": SECRET}, "accept-encoding is set"),
        ({"X": SECRET, "x": SECRET}, "given twice"),
        ({"X": 5}, "extra_headers"),
        ([SECRET], "extra_headers"),
    ],
)
def test_headers_that_cannot_be_sent_are_refused_unshown(headers: Any, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as caught:
        Reranker(extra_headers=headers)
    assert SECRET not in str(caught.value)


def test_headers_are_shown_and_stored_nowhere(
    honest_server: HostileServer, caplog: pytest.LogCaptureFixture
) -> None:
    reranker = Reranker(base_url=honest_server.url, extra_headers={"X-Gateway": SECRET})
    with caplog.at_level(logging.DEBUG):
        reranker.rerank("q", ["a"])
    assert SECRET not in caplog.text
    assert SECRET not in repr(reranker)
    assert SECRET not in str(reranker.model_dump())
    assert SECRET not in reranker.model_dump_json()
    assert SECRET.encode() not in pickle.dumps(reranker)
    for copied in (copy.copy(reranker), copy.deepcopy(reranker), reranker.with_options(top_n=1)):
        copied.rerank("q", ["b"])
        assert honest_server.requests[-1].headers["x-gateway"] == SECRET


def test_a_server_that_repeats_a_header_does_not_show_it() -> None:
    with HostileServer([says(f'{{"error": "bad token {SECRET}"}}', 400)]) as server:
        reranker = Reranker(base_url=server.url, extra_headers={"X-Gateway": SECRET})
        with pytest.raises(AssistersError, match="bad token") as caught:
            reranker.rerank("q", ["a"])
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("make", [Reranker, Embedder])
def test_a_key_and_a_header_in_its_place_are_refused_together(make: Any) -> None:
    with pytest.raises(ConfigurationError, match="extra_headers: Authorization would replace"):
        make(api_key="ask_x", extra_headers={"authorization": "Basic dTpw"})
    with pytest.raises(ConfigurationError, match="would replace api_key"):
        make(extra_headers={"AUTHORIZATION": "Basic dTpw"}).with_options(api_key="ask_x")


def test_the_keys_place_is_the_dialects() -> None:
    pinecone = {"dialect": "pinecone", "model": "m", "api_key": "k"}
    with pytest.raises(ConfigurationError, match="extra_headers: Api-Key would replace api_key"):
        Reranker(**pinecone, extra_headers={"api-key": "other"})
    Reranker(**pinecone, extra_headers={"Authorization": "Basic dTpw"})
