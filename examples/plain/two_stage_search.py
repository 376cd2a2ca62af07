"""Two-stage search in plain Python: embed, take the nearest 20, rerank them.

Run it as it stands: python examples/plain/two_stage_search.py
"""

from pathlib import Path

import numpy as np

from assisters_rerank import Embedder, Ranking, Reranker
from assisters_rerank.local import service_or_local

HANDBOOK = Path(__file__).parents[1] / "handbook"


def search(query: str, documents: list[str], base_url: str, top_k: int = 5) -> Ranking:
    """The `top_k` best documents; their `index` is the place that the first stage gave them."""
    embedder = Embedder(base_url=base_url)
    vectors = np.array(embedder.embed_documents(documents))
    vector = np.array(embedder.embed_query(query))
    similarity = vectors @ vector / np.linalg.norm(vectors, axis=1)
    nearest = np.argsort(-similarity)[:20]

    candidates = [documents[position] for position in nearest]
    return Reranker(base_url=base_url).rerank(query, candidates, top_n=top_k)


passages = [
    passage.strip()
    for file in sorted(HANDBOOK.glob("*.md"))
    for passage in file.read_text(encoding="utf-8").split("\n## ")[1:]
]
with service_or_local() as server:
    print(server.reason)
    for ranked in search("My disc brake squeals since yesterday", passages, server.base_url):
        print(f"{ranked.relevance_score:.2f}  was {ranked.index + 1:2}.  {ranked.text[:60]!r}")
