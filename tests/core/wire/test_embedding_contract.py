"""The contract of `/embeddings`: what leaves, and which answers are believed."""

from __future__ import annotations

import json
import math
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from assisters_rerank.errors import ContractError, RateLimitError
from assisters_rerank.wire import embedding_contract
from assisters_rerank.wire.messages import Answer, Recipient

from ..answers import answer, refused
from ..embeddings import coded
from ..texts import on_the_wire, texts

REQUEST = embedding_contract.encode(
    Recipient("https://scripted.test/v1/embeddings", SecretStr("ask_x")),
    "m",
    ["a", "b"],
    "base64",
    "key-1",
    {},
)


def decode(content: object, count: int = 2) -> embedding_contract.Vectors:
    return embedding_contract.decode(answer(content), REQUEST, count)


def raw(body: str, count: int = 2) -> embedding_contract.Vectors:
    return embedding_contract.decode(Answer(200, answer().headers, body.encode()), REQUEST, count)


def data(*embeddings: object) -> dict[str, Any]:
    return {"data": [{"index": i, "embedding": each} for i, each in enumerate(embeddings)]}


def test_the_request() -> None:
    assert REQUEST.url == "https://scripted.test/v1/embeddings"
    assert json.loads(REQUEST.body) == {
        "model": "m",
        "input": ["a", "b"],
        "encoding_format": "base64",
    }
    assert REQUEST.headers["Authorization"] == "Bearer ask_x"
    assert REQUEST.headers["Idempotency-Key"] == "key-1"


@given(st.lists(texts, min_size=1, max_size=5))
def test_any_text_goes_out_as_it_is_but_for_half_characters(given_texts: list[str]) -> None:
    request = embedding_contract.encode(
        Recipient("https://h.test/v1/embeddings"), "m", given_texts, "float", "k", {}
    )
    assert json.loads(request.body)["input"] == [on_the_wire(text) for text in given_texts]
    assert "Authorization" not in request.headers


numbers = st.floats(width=32, allow_nan=False, allow_infinity=False)


@given(st.lists(st.lists(numbers, min_size=3, max_size=3), min_size=1, max_size=5), st.randoms())
def test_both_encodings_come_back_in_the_texts_order(
    vectors: list[list[float]], order: Any
) -> None:
    # Sums of a few largest floats stay within 64 bits.
    for encoded in (list, coded):
        content = data(*map(encoded, vectors))
        order.shuffle(content["data"])
        assert decode(content, len(vectors)).by_index == vectors


def test_whole_numbers_and_mixed_encodings_are_vectors_too() -> None:
    found = decode(data([1, -2, 0.5], coded([0.25, 0.5, 4]))).by_index
    assert found == [[1.0, -2.0, 0.5], [0.25, 0.5, 4.0]]
    assert {type(x) for vector in found for x in vector} == {float}


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"prompt_tokens": 3, "total_tokens": 5}, 5),
        ({"prompt_tokens": 3}, 3),
        ({"prompt_tokens": 3, "total_tokens": "5"}, 3),
        ({"total_tokens": -1}, None),
        ({"total_tokens": True}, None),
        ({"total_tokens": 2**60}, None),
        ({}, None),
        ([], None),
        (None, None),
    ],
)
def test_usage(usage: object, expected: int | None) -> None:
    assert decode(data([1], [2]) | {"usage": usage}).billing.total_tokens == expected


V = [1.0, 2.0]
BROKEN: list[tuple[object, str]] = [
    ([], "a list instead of an object"),
    ({}, "`data` is missing or null instead of a list"),
    ({"data": {"0": V}}, "`data` is an object"),
    (data(), "`data` has vectors for 0 of 2 texts"),
    (data(V), "`data` has vectors for 1 of 2 texts"),
    (data(V, V, V), "index is 2, outside the 2 texts sent"),
    ({"data": [{"index": 0, "embedding": V}] * 2}, "text 0 is embedded twice"),
    ({"data": [{"index": -1, "embedding": V}] * 2}, "index is -1"),
    ({"data": [{"index": True, "embedding": V}]}, "index is a bool"),
    ({"data": [{"index": "0", "embedding": V}]}, "index is a string"),
    ({"data": [{"index": 0.0, "embedding": V}]}, "index is a fraction"),
    ({"data": [{"embedding": V}]}, "index is missing or null"),
    ({"data": [V, V]}, r"data\[0\] is a list instead of an object"),
    (data(V, None), "text 1 is missing or null"),
    (data(V, {"0": 1.0}), "text 1 is an object"),
    (data(V, 1.0), "text 1 is a fraction"),
    (data(V, []), "text 1 is empty"),
    (data(V, ""), "text 1 is empty"),
    (data(V, ["1.0", "2.0"]), "text 1 is a list"),
    (data(V, [1.0, None]), "text 1 is a list"),
    (data(V, [1.0, True]), "text 1 is a list"),
    (data(V, [[1.0, 2.0]]), "text 1 is a list"),
    (data(V, [1.0, 10**400]), "text 1 is not finite"),
    (data(V, [1.0]), r"differ in length: \[1, 2\]"),
    (data(V, coded([1.0])), r"differ in length"),
    (data(V, coded(V)[:-1]), "text 1 is a string, which cannot be read as a vector"),
    (data(V, "AAAA"), "text 1 is a string, which cannot be read as a vector"),
    (data(V, "not base64!"), "text 1 is a string, which cannot be read as a vector"),
    (data(V, "ÄÖÜß"), "text 1 is a string, which cannot be read as a vector"),
    (data(V, " " + coded(V)), "text 1 is a string, which cannot be read as a vector"),
    (data(V, V) | {"error": {"message": "half of it"}}, "reports an error .* half of it"),
]


@pytest.mark.parametrize(("content", "said"), BROKEN)
def test_answers_that_break_the_contract(content: object, said: str) -> None:
    with pytest.raises(ContractError, match=said):
        decode(content)


@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf])
def test_vectors_that_are_not_finite(odd: float) -> None:
    for embedding in ([1.0, odd], coded([1.0, odd])):
        with pytest.raises(ContractError, match="text 1 is not finite"):
            decode(data(V, embedding))
    with pytest.raises(ContractError, match="not finite"):
        decode(data(V, [odd, -odd]))


def test_numbers_that_json_does_not_know() -> None:
    for odd in ("NaN", "Infinity", "-Infinity", "1e999", "9" * 400):
        body = f'{{"data": [{{"index": 0, "embedding": [{odd}, 1]}}]}}'
        with pytest.raises(ContractError, match="not finite"):
            raw(body, 1)


@pytest.mark.parametrize("body", ["", "<html>no</html>", '{"data": [', "9" * 5000, "[" * 10**5])
def test_bodies_that_are_no_json(body: str) -> None:
    with pytest.raises(ContractError, match="answered, but"):
        raw(body)


def test_refusals_are_their_own_errors() -> None:
    with pytest.raises(RateLimitError) as caught:
        embedding_contract.decode(refused(429, retry_after="3"), REQUEST, 2)
    assert caught.value.retry_after == 3


@given(st.binary(max_size=64))
def test_any_base64_is_a_vector_or_a_breach(content: bytes) -> None:
    import base64

    try:
        (vector,) = decode(data(base64.b64encode(content).decode()), 1).by_index
    except ContractError:
        floats = struct.unpack(f"<{len(content) // 4}f", content[: len(content) // 4 * 4])
        assert not content or len(content) % 4 or not all(map(math.isfinite, floats))
    else:
        assert struct.pack(f"<{len(vector)}f", *vector) == content
