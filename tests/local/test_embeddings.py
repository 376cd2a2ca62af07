"""`POST /v1/embeddings`: OpenAI's shape, the contract's refusals, and what it shares."""

from __future__ import annotations

import base64
import json
import logging
import math
import struct
from typing import Any

import httpx
import pytest

from assisters_rerank import estimate_tokens
from assisters_rerank.local import LocalServer, RateLimits
from assisters_rerank.local.http.embedding_request import EMBEDDING_MODELS

from .served import serving
from .surroundings import connect

TEXTS = ["Photosynthesis feeds plants.", "Rain falls.", "慢慢地", "->"]
BODY: dict[str, object] = {"model": "bge-base-en", "input": TEXTS}
KEY = {"Idempotency-Key": "the-key"}


class Steered:
    """An encoder that does as it is told."""

    name = "steered"

    def __init__(self, *vectors: list[float]) -> None:
        self._vectors = list(vectors)
        self.encoded: list[str] = []

    def encode(self, text: str) -> list[float]:
        self.encoded.append(text)
        return self._vectors[(len(self.encoded) - 1) % len(self._vectors)]


def vectors(client: httpx.Client, texts: object, **fields: object) -> list[Any]:
    answer = client.post("/embeddings", content=json.dumps(BODY | {"input": texts} | fields))
    assert answer.status_code == 200, answer.text
    return [entry["embedding"] for entry in answer.json()["data"]]


def test_openais_shape(client: httpx.Client) -> None:
    response = client.post("/embeddings", json=BODY)
    answer = response.json()
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
    assert set(answer) == {"object", "data", "model", "usage"}
    assert (answer["object"], answer["model"]) == ("list", "local-static")
    assert [entry["index"] for entry in answer["data"]] == [0, 1, 2, 3]
    assert {entry["object"] for entry in answer["data"]} == {"embedding"}
    assert {len(entry["embedding"]) for entry in answer["data"]} == {256}
    tokens = sum(map(estimate_tokens, TEXTS))
    assert answer["usage"] == {"prompt_tokens": tokens, "total_tokens": tokens}
    assert response.headers["x-request-id"].startswith("req-")
    assert response.headers["x-ratelimit-limit-rpm"] == "500"


def test_a_string_alone_is_one_text(client: httpx.Client) -> None:
    assert vectors(client, TEXTS[0]) == vectors(client, TEXTS[:1])


def test_base64_is_the_same_in_little_endian_float32(client: httpx.Client) -> None:
    plain = vectors(client, TEXTS, encoding_format="float")
    coded = vectors(client, TEXTS, encoding_format="base64")
    decoded = [list(struct.unpack("<256f", base64.b64decode(text))) for text in coded]
    assert decoded == plain == vectors(client, TEXTS, encoding_format=None)


def test_vectors_have_length_1_and_mean_something(client: httpx.Client) -> None:
    texts = ["how do plants eat", *TEXTS, "a\x00", "\ud800", "\u200b", "😀", "x" * 40_000]
    found = vectors(client, texts)
    assert [math.hypot(*vector) for vector in found] == pytest.approx([1] * len(texts), abs=1e-6)

    def cosine(a: list[float], b: list[float]) -> float:
        return sum(x * y for x, y in zip(a, b, strict=True))

    assert cosine(found[0], found[1]) > cosine(found[0], found[2]) + 0.1


def test_a_vector_depends_on_its_text_alone(client: httpx.Client) -> None:
    together = vectors(client, TEXTS)
    assert [vectors(client, text)[0] for text in TEXTS] == together
    assert vectors(client, [*reversed(TEXTS), "another"])[:4] == together[::-1]


def test_e5_marks_are_taken_off_for_e5_alone(client: httpx.Client) -> None:
    plain = vectors(client, "how do plants eat", model="e5-large-v2")
    for mark in ("query: ", "passage: "):
        assert vectors(client, f"{mark}how do plants eat", model="e5-large-v2") == plain
        assert vectors(client, f"{mark}how do plants eat") != plain
    assert vectors(client, "query: passage: x", model="e5-large-v2") != vectors(client, "x")
    assert vectors(client, "my query: x", model="e5-large-v2") != vectors(client, "x")
    # Nothing would be left.
    assert vectors(client, "query: ", model="e5-large-v2") == vectors(client, "query: ")


def test_usage_counts_the_marks_too(client: httpx.Client) -> None:
    body = BODY | {"model": "e5-large-v2", "input": "query: cats"}
    usage = client.post("/embeddings", json=body).json()["usage"]
    assert usage["total_tokens"] == estimate_tokens("query: cats")


@pytest.mark.parametrize("model", EMBEDDING_MODELS)
def test_every_id_of_the_service_is_taken_and_listed(client: httpx.Client, model: str) -> None:
    assert vectors(client, "a text", model=model) == vectors(client, "a text")
    listed = {entry["id"]: entry for entry in client.get("/models").json()["data"]}
    assert listed[model] == {
        "id": model,
        "object": "model",
        "type": "embedding",
        "provider": None,
        "pricing": {"currency": "USD", "per_million_tokens": None},
        "limits": {"max_tokens": None, "max_inputs": 100},
    }
    assert client.get(f"/models/{model}").json() == listed[model]


REFUSED: list[tuple[dict[str, Any], str, str, str]] = [
    ({"model": None}, "missing_parameter", "model", "required"),
    ({"model": 3}, "invalid_parameter", "model", "string"),
    ({"model": "bge-reranker-v2"}, "invalid_model", "model", "e5-large-v2"),
    ({"input": None}, "missing_parameter", "input", "required"),
    ({"input": []}, "invalid_parameter", "input", "at least one"),
    ({"input": {"text": "a"}}, "invalid_parameter", "input", "string"),
    ({"input": 5}, "invalid_parameter", "input", "string"),
    ({"input": [1, 2, 3]}, "invalid_parameter", "input", "token ids"),
    ({"input": [[1, 2], [3]]}, "invalid_parameter", "input", "token ids"),
    ({"input": ["a", 1]}, "invalid_parameter", "input", "token ids"),
    ({"input": ["a", None]}, "invalid_parameter", "input[1]", "string"),
    ({"input": ["a", True]}, "invalid_parameter", "input[1]", "string"),
    ({"input": ["a"] * 101}, "invalid_parameter", "input", "limit is 100"),
    ({"input": ""}, "invalid_parameter", "input", "blank"),
    ({"input": " \n\u3000"}, "invalid_parameter", "input", "blank"),
    ({"input": ["a", "b", "\t"]}, "invalid_parameter", "input[2]", "blank"),
    ({"encoding_format": "int8"}, "invalid_parameter", "encoding_format", "base64"),
    ({"encoding_format": ["float"]}, "invalid_parameter", "encoding_format", "base64"),
]


@pytest.mark.parametrize(("change", "code", "param", "said"), REFUSED)
def test_unusable_parameters(
    client: httpx.Client, change: dict[str, Any], code: str, param: str, said: str
) -> None:
    response = client.post("/embeddings", json=BODY | change)
    error = response.json()["error"]
    assert (response.status_code, error["type"]) == (400, "invalid_request_error")
    assert (error["code"], error["param"]) == (code, param)
    assert said in error["message"]


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b"[" * 10**6], ids=range(4))
def test_bodies_that_are_no_json_object(client: httpx.Client, body: bytes) -> None:
    error = client.post("/embeddings", content=body).json()["error"]
    assert error["code"] == "invalid_request"


def test_unknown_fields_are_ignored(client: httpx.Client) -> None:
    assert vectors(client, "a", user="me", dimensions=None) == vectors(client, "a")


def test_a_full_request_is_served(client: httpx.Client) -> None:
    assert len(vectors(client, ["a"] * 100)) == 100


def test_other_methods_are_refused(client: httpx.Client) -> None:
    assert client.get("/embeddings").status_code == 405


def test_a_key_is_asked_for() -> None:
    with LocalServer(api_key="ask_right") as server, connect(server) as client:
        refused = client.post("/embeddings", json=BODY)
        let_in = client.post(
            "/embeddings", json=BODY, headers={"Authorization": "Bearer ask_right"}
        )
    assert (refused.status_code, refused.json()["error"]["code"]) == (401, "invalid_api_key")
    assert let_in.status_code == 200
    assert [request.status for request in server.embedding_requests] == [401, 200]
    assert "ask_right" not in repr(server.embedding_requests)


def test_limits_are_shared_with_reranks() -> None:
    limits = RateLimits(requests_per_minute=2, tokens_per_minute=20)
    rerank = {"model": "rerank-v1", "query": "a", "documents": ["b"]}
    with LocalServer(limits=limits) as server, connect(server) as client:
        assert client.post("/rerank", json=rerank).status_code == 200
        too_long = client.post("/embeddings", json=BODY | {"input": "word " * 100})
        assert (too_long.status_code, too_long.json()["error"]["type"]) == (429, "rate_limit_error")
        assert 1 <= int(too_long.headers["retry-after"]) <= 60
        assert client.post("/embeddings", json=BODY | {"input": ""}).status_code == 400
        assert client.post("/embeddings", json=BODY | {"input": "a"}).status_code == 429
        window = client.get("/rate-limit").json()
    assert window["requests"]["remaining"] == 0
    assert window["tokens"]["remaining"] == 18


def test_a_repeated_request_gets_its_first_answer() -> None:
    encoder = Steered([1.0], [2.0])
    with LocalServer(encoder=encoder) as server, connect(server) as client:
        first, second = (
            client.post("/embeddings", json=BODY | {"input": "a"}, headers=KEY) for _ in range(2)
        )
        other = client.post("/embeddings", json=BODY | {"input": "b"}, headers=KEY)
    assert first.content == second.content
    assert (other.status_code, other.json()["error"]["param"]) == (400, "Idempotency-Key")
    assert encoder.encoded == ["a"]
    told = [(request.status, request.replayed) for request in server.embedding_requests]
    assert told == [(200, False), (200, True), (400, False)]


def test_requests_are_recorded_beside_the_reranks(
    server: LocalServer, client: httpx.Client
) -> None:
    server.embedding_requests.clear()
    client.post("/embeddings", json=BODY | {"encoding_format": "base64"}, headers={"X-Mine": "1"})
    refused = client.post("/embeddings", content=b"{")
    first, second = server.embedding_requests
    assert (first.status, first.model, first.encoding_format) == (200, "bge-base-en", "base64")
    assert (list(first.texts), first.headers["x-mine"]) == (TEXTS, "1")
    assert (second.status, second.texts) == (400, ())
    assert second.request_id == refused.headers["x-request-id"]
    assert server.requests == []


def test_latency_is_for_models_with_published_figures() -> None:
    with LocalServer(latency=True, encoder=Steered([1.0])) as server, connect(server) as client:
        taken = client.post("/embeddings", json=BODY | {"input": ["a"] * 100})
    assert float(taken.headers["x-processing-time-ms"]) < 300  # a rerank's, of as many documents


def test_an_encoder_of_ones_own() -> None:
    encoder = Steered([1.0, 0.5], [0.1, -3.0])
    with LocalServer(encoder=encoder) as server, connect(server) as client:
        answer = client.post("/embeddings", json=BODY | {"input": ["a", "b"]}).json()
    assert answer["model"] == "steered"
    assert answer["data"][0]["embedding"] == [1.0, 0.5]
    # What comes is what 32 bits hold, in either encoding.
    assert answer["data"][1]["embedding"] == [struct.unpack("f", struct.pack("f", 0.1))[0], -3.0]
    assert encoder.encoded == ["a", "b"]


@pytest.mark.parametrize(
    "encoder",
    [Steered([1.0], [1.0, 2.0]), Steered([]), Steered([math.nan]), Steered([1e300]), Steered()],
    ids=["lengths", "empty", "nan", "beyond-32-bits", "raises"],
)
def test_an_encoder_that_fails(encoder: Steered, caplog: pytest.LogCaptureFixture) -> None:
    with LocalServer(encoder=encoder) as server, connect(server) as client:
        response = client.post("/embeddings", json=BODY | {"input": ["a", "b"]})
    assert (response.status_code, response.json()["error"]["type"]) == (500, "server_error")
    assert "encoder" in response.json()["error"]["message"]
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert [request.status for request in server.embedding_requests] == [500]


def test_the_command_serves_them_and_says_so_in_its_log() -> None:
    with serving() as served:
        answer = httpx.post(f"{served.base_url}/embeddings", json=BODY, trust_env=False)
        assert len(answer.json()["data"]) == 4
        _, _, log = served.end()
    assert "200 POST /v1/embeddings  4 texts" in log
