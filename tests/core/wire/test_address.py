"""Addresses: several ways of writing one server, and query strings that nobody is shown."""

from __future__ import annotations

import asyncio
import json
import pickle

import pytest
from pydantic_core import PydanticSerializationError

from assisters_rerank import (
    ConfigurationError,
    Embedder,
    InvalidRequestError,
    MemoryCache,
    Ranking,
    Reranker,
    TransportError,
)
from assisters_rerank.local import service_or_local
from assisters_rerank.wire.address import endpoint, key_parameters, short_form, shown, usable_url

from ...faults.answers import says
from ...faults.server import HostileServer

# Pydantic wraps what a serializer raises.
REFUSED = (ConfigurationError, PydanticSerializationError)


def ranked(reranker: Reranker, colour: str) -> Ranking:
    if colour == "sync":
        return reranker.rerank("q", ["a"])
    return asyncio.run(reranker.arerank("q", ["a"]))


@pytest.mark.parametrize(
    ("given", "goes_to"),
    [
        ("https://h/v1", "https://h/v1/rerank"),
        ("https://h/v1/", "https://h/v1/rerank"),
        ("https://h/v1/rerank", "https://h/v1/rerank"),
        ("https://h/v1/rerank/", "https://h/v1/rerank"),
        ("https://h/v1/reranking", "https://h/v1/reranking"),
        ("https://h/v1/reranks", "https://h/v1/reranks"),
        ("https://h/v1?api-version=2", "https://h/v1/rerank?api-version=2"),
        ("https://h/v1/rerank?api-version=2&x=", "https://h/v1/rerank?api-version=2&x="),
        ("https://h/v1/reranks/?v=2", "https://h/v1/reranks?v=2"),
        ("https://h", "https://h/rerank"),
        ("https://h?v=1", "https://h/rerank?v=1"),
    ],
)
def test_where_a_request_goes(given: str, goes_to: str) -> None:
    assert endpoint(usable_url(given), "/rerank") == goes_to


@pytest.mark.parametrize(
    "given",
    ["http://a b/v1", "http://a\tb/v1", "http://h/v1 x", "http://<host>/v1", "http://h\\v1",
     "http://h|i/v1", '"http://h/v1"', "http://h/v1`"],
)  # fmt: skip
def test_what_stands_in_no_address(given: str) -> None:
    with pytest.raises(ValueError, match="give an http or https address"):
        usable_url(given)


@pytest.mark.parametrize("ending", ["", "/", "/rerank", "/rerank/", "/reranking", "/reranks"])
def test_a_whole_address_and_its_shorter_form_are_one(ending: str) -> None:
    assert short_form(usable_url(f"https://h/v1{ending}")) == "https://h/v1"


def test_a_query_string_is_a_part_of_the_short_form() -> None:
    assert short_form(usable_url("https://h/v1/reranks?v=2")) == "https://h/v1?v=2"


@pytest.mark.parametrize(
    ("url", "seen"),
    [
        ("https://h/v1/rerank", "https://h/v1/rerank"),
        ("https://h/v1?api-version=SECRET", "https://h/v1?api-version=…"),
        ("https://h/v1?a=SECRET&b=SECRET", "https://h/v1?a=…&b=…"),
    ],
)
def test_values_are_not_shown(url: str, seen: str) -> None:
    assert shown(url) == seen


@pytest.mark.parametrize(
    "name",
    ["key", "api_key", "api-key", "apikey", "apiKey", "subscription-key", "code", "sig", "token",
     "access_token", "accessToken", "client_secret", "X-Amz-Signature"],
)  # fmt: skip
def test_what_is_called_like_a_key(name: str) -> None:
    assert key_parameters(f"https://h/v1?v=1&{name}=x") == ((name, "x"),)


@pytest.mark.parametrize("name", ["api-version", "monkey", "keyspace", "codec", "design", "region"])
def test_what_is_not(name: str) -> None:
    assert key_parameters(f"https://h/v1?{name}=x") == ()


@pytest.mark.parametrize("make", [Reranker, Embedder])
def test_dumps_refuse_an_address_with_a_key(make: type[Reranker] | type[Embedder]) -> None:
    with_key = make(base_url="https://h/v1?key=SECRET")
    assert "SECRET" not in repr(with_key)
    for dump in (with_key.model_dump, with_key.model_dump_json, lambda: pickle.dumps(with_key)):
        with pytest.raises(REFUSED, match="base_url: its parameter key") as caught:
            dump()
        assert "SECRET" not in str(caught.value)
    with_version = make(base_url="https://h/v1?api-version=2")
    assert pickle.loads(pickle.dumps(with_version)).base_url == with_version.base_url
    assert json.loads(with_version.model_dump_json())["base_url"] == with_version.base_url


@pytest.mark.parametrize("colour", ["sync", "async"])
def test_the_query_string_is_sent_and_not_shown(colour: str, honest_server: HostileServer) -> None:
    ranked(Reranker(base_url=f"{honest_server.url}?api-version=SECRET"), colour)
    assert honest_server.requests[0].target.endswith("/rerank?api-version=SECRET")
    lost = Reranker(base_url="http://127.0.0.1:9/v1?api-version=SECRET", max_retries=0)
    with pytest.raises(TransportError, match="api-version=…") as caught:
        ranked(lost, colour)
    assert "SECRET" not in str(caught.value)


def test_one_cache_for_both_forms(honest_server: HostileServer) -> None:
    cache = MemoryCache()
    Reranker(base_url=honest_server.url, cache=cache).rerank("q", ["a"])
    Reranker(base_url=f"{honest_server.url}/rerank", cache=cache).rerank("q", ["a"])
    assert len(honest_server.requests) == 1


@pytest.mark.parametrize("colour", ["sync", "async"])
def test_a_server_that_repeats_a_key_of_the_address_does_not_show_it(colour: str) -> None:
    key = "KEY-SECRET-0123456789"
    with HostileServer([says(f'{{"error": "no such key: {key}"}}', 400)]) as server:
        reranker = Reranker(base_url=f"{server.url}?api-version=2&code={key}")
        with pytest.raises(InvalidRequestError, match="no such key") as caught:
            ranked(reranker, colour)
    assert key not in str(caught.value)
    assert key not in reranker.redact(f"it was {key}")


@pytest.mark.parametrize("colour", ["sync", "async"])
def test_no_log_line_shows_the_values(colour: str, caplog: pytest.LogCaptureFixture) -> None:
    """Nor those that say that a service is down, and what passes through meanwhile."""
    lost = Reranker(
        base_url="http://127.0.0.1:9/v1?code=SECRET",
        max_retries=0,
        on_error="passthrough",
        passthrough_after=1,
    )
    with caplog.at_level("DEBUG"), lost:
        reasons = [ranked(lost, colour).degraded_reason for _ in range(2)]
    assert "code=…" in caplog.text
    assert "SECRET" not in caplog.text + str(reasons)


def test_the_sentence_on_who_scores_shows_no_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSISTERS_BASE_URL", "http://127.0.0.1:9/v1?code=SECRET")
    server = service_or_local()
    assert "code=…" in server.reason
    assert "SECRET" not in server.reason + repr(server)
    assert server.base_url.endswith("?code=SECRET")
