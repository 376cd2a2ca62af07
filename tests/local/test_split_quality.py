"""What reading long documents in passages gains: the figures that the docs state."""

from __future__ import annotations

from statistics import mean
from typing import Literal

import pytest

from assisters_rerank import Reranker, estimate_tokens
from assisters_rerank.local import LocalServer

from . import beir, remembered

WINDOW = 128

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("collections"),
    pytest.mark.skipif(not beir.FOLDER.is_dir(), reason=f"needs the collections in {beir.FOLDER}"),
]


def longest(collection: beir.Collection, count: int) -> beir.Collection:
    """The documents with the most estimated tokens, and the queries that have relevant ones."""
    texts = collection.documents
    kept = sorted(texts, key=lambda document: estimate_tokens(texts[document]), reverse=True)
    documents = {document: texts[document] for document in kept[:count]}
    relevant = {
        query: {document: grade for document, grade in grades.items() if document in documents}
        for query, grades in collection.relevant.items()
    }
    relevant = {query: grades for query, grades in relevant.items() if any(grades.values())}
    queries = {query: collection.queries[query] for query in relevant}
    return beir.Collection(documents, queries, relevant)


def mean_ndcg(
    collection: beir.Collection,
    candidates: dict[str, list[str]],
    window: int | None,
    long_documents: Literal["as_is", "split"] = "as_is",
) -> float:
    """Of BM25's top 100 (over the whole texts), as the reranker ranks them over the server."""
    reached = []
    with (
        LocalServer(scorer=remembered.scorer("embedded"), max_tokens=window) as server,
        Reranker(
            base_url=server.base_url,
            max_tokens=window,
            long_documents=long_documents,
            token_margin=0,  # the server counts as the client does
            timeout=600,
        ) as reranker,
    ):
        for query, text in collection.queries.items():
            ids = candidates[query]
            ranking = reranker.rerank(text, [collection.documents[document] for document in ids])
            ranked = [ids[document.index] for document in ranking]
            reached.append(beir.ndcg_at_10(ranked, collection.relevant[query]))
    return mean(reached)


def test_passages_find_what_the_cut_off_ends_say() -> None:
    collection = longest(remembered.collection("scifact"), 600)
    assert len(collection.queries) == 66
    # All of them are several times as long as the window.
    assert min(map(estimate_tokens, collection.documents.values())) > 4 * WINDOW
    candidates = beir.first_stage(collection)
    as_is = mean_ndcg(collection, candidates, WINDOW)
    split = mean_ndcg(collection, candidates, WINDOW, "split")
    assert split > as_is
    assert as_is == pytest.approx(0.788, abs=0.005)
    assert split == pytest.approx(0.800, abs=0.005)
    assert mean_ndcg(collection, candidates, None) == pytest.approx(0.818, abs=0.005)
