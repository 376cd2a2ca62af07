"""What a warm cache takes for 100 documents, next to the same call without one."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from assisters_rerank import CachedScore, MemoryCache, Reranker, SqliteCache
from benchmarks.measure import Figure, seconds_of, show
from benchmarks.server import serving
from benchmarks.texts import QUERY, texts_of

BARS = {"MemoryCache": 2.0, "SqliteCache": 5.0}

OTHER_ENTRIES = 99_900
"""With those of the 100 documents, as many as a `MemoryCache` holds by default."""


def run(rounds: int = 400) -> list[Figure]:
    """The median call for 100 documents of 200 tokens, whose scores are all in the cache."""
    others = {f"{number:032}": CachedScore(0.5, "bench") for number in range(OTHER_ENTRIES)}
    memory = MemoryCache()
    with (
        serving() as base_url,
        tempfile.TemporaryDirectory() as folder,
        SqliteCache(Path(folder) / "scores.sqlite") as file,
    ):
        memory.set_many(others)
        file.set_many(others)
        rerankers = {
            name: Reranker(base_url=base_url, api_key="ask_bench", cache=cache)
            for name, cache in (("no cache", None), ("MemoryCache", memory), ("SqliteCache", file))
        }
        blocking = _rerank(rerankers, rounds)
        awaited = asyncio.run(_arerank(rerankers, rounds))
        for reranker in rerankers.values():
            reranker.close()
    # Only the very first call was sent.
    assert [rerankers[name].total_usage.requests for name in BARS] == [1, 1]
    figures = [Figure(f"rerank, {name}", ms, BARS.get(name), "ms") for name, ms in blocking.items()]
    figures += [Figure(f"arerank, {name}", ms, None, "ms") for name, ms in awaited.items()]
    return show("100 documents from a warm cache", figures)


def _rerank(rerankers: Mapping[str, Reranker], rounds: int) -> dict[str, float]:
    texts = texts_of(100)
    taken: dict[str, list[float]] = {name: [] for name in rerankers}
    for _ in range(20 + rounds):
        for name, reranker in rerankers.items():
            start = time.perf_counter()
            reranker.rerank(QUERY, texts)
            taken[name].append(time.perf_counter() - start)
    return _medians(taken)


async def _arerank(rerankers: Mapping[str, Reranker], rounds: int) -> dict[str, float]:
    texts = texts_of(100)
    taken: dict[str, list[float]] = {name: [] for name in rerankers}
    for _ in range(20 + rounds):
        for name, reranker in rerankers.items():
            taken[name].append(await seconds_of(partial(reranker.arerank, QUERY, texts)))
    for reranker in rerankers.values():
        await reranker.aclose()
    return _medians(taken)


def _medians(taken: Mapping[str, list[float]]) -> dict[str, float]:
    """In milliseconds, without the first 20, in which connections and files are opened."""
    return {name: 1000 * statistics.median(seconds[20:]) for name, seconds in taken.items()}
