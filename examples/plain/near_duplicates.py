"""Near-duplicates: after the rerank, keep the best-scored of passages that say the same.

Run it as it stands: python examples/plain/near_duplicates.py
"""

import re
from pathlib import Path

from assisters_rerank import RankedDocument, Ranking, Reranker
from assisters_rerank.local import service_or_local

HANDBOOK = Path(__file__).parents[1] / "handbook"
QUERY = "How do I patch a hole in a tube?"

passages = [
    passage.strip()
    for file in sorted(HANDBOOK.glob("*.md"))
    for passage in file.read_text(encoding="utf-8").split("\n## ")[1:]
]


def overlap(a: str, b: str) -> float:
    """Share of the shorter text's words that the other one has too, 0 to 1."""
    words_a, words_b = set(re.findall(r"\w+", a.lower())), set(re.findall(r"\w+", b.lower()))
    return len(words_a & words_b) / min(len(words_a), len(words_b))


def without_near_duplicates(ranking: Ranking, limit: float = 0.8) -> list[RankedDocument]:
    """The ranking without what repeats a passage further up."""
    kept: list[RankedDocument] = []
    for ranked in ranking:
        if all(overlap(ranked.text, better.text) < limit for better in kept):
            kept.append(ranked)
    return kept


with service_or_local() as server:
    print(server.reason)
    # No top_n here: the places that duplicates leave are filled from further down.
    ranking = Reranker(base_url=server.base_url).rerank(QUERY, passages)

print(f"\n{QUERY}")
for title, results in (("reranked", ranking), ("unique", without_near_duplicates(ranking))):
    print(f"\n{title}:")
    for ranked in results[:4]:
        print(f"  {ranked.relevance_score:.2f}  {ranked.text.splitlines()[0]}")
