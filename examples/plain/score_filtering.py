"""Score thresholds: what 0.5 (no noise) and 0.7 (high relevance) keep, also when nothing fits.

Run it as it stands: python examples/plain/score_filtering.py
"""

from pathlib import Path

from assisters_rerank import MemoryCache, Reranker
from assisters_rerank.local import service_or_local

HANDBOOK = Path(__file__).parents[1] / "handbook"
QUERIES = [
    "How do I keep my e-bike battery through the winter?",
    "Which way do I turn the left pedal to get it off?",
    "How long does sourdough bread bake?",
]

passages = [
    passage.strip()
    for file in sorted(HANDBOOK.glob("*.md"))
    for passage in file.read_text(encoding="utf-8").split("\n## ")[1:]
]

with service_or_local() as server:
    print(server.reason)
    # With a cache the three calls for a query are sent, and paid for, once.
    reranker = Reranker(base_url=server.base_url, cache=MemoryCache())
    for query in QUERIES:
        print(f"\n{query}")
        for threshold in (0.0, 0.5, 0.7):
            ranking = reranker.rerank(query, passages, score_threshold=threshold)
            print(f"  at least {threshold}: {len(ranking):2} of {len(passages)} passages")
        # What is left at 0.7; with nothing left, say so, and ask no language model.
        for ranked in ranking:
            print(f"    {ranked.relevance_score:.2f}  {ranked.text.splitlines()[0]}")
        if not ranking:
            print("    The handbook says nothing about that.")
