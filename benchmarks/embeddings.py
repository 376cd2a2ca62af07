"""A thousand short texts: time against one full request, and the bytes of the two encodings."""

from __future__ import annotations

import asyncio
import statistics
import time

import httpx

from assisters_rerank import Embedder
from benchmarks.measure import Figure, show
from benchmarks.server import serving
from benchmarks.texts import texts_of

LATENCY = 0.300  # of each request, as the service publishes for 100 documents to rerank
DIMENSIONS = (256, 1_024)
"""The local server's vectors, and those of `e5-large-v2`."""


def run(rounds: int = 3) -> list[Figure]:
    """1,000 texts, at most 100 a request; synthetic vectors."""
    figures = []
    with serving(seconds=LATENCY) as base_url:
        for dimensions in DIMENSIONS:
            figures += asyncio.run(_times(base_url, dimensions, rounds))
    with serving() as base_url:
        share = _share_of_bytes(base_url)
    figures.append(Figure("base64 of the bytes of JSON floats, 1,024 dimensions", share, 0.45))
    return show("Embeddings", figures)


async def _times(base_url: str, dimensions: int, rounds: int) -> list[Figure]:
    embedder = Embedder(base_url=base_url, api_key="ask_bench", model=f"bench-{dimensions}")
    texts = [f"{place}: {text[:60]}" for place, text in enumerate(texts_of(1000))]
    # The first call grows the process by the memory of a million numbers.
    await embedder.aembed_documents(texts)
    one, ten, one_blocking, ten_blocking = [], [], [], []
    for _ in range(rounds):
        one.append(await _evented(embedder, texts[:100]))
        ten.append(await _evented(embedder, texts))
        one_blocking.append(await asyncio.to_thread(_blocking, embedder, texts[:100]))
        ten_blocking.append(await asyncio.to_thread(_blocking, embedder, texts))
    await embedder.aclose()
    name = f"1,000 texts of one request of 100, {dimensions:,} dimensions"
    return [
        Figure(f"{name}, async", statistics.median(ten) / statistics.median(one), 1.3),
        Figure(
            "the same, sync", statistics.median(ten_blocking) / statistics.median(one_blocking), 1.3
        ),
    ]


async def _evented(embedder: Embedder, texts: list[str]) -> float:
    start = time.perf_counter()
    vectors = await embedder.aembed_documents(texts)
    taken = time.perf_counter() - start
    assert len(vectors) == len(texts)  # and they are freed when the time was taken
    return taken


def _blocking(embedder: Embedder, texts: list[str]) -> float:
    start = time.perf_counter()
    vectors = embedder.embed_documents(texts)
    taken = time.perf_counter() - start
    assert len(vectors) == len(texts)
    return taken


def _share_of_bytes(base_url: str) -> float:
    asked = {"model": "bench-1024", "input": ["a text"] * 100}
    sizes = [
        len(httpx.post(f"{base_url}/embeddings", json=asked | {"encoding_format": each}).content)
        for each in ("base64", "float")
    ]
    return sizes[0] / sizes[1]
