"""What a single call costs on top of bare httpx, with the tokens reported and without."""

from __future__ import annotations

import asyncio

from benchmarks.faces import abare, async_faces, bare, sync_faces
from benchmarks.frameworks_alone import frameworks_alone
from benchmarks.measure import Figure, aratios, milliseconds, ratios, show
from benchmarks.server import serving
from benchmarks.texts import texts_of

USAGE = {2: "usage told", 3: "no usage told"}
"""What each generation of the API does; the first one does as the second."""

BARS = {
    (10, 2): {"Reranker": 1.15, "LangChain": 1.4, "LlamaIndex": 1.5},
    (10, 3): {"Reranker": 1.15, "LangChain": 1.4, "LlamaIndex": 1.5},
    (100, 2): {"Reranker": 1.15, "LangChain": 1.5, "LlamaIndex": 1.8},
    (100, 3): {"Reranker": 1.25, "LangChain": 1.5, "LlamaIndex": 1.8},
}


def run(rounds: int = 400) -> list[Figure]:
    """The median call against bare httpx, 10 and 100 documents of 200 tokens."""
    figures = []
    for (count, generation), bars in BARS.items():
        about = f"{count} documents, {USAGE[generation]}"
        texts = texts_of(count)
        with serving(generation=generation) as base_url:
            call = bare(base_url, texts)
            figures.append(Figure(f"bare httpx, {about}", milliseconds(call, rounds), None, "ms"))
            blocking = ratios(call, sync_faces(base_url, texts), rounds)
            alone = ratios(call, frameworks_alone(base_url, texts), rounds)
            awaited = asyncio.run(_awaited(base_url, texts, rounds))
        figures += [Figure(f"{n}, {about}", r, bars[n]) for n, r in blocking.items()]
        figures += [Figure(f"{n}, {about}, async", r, bars[n]) for n, r in awaited.items()]
        figures += [Figure(f"{n}, {about}", r, None) for n, r in alone.items()]
    return show("A call, of bare httpx's time", figures)


async def _awaited(base_url: str, texts: list[str], rounds: int) -> dict[str, float]:
    return await aratios(abare(base_url, texts), async_faces(base_url, texts), rounds)
