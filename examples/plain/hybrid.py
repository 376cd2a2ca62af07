"""Hybrid search: BM25 and vectors, fused by reciprocal rank, then reranked.

Run it as it stands: python examples/plain/hybrid.py
"""

from collections import defaultdict
from pathlib import Path

import bm25s
import numpy as np

from assisters_rerank import Embedder, Reranker
from assisters_rerank.local import service_or_local

HANDBOOK = Path(__file__).parents[1] / "handbook"
# As the local server sees them:
QUERIES = [
    "My disc brake squeals since yesterday",  # words find the passage, vectors miss it
    "What do I do about a squeaking disc?",  # the other way round
    "How do I stop a squeaking rim brake?",  # both miss it
]

passages = [
    passage.strip()
    for file in sorted(HANDBOOK.glob("*.md"))
    for passage in file.read_text(encoding="utf-8").split("\n## ")[1:]
]


def by_words(query: str) -> list[int]:
    """Positions of the passages that share a word with the query, the best first, by BM25."""
    words = bm25s.tokenize(query, stopwords="en", show_progress=False)
    found, scores = index.retrieve(words, k=len(passages), show_progress=False)
    return found[0][scores[0] > 0].tolist()


def by_meaning(query: str) -> list[int]:
    """Positions of the passages, the best first, by the cosine of their vectors."""
    return np.argsort(-(vectors @ embedder.embed_query(query))).tolist()


def fused(*rankings: list[int], k: int = 60) -> list[int]:
    """Reciprocal rank fusion (Cormack, Clarke and Büttcher, SIGIR 2009, whose `k` is 60)."""
    scores = defaultdict(float)
    for ranking in rankings:
        for rank, position in enumerate(ranking, start=1):
            scores[position] += 1 / (k + rank)
    return sorted(scores, key=scores.get, reverse=True)


def show(stage: str, ranking: list[int]) -> None:
    """The three best headings."""
    print(f"  {stage:9}", " | ".join(passages[place].splitlines()[0] for place in ranking[:3]))


index = bm25s.BM25()
index.index(bm25s.tokenize(passages, stopwords="en", show_progress=False), show_progress=False)

with service_or_local() as server:
    print(server.reason)
    embedder, reranker = Embedder(base_url=server.base_url), Reranker(base_url=server.base_url)
    vectors = np.array(embedder.embed_documents(passages))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)

    for query in QUERIES:
        words, meaning = by_words(query), by_meaning(query)
        candidates = fused(words, meaning)[:20]
        ranking = reranker.rerank(query, [passages[place] for place in candidates])
        print(f"\n{query}")
        show("BM25", words)
        show("vectors", meaning)
        show("fused", candidates)
        show("reranked", [candidates[ranked.index] for ranked in ranking])
