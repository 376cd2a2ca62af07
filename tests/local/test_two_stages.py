"""Two-stage retrieval over the real server: the nearest vectors, then the reranker."""

from __future__ import annotations

import numpy as np
import pytest

from assisters_rerank import Reranker
from assisters_rerank.local import LocalServer, load_encoder

from . import beir, remembered

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("collections"),
    pytest.mark.skipif(not beir.FOLDER.is_dir(), reason=f"needs the collections in {beir.FOLDER}"),
]


def measured(name: str) -> tuple[float, float]:
    """nDCG@10 of the vectors alone, over all documents by cosine, and of their top 100 reranked."""
    collection, nearest = remembered.collection(name), remembered.nearest(name)
    with (
        LocalServer(scorer=remembered.scorer("embedded")) as server,
        Reranker(base_url=server.base_url) as reranker,
    ):
        alone = reranked = 0.0
        for query, ids in nearest.items():
            relevant = collection.relevant[query]
            alone += beir.ndcg_at_10(ids, relevant)
            texts = [collection.documents[document] for document in ids]
            ranking = reranker.rerank(collection.queries[query], texts, top_n=10)
            reranked += beir.ndcg_at_10([ids[result.index] for result in ranking], relevant)
    return alone / len(nearest), reranked / len(nearest)


@pytest.mark.parametrize(
    ("name", "stated", "then"),
    [("scifact", 0.517, 0.670), ("vaswani", 0.352, 0.467), ("cranfield", 0.431, 0.510)],
)
def test_the_second_stage_is_better_than_the_first_alone(
    name: str, stated: float, then: float
) -> None:
    alone, reranked = measured(name)
    assert reranked > alone + 0.05
    assert alone == pytest.approx(stated, abs=0.005)  # docs and docstrings say so
    assert reranked == pytest.approx(then, abs=0.005)


def test_the_hashed_encoder_finds_as_much_of_scifact() -> None:
    collection = remembered.collection("scifact")
    encode, ids = load_encoder("hashed").encode, list(collection.documents)
    index = remembered.as_array([encode(text) for text in collection.documents.values()])
    total = 0.0
    for query, text in collection.queries.items():
        nearest = np.argsort(-(index @ np.array(encode(text), dtype=np.float32)), kind="stable")
        total += beir.ndcg_at_10([ids[place] for place in nearest[:10]], collection.relevant[query])
    assert total / len(collection.queries) == pytest.approx(0.520, abs=0.005)
