"""The request's bytes: exactly the contract's fields, UTF-8, and the key in one header only."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from pydantic import SecretStr

from assisters_rerank.wire import rerank_contract
from assisters_rerank.wire.dialects import Dialect
from assisters_rerank.wire.messages import Recipient, Request

from ..answers import honest
from ..scripted_port import ScriptedPort, rank
from ..texts import lists, on_the_wire

KEY = "ask_SECRET-0123456789"


def encoded(
    documents: list[str], query: str = "q", top_n: int | None = None, key: str | None = None
) -> Request:
    secret = None if key is None else SecretStr(key)
    to = Recipient("https://host.test/v1/rerank", secret)
    return rerank_contract.encode(
        to, Dialect(), "bge-reranker-v2", query, documents, top_n, "i", {}
    )


def test_the_whole_body_and_the_headers() -> None:
    request = encoded(["eins", "zwei"], "Frage?", 1, KEY)
    assert json.loads(request.body) == {
        "model": "bge-reranker-v2",
        "query": "Frage?",
        "documents": ["eins", "zwei"],
        "top_n": 1,
        "return_documents": False,
    }
    assert request.headers == {
        "Content-Type": "application/json",
        "Authorization": f"Bearer {KEY}",
        "Idempotency-Key": "i",
    }
    assert request.url == "https://host.test/v1/rerank"


def test_top_n_is_left_out_when_all_are_wanted() -> None:
    assert "top_n" not in json.loads(encoded(["a", "b"]).body)


@pytest.mark.parametrize(("top_n", "sent"), [(None, None), (1, 1), (2, 2), (3, None), (9, None)])
def test_the_flow_sends_top_n_only_where_it_cuts(top_n: int | None, sent: int | None) -> None:
    port = ScriptedPort([honest])
    rank(port, ["a", "b", "c"], top_n=top_n)
    assert json.loads(port.sent[0].request.body).get("top_n") == sent


def test_a_threshold_stays_here() -> None:
    port = ScriptedPort([honest])
    rank(port, ["a", "b", "c"], score_threshold=0.5)
    assert json.loads(port.sent[0].request.body).keys() == {
        "model", "query", "documents", "return_documents",
    }  # fmt: skip


def test_without_a_key_there_is_no_authorization() -> None:
    assert "Authorization" not in encoded(["a"]).headers


def test_the_key_is_in_the_authorization_header_only() -> None:
    request = encoded(["a"], key=KEY)
    elsewhere = {name: value for name, value in request.headers.items() if name != "Authorization"}
    assert "SECRET" not in f"{request!r}{request.url}{elsewhere}"
    assert b"SECRET" not in request.body


@pytest.mark.parametrize(
    ("text", "wire_text"),
    [
        ("\ud83d", "\ufffd"),
        ("x\ude00y", "x\ufffdy"),
        ("\ud83d\ude00", "😀"),  # two halves that meet
        ("\ude00\ud83d", "\ufffd\ufffd"),
        ("a\x00b", "a\x00b"),
        ("שלום 👩‍👩‍👧 \u202e", "שלום 👩‍👩‍👧 \u202e"),
        ('"\\\n\t', '"\\\n\t'),
        ("\ufeffx", "\ufeffx"),
    ],
)
def test_every_text_leaves_as_valid_utf8(text: str, wire_text: str) -> None:
    request = encoded([text, "ü"], query=f"?{text}")
    content = json.loads(request.body.decode("utf-8", "strict"))
    assert content["documents"] == [wire_text, "ü"]
    assert content["query"] == f"?{wire_text}"


@given(lists)
def test_any_texts_leave_as_valid_utf8(documents: list[str]) -> None:
    content = json.loads(encoded(documents).body.decode("utf-8", "strict"))
    assert content["documents"] == [on_the_wire(text) for text in documents]


def test_texts_are_not_escaped_to_ascii() -> None:
    # A Chinese text as \uXXXX would be twice as long.
    assert "你好".encode() in encoded(["你好"]).body
