"""A thousand documents: time against one full request, memory, and connections."""

from __future__ import annotations

import asyncio
import gc
import statistics
import tracemalloc

import httpx

from assisters_rerank import Reranker
from benchmarks.measure import Figure, seconds_of, show
from benchmarks.server import serving
from benchmarks.texts import QUERY, texts_of

# The published latency of bge-reranker-v2, 300 ms for 100 documents.
SECONDS_PER_DOCUMENT = 0.003


def run(rounds: int = 3) -> list[Figure]:
    """1,000 documents, at most 100 a request."""
    with serving(seconds_per_document=SECONDS_PER_DOCUMENT) as base_url:
        figures = asyncio.run(_times(base_url, rounds))
    with serving() as base_url:
        figures.append(Figure("1,000 documents (1 MB), peak", _peak(base_url), 2.5, "MB"))
        figures.append(Figure("50 calls, connections", _connections(base_url), 1, ""))
    return show("Long lists", figures)


async def _times(base_url: str, rounds: int) -> list[Figure]:
    reranker = Reranker(base_url=base_url, api_key="ask_bench")
    short, long = texts_of(100), texts_of(1000)
    await reranker.arerank(QUERY, long)
    one, ten, blocking = [], [], []
    for _ in range(rounds):
        one.append(await seconds_of(lambda: reranker.arerank(QUERY, short)))
        ten.append(await seconds_of(lambda: reranker.arerank(QUERY, long)))
        blocking.append(await seconds_of(lambda: asyncio.to_thread(reranker.rerank, QUERY, long)))
    base = statistics.median(one)
    return [
        Figure("1,000 documents of one request of 100, async", statistics.median(ten) / base, 1.3),
        Figure("the same, sync", statistics.median(blocking) / base, 1.3),
    ]


def _peak(base_url: str) -> float:
    """Megabytes allocated at the highest point of a call, beyond what stood before."""
    reranker = Reranker(base_url=base_url, api_key="ask_bench")
    texts = texts_of(1000)
    reranker.rerank(QUERY, texts)
    gc.collect()
    tracemalloc.start()
    ranking = reranker.rerank(QUERY, texts)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(ranking) == 1000
    return peak / 1e6


def _connections(base_url: str) -> float:
    """Connections that the server saw for 50 calls, one after the other."""
    before = httpx.get(f"{base_url}/counts").json()["connections"]
    with Reranker(base_url=base_url, api_key="ask_bench") as reranker:
        for _ in range(50):
            reranker.rerank(QUERY, ["a document"])
    # The question is a connection of its own.
    return float(httpx.get(f"{base_url}/counts").json()["connections"] - before - 1)
