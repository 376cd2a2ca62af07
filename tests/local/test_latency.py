from __future__ import annotations

import time

import pytest

from assisters_rerank.local import LocalServer
from assisters_rerank.local.http.latency import published_latency

from .surroundings import BODY, Steered, connect


@pytest.mark.parametrize(
    ("model", "documents", "milliseconds"),
    [
        ("bge-reranker-v2", 10, 50),
        ("bge-reranker-v2", 50, 150),
        ("bge-reranker-v2", 100, 300),
        ("jina-reranker", 10, 80),
        ("jina-reranker", 50, 250),
        ("jina-reranker", 100, 500),
        ("bge-reranker-v2", 30, 100),
        ("jina-reranker", 75, 375),
        ("bge-reranker-v2", 1, 5),
        ("bge-reranker-v2", 0, 0),
        ("bge-reranker-v2", 200, 600),
        ("assisters-rerank-v1", 100, 0),
    ],
)
def test_published_latency(model: str, documents: int, milliseconds: float) -> None:
    assert published_latency(model, documents) == pytest.approx(milliseconds / 1000)


@pytest.mark.timed
def test_answers_come_no_sooner() -> None:
    body = BODY | {"documents": ["a"] * 30}

    def slowly(_: str) -> float:
        time.sleep(0.002)
        return 0.5

    with (
        LocalServer(latency=True, scorer=Steered(slowly)) as server,
        LocalServer(scorer=Steered(lambda _: 0.5)) as quick_server,
        connect(server) as client,
        connect(quick_server) as quick_client,
    ):
        taken = float(client.post("/rerank", json=body).headers["x-processing-time-ms"])
        quick = float(quick_client.post("/rerank", json=body).headers["x-processing-time-ms"])
        refused = client.post("/rerank", json=body | {"query": " "})
    # The scorer's own 60 ms are part of the 100, not added to them.
    assert 100 <= taken < 155
    assert quick < 50
    assert float(refused.headers["x-processing-time-ms"]) < 50
