from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable
from typing import Any

import httpx
import numpy as np
import pytest

from assisters_rerank import estimate_tokens
from assisters_rerank.catalogue import CATALOGUE
from assisters_rerank.local import LocalServer

from .surroundings import BODY, Steered, connect

TEXTS = ["the cat sat", "dogs bark", "a cat and a dog"]


def test_answer_of_the_second_generation(client: httpx.Client) -> None:
    response = client.post("/rerank", json=BODY)
    answer = response.json()
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
    assert set(answer) == {"id", "model", "results", "usage"}
    assert answer["id"].startswith("rerank-")
    assert answer["model"] == "local-embedded"
    assert all(set(result) == {"index", "relevance_score"} for result in answer["results"])
    assert [result["index"] for result in answer["results"]] == [2, 0, 1]
    scores = [result["relevance_score"] for result in answer["results"]]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)


def test_usage_counts_the_query_with_every_document(client: httpx.Client) -> None:
    query, documents = "how does it end", ["Slowly, and with a sigh.", "慢慢地"]
    body = BODY | {"query": query, "documents": documents}
    usage = client.post("/rerank", json=body).json()["usage"]
    tokens = 2 * estimate_tokens(query) + sum(map(estimate_tokens, documents))
    assert usage == {"prompt_tokens": tokens, "total_tokens": tokens}


@pytest.mark.parametrize(
    "model", [*CATALOGUE, "assisters-rerank-v1", "rerank-v1", "rerank-multilingual"]
)
def test_every_id_of_the_service_is_taken_and_the_scorer_named(
    client: httpx.Client, model: str
) -> None:
    assert client.post("/rerank", json=BODY | {"model": model}).json()["model"] == "local-embedded"


def test_results_fall_and_ties_keep_their_order() -> None:
    scores = {"a": 0.2, "b": 0.9, "c": 0.2, "d": 0.9}
    with LocalServer(scorer=Steered(scores.__getitem__)) as server, connect(server) as client:
        results = client.post("/rerank", json=BODY | {"documents": list(scores)}).json()["results"]
    assert [(result["index"], result["relevance_score"]) for result in results] == [
        (1, 0.9),
        (3, 0.9),
        (0, 0.2),
        (2, 0.2),
    ]


@pytest.mark.parametrize(("top_n", "expected"), [(1, 1), (2, 2), (3, 3), (7, 3), (None, 3)])
def test_top_n_cuts(client: httpx.Client, top_n: int | None, expected: int) -> None:
    everything = client.post("/rerank", json=BODY).json()["results"]
    results = client.post("/rerank", json=BODY | {"top_n": top_n}).json()["results"]
    assert results == everything[:expected]


def test_documents_may_be_objects(client: httpx.Client) -> None:
    plain = client.post("/rerank", json=BODY | {"documents": TEXTS}).json()["results"]
    objects = [{"text": TEXTS[0], "id": 7}, {"text": TEXTS[1]}, TEXTS[2]]
    assert client.post("/rerank", json=BODY | {"documents": objects}).json()["results"] == plain


def test_documents_come_back_only_when_asked_for(client: httpx.Client) -> None:
    body = BODY | {"documents": [{"text": TEXTS[0]}, *TEXTS[1:]]}
    with_documents = client.post("/rerank", json=body | {"return_documents": True}).json()
    assert [result["document"] for result in with_documents["results"]] == [
        {"text": TEXTS[result["index"]]} for result in with_documents["results"]
    ]
    for choice in (False, None):
        results = client.post("/rerank", json=body | {"return_documents": choice}).json()["results"]
        assert all("document" not in result for result in results)


def test_texts_of_every_kind_arrive_and_return(client: httpx.Client) -> None:
    texts = ["😀 cat", "\ud800 cat", "cat\x00", "שלום", "", "\u202ecat", "猫", '"\\'] + ["cat"] * 2
    body = json.dumps(BODY | {"query": "cat \udfff", "documents": texts, "return_documents": True})
    answer = client.post("/rerank", content=body.encode()).json()
    returned = {result["index"]: result["document"]["text"] for result in answer["results"]}
    assert [returned[index] for index in range(len(texts))] == texts
    assert answer["results"][-1] == {"index": 4, "relevance_score": 0, "document": {"text": ""}}


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"model": None}, "missing_parameter", "model"),
    ({"model": 3}, "invalid_parameter", "model"),
    ({"model": "gpt-4"}, "invalid_model", "model"),
    ({"model": ""}, "invalid_model", "model"),
    ({"query": None}, "missing_parameter", "query"),
    ({"query": ["a"]}, "invalid_parameter", "query"),
    ({"query": " \n"}, "invalid_parameter", "query"),
    ({"documents": None}, "missing_parameter", "documents"),
    ({"documents": []}, "invalid_parameter", "documents"),
    ({"documents": "text"}, "invalid_parameter", "documents"),
    ({"documents": {"text": "text"}}, "invalid_parameter", "documents"),
    ({"documents": ["a", 1]}, "invalid_parameter", "documents[1]"),
    ({"documents": [None]}, "invalid_parameter", "documents[0]"),
    ({"documents": ["a", "b", {"title": "c"}]}, "invalid_parameter", "documents[2]"),
    ({"documents": [{"text": 5}]}, "invalid_parameter", "documents[0]"),
    ({"documents": ["a"] * 101}, "invalid_parameter", "documents"),
    ({"top_n": 0}, "invalid_parameter", "top_n"),
    ({"top_n": -1}, "invalid_parameter", "top_n"),
    ({"top_n": 1.5}, "invalid_parameter", "top_n"),
    ({"top_n": "3"}, "invalid_parameter", "top_n"),
    ({"top_n": True}, "invalid_parameter", "top_n"),
    ({"return_documents": "yes"}, "invalid_parameter", "return_documents"),
]


@pytest.mark.parametrize(("change", "code", "param"), REFUSED)
def test_unusable_parameters(
    client: httpx.Client, change: dict[str, Any], code: str, param: str
) -> None:
    response = client.post("/rerank", json=BODY | change)
    error = response.json()["error"]
    assert (response.status_code, error["type"]) == (400, "invalid_request_error")
    assert (error["code"], error["param"]) == (code, param)
    assert param in error["message"] or code == "invalid_model"


@pytest.mark.parametrize("absent", ["model", "query", "documents"])
def test_missing_parameters(client: httpx.Client, absent: str) -> None:
    body = {name: value for name, value in BODY.items() if name != absent}
    response = client.post("/rerank", json=body)
    assert response.status_code == 400
    assert response.json()["error"] == {
        "message": f"`{absent}` is required.",
        "type": "invalid_request_error",
        "code": "missing_parameter",
        "param": absent,
    }


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"null", b"[]", b'"text"', b"\xff\xfe{}", b'{"model": "\xff"}', b"[" * 10**6],
    ids=lambda body: repr(body[:12]),
)
def test_bodies_that_are_no_json_object(client: httpx.Client, body: bytes) -> None:
    response = client.post("/rerank", content=body)
    assert response.status_code == 400
    assert response.json()["error"]["code"] == "invalid_request"


def test_the_limit_of_documents_is_the_servers_choice() -> None:
    body = BODY | {"documents": ["a"] * 4}
    with LocalServer(max_documents=3) as server, connect(server) as client:
        refused = client.post("/rerank", json=body)
        assert (refused.status_code, refused.json()["error"]["param"]) == (400, "documents")
        assert "4 entries; the limit is 3" in refused.json()["error"]["message"]
        assert client.post("/rerank", json=body | {"documents": ["a"] * 3}).status_code == 200
        assert client.get("/models/jina-reranker").json()["limits"]["max_documents"] == 3


def test_a_full_request_is_served(client: httpx.Client) -> None:
    results = client.post("/rerank", json=BODY | {"documents": ["a"] * 100}).json()["results"]
    assert [result["index"] for result in results] == list(range(100))


def test_a_key() -> None:
    with LocalServer(api_key="ask_käse") as server, connect(server) as client:
        right = "Bearer ask_käse".encode()
        cases: list[tuple[dict[bytes, bytes], int]] = [
            ({}, 401),
            ({b"Authorization": b"Bearer ask_kase"}, 401),
            ({b"Authorization": b"Bearer"}, 401),
            ({b"Authorization": b"Basic " + right[7:]}, 401),
            ({b"Authorization": right[7:]}, 401),
            ({b"Authorization": right}, 200),
            ({b"Authorization": b"bearer " + right[7:]}, 200),
        ]
        for headers, status in cases:
            for response in (
                client.post("/rerank", json=BODY, headers=headers),
                client.get("/models", headers=headers),
                client.get("/models/jina-reranker", headers=headers),
            ):
                assert response.status_code == status
                if status == 401:
                    assert response.json()["error"] == {
                        "message": "The API key is missing or wrong.",
                        "type": "authentication_error",
                        "code": "invalid_api_key",
                        "param": None,
                    }
        assert [recorded.status for recorded in server.requests] == [401] * 5 + [200] * 2
        assert "käse" not in repr(server.requests)


def test_the_catalogue(client: httpx.Client) -> None:
    catalogue = client.get("/models").json()
    assert catalogue["object"] == "list"
    models = {model["id"]: model for model in catalogue["data"]}
    rerankers = {*CATALOGUE, "assisters-rerank-v1", "rerank-v1", "rerank-multilingual"}
    assert {name for name, model in models.items() if model["type"] == "rerank"} == rerankers
    assert models["bge-reranker-v2"] == {
        "id": "bge-reranker-v2",
        "object": "model",
        "type": "rerank",
        "provider": "BAAI",
        "pricing": {"currency": "USD", "per_million_tokens": 0.05},
        "limits": {"max_tokens": 512, "max_documents": 100},
    }
    assert models["rerank-v1"]["pricing"]["per_million_tokens"] is None
    for model, entry in models.items():
        assert client.get(f"/models/{model}").json() == entry


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/models/gpt-4", 404, "not_found"),
        ("GET", "/models/", 404, "not_found"),
        ("POST", "/rerank/", 404, "not_found"),
        ("POST", "/rank", 404, "not_found"),
        ("GET", "/rerank", 405, "method_not_allowed"),
        ("POST", "/models", 405, "method_not_allowed"),
    ],
)
def test_unknown_resources(
    client: httpx.Client, method: str, path: str, status: int, code: str
) -> None:
    response = client.request(method, path)
    assert (response.status_code, response.json()["error"]["code"]) == (status, code)
    assert response.json()["error"]["type"] == "invalid_request_error"
    assert ("allow" in response.headers) == (status == 405)


@pytest.mark.parametrize(
    ("score", "logged"),
    [(lambda _: 1 / 0, "ZeroDivisionError"), (lambda _: float("nan"), "not a finite number")],
)
def test_a_scorer_that_fails(
    caplog: pytest.LogCaptureFixture, score: Callable[[str], float], logged: str
) -> None:
    with LocalServer(scorer=Steered(score)) as server, connect(server) as client:
        response = client.post("/rerank", json=BODY)
    assert response.status_code == 500
    assert response.json()["error"]["type"] == "server_error"
    assert logged in caplog.text
    assert [recorded.status for recorded in server.requests] == [500]


def test_a_scorer_may_give_numpys_numbers() -> None:
    with (
        LocalServer(scorer=Steered(lambda _: np.float32(0.5))) as server,
        connect(server) as client,
    ):
        results = client.post("/rerank", json=BODY).json()["results"]
    assert [result["relevance_score"] for result in results] == [0.5] * 3


def test_requests_are_recorded(server: LocalServer, client: httpx.Client) -> None:
    client.post("/rerank", json=BODY | {"top_n": 2}, headers={"X-Mine": "1"})
    refused = client.post("/rerank", content=b"{")
    client.get("/models")
    first, second = server.requests
    assert (first.status, first.model, first.query) == (200, BODY["model"], BODY["query"])
    assert (list(first.documents), first.top_n) == (BODY["documents"], 2)
    assert (first.return_documents, first.headers["x-mine"]) == (False, "1")
    assert (second.status, second.query, second.documents) == (400, "", ())
    assert second.request_id == refused.headers["x-request-id"]


def test_a_client_that_hangs_up_leaves_no_trace(
    server: LocalServer, client: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    address = httpx.URL(server.base_url)
    with socket.create_connection((address.host, address.port or 0)) as connection:
        connection.sendall(
            b"POST /v1/rerank HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\n{"
        )
    deadline = time.monotonic() + 10
    while not server.requests:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    assert [recorded.status for recorded in server.requests] == [400]
    assert client.post("/rerank", json=BODY).status_code == 200
    assert not [record for record in caplog.records if record.levelname in ("WARNING", "ERROR")]
