"""The key is out of what is shown, and only out of what is shown."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from assisters_rerank import AssistersError, ContractError, MemoryCache, Reranker
from assisters_rerank.wire.redaction import redacted

KEY = "sk-live-0123456789abcdefghij"


@pytest.mark.parametrize(
    "text",
    [
        f"bad key {KEY}",
        f"x{KEY}x",
        " " * 3985 + KEY,
        "x " * 95 + KEY,
        "\\u0073" + KEY[1:],
        "".join(f"\\u{ord(character):04x}" for character in KEY),
    ],
)
def test_a_long_key_is_replaced_wherever_it_stands(text: str) -> None:
    shown = redacted(text, SecretStr(KEY))
    assert len(shown) <= 200
    assert KEY[:6] not in shown
    assert KEY[-6:] not in shown


@given(st.integers(0, 4200), st.sampled_from([" ", "\n", "x "]))
def test_no_cut_leaves_a_part_of_it(before: int, filling: str) -> None:
    text = (filling * before)[:before] + KEY + " and more" * 30
    shown = redacted(text, SecretStr(KEY))
    assert "sk-live" not in shown
    assert "-012345" not in shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("bad key k.", "bad key [api key]."),
        ("reranker of kk", "reranker of kk"),
        ("k", "[api key]"),
    ],
)
def test_a_short_key_is_replaced_only_as_a_word(text: str, shown: str) -> None:
    assert redacted(text, SecretStr("k")) == shown


def test_eight_characters_are_long() -> None:
    assert redacted("x12345678x", SecretStr("12345678")) == "x[api key]x"
    assert redacted("x1234567x", SecretStr("1234567")) == "x1234567x"


def test_text_without_a_key_is_only_cut_and_made_printable() -> None:
    assert redacted("a\n b\x00" + "c" * 300, None) == ("a b?" + "c" * 300)[:200]


def reranker_of(models: list[str], **options: object) -> Reranker:
    answers = iter(models)

    def answer(request: httpx.Request) -> httpx.Response:
        results = [{"index": 0, "relevance_score": 0.5}]
        return httpx.Response(200, json={"model": next(answers), "results": results})

    client = httpx.Client(transport=httpx.MockTransport(answer))
    return Reranker(base_url="https://h.test/v1", http_client=client, **options)


@pytest.mark.parametrize("key", ["k", "a-longer-key"])
def test_what_is_kept_is_the_servers_own(key: str) -> None:
    cache = MemoryCache()
    told = "reranker" if key == "k" else f"reranker of {key}"
    shown = "reranker" if key == "k" else "reranker of [api key]"
    assert reranker_of([told], cache=cache, api_key=key).rerank("q", ["a"]).model == shown
    again = reranker_of([], cache=cache, api_key=key).rerank("q", ["a"])
    assert again.usage.documents_cached == 1
    assert again.model == shown
    assert reranker_of([], cache=cache).rerank("q", ["a"]).model == told


def test_models_are_compared_as_the_server_names_them() -> None:
    key = "a-longer-key"
    reranker = reranker_of(
        [f"m-{key}", "m-[api key]"], api_key=key, max_documents_per_request=1, max_concurrency=1
    )
    with pytest.raises(ContractError, match="different models") as caught:
        reranker.rerank("q", ["a", "b"])
    assert key not in str(caught.value)


@pytest.mark.parametrize(
    ("body", "content_type", "said"),
    [
        (b"missing field `texts`", "text/plain", "missing field `texts`"),
        (b"y" * 500, "text/plain", "y" * 200 + r"\."),
        (b'{"errors": [{"message": "AiError", "code": 5006}]}', "application/json", "AiError"),
        (b'{"errors": ["no such thing"]}', "application/json", "no such thing"),
        (b'[{"error": {"message": "google style"}}]', "application/json", "google style"),
        (b'{"Message": "capital M"}', "application/json", "capital M"),
        (b'{"detail": "no balance"}', "application/json", "no balance"),
        (b'{"detail": [{"msg": "required"}]}', "application/json", "required"),
        (b'"only a string"', "application/json", "only a string"),
        (b"<html><head><title>502 Bad &amp; ugly</title>", "text/html", "'502 Bad & ugly'"),
        (b"<!DOCTYPE html><body>x", "text/html", r"a web page instead of JSON\."),
        (b"\xff\xfe no utf-8", "text/plain", "no utf-8"),
    ],
)
@pytest.mark.parametrize("status", [400, 401, 422, 429, 500, 503])
def test_the_servers_own_words(body: bytes, content_type: str, said: str, status: int) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        headers = {"content-type": content_type, "x-litellm-call-id": "call-1"}
        return httpx.Response(status, content=body, headers=headers)

    client = httpx.Client(transport=httpx.MockTransport(answer))
    reranker = Reranker(base_url="https://h.test/v1", http_client=client, max_retries=0)
    with pytest.raises(AssistersError, match=said) as caught:
        reranker.rerank("q", ["a"])
    assert getattr(caught.value, "request_id", None) == "call-1"


def test_a_request_id_of_the_servers_own_comes_first() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        headers = {"x-litellm-call-id": "call-1", "x-request-id": "r-1"}
        results = [{"index": 0, "relevance_score": 0.5}]
        return httpx.Response(200, json={"results": results}, headers=headers)

    client = httpx.Client(transport=httpx.MockTransport(answer))
    assert Reranker(base_url="https://h.test/v1", http_client=client).rerank(
        "q", ["a"]
    ).request_ids == ("r-1",)
