"""What a single call costs on top of bare httpx."""

from __future__ import annotations

from benchmarks.faces import bare, sync_faces, texts_of
from benchmarks.frameworks_alone import frameworks_alone
from benchmarks.measure import Figure, ratios, show
from benchmarks.server import serving

BARS = {
    10: {"Reranker": 1.2, "LangChain": 1.4, "LlamaIndex": 1.5},
    100: {"Reranker": 1.25, "LangChain": 1.5, "LlamaIndex": 1.8},
}


def run(rounds: int = 400) -> list[Figure]:
    """The median call against bare httpx, 10 and 100 documents of 200 tokens."""
    figures = []
    with serving() as base_url:
        for count, bars in BARS.items():
            texts = texts_of(count)
            calls = sync_faces(base_url, texts) | frameworks_alone(base_url, texts)
            found = ratios(bare(base_url, texts), calls, rounds)
            figures += [Figure(f"{n}, {count} documents", r, bars.get(n)) for n, r in found.items()]
    return show("A call, of bare httpx's time", figures)
