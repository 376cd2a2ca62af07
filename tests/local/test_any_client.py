"""The local server in the place of other servers: their paths, and their models' names."""

from __future__ import annotations

import httpx
import pytest

from assisters_rerank import Embedder, Reranker
from assisters_rerank.local import LocalServer

from .surroundings import BODY


@pytest.mark.parametrize("prefix", ["", "/v1"])
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/rerank", BODY),
        ("POST", "/embeddings", {"model": "bge-base-en", "input": "a"}),
        ("GET", "/models", None),
        ("GET", "/models/bge-reranker-v2", None),
        ("GET", "/rate-limit", None),
    ],
)
def test_the_prefix_may_be_missing(
    server: LocalServer, prefix: str, method: str, path: str, body: dict[str, object] | None
) -> None:
    root = server.base_url.removesuffix("/v1")
    answer = httpx.request(method, root + prefix + path, json=body, trust_env=False)
    assert answer.status_code == 200


def test_our_own_client_without_the_prefix(server: LocalServer) -> None:
    with Reranker(base_url=server.base_url.removesuffix("/v1")) as reranker:
        assert reranker.rerank("a cat", ["a dog", "a cat"])[0].text == "a cat"


def test_any_model() -> None:
    with LocalServer(any_model=True) as server:
        with Reranker(base_url=server.base_url, model="jina-reranker-v3") as reranker:
            assert reranker.rerank("a cat", ["a dog"]).model == "local-embedded"
        with Embedder(base_url=server.base_url, model="text-embedding-3-small") as embedder:
            assert len(embedder.embed_query("a cat")) == 256
        told = httpx.get(f"{server.base_url}/models/a/model:latest", trust_env=False)
    assert (told.status_code, told.json()["id"]) == (200, "a/model:latest")
    assert server.requests[0].model == "jina-reranker-v3"


def test_other_models_are_refused_otherwise(server: LocalServer) -> None:
    body = BODY | {"model": "jina-reranker-v3"}
    answer = httpx.post(f"{server.base_url}/rerank", json=body, trust_env=False)
    assert answer.json()["error"]["code"] == "invalid_model"
