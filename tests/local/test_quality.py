"""How well the scorers rank BM25's candidates: the figures that their docstrings state."""

from __future__ import annotations

import pytest

from assisters_rerank.local.scorers.scorer import ScorerName

from . import beir, remembered

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("collections"),
    pytest.mark.skipif(not beir.FOLDER.is_dir(), reason=f"needs the collections in {beir.FOLDER}"),
]


def mean_ndcg(name: str, scorer: ScorerName | None = None) -> float:
    """Of the first stage, or of its candidates in the order of their scores."""
    collection, candidates = remembered.collection(name), remembered.first_stage(name)
    total = 0.0
    for query, text in collection.queries.items():
        ranked = candidates[query]
        if scorer is not None:
            texts = [collection.documents[document] for document in ranked]
            scores = dict(zip(ranked, remembered.scorer(scorer).score(text, texts), strict=True))
            ranked = sorted(ranked, key=scores.__getitem__, reverse=True)
        total += beir.ndcg_at_10(ranked, collection.relevant[query])
    return total / len(collection.queries)


def test_the_first_stage_is_the_published_one() -> None:
    # BM25 on SciFact: 0.679 in the BEIR leaderboard (Anserini, one field).
    assert mean_ndcg("scifact") == pytest.approx(0.679, abs=0.01)


@pytest.mark.parametrize(
    ("name", "stated"), [("scifact", 0.692), ("vaswani", 0.466), ("cranfield", 0.51)]
)
def test_embedded(name: str, stated: float) -> None:
    reached = mean_ndcg(name, "embedded")
    assert reached == pytest.approx(stated, abs=0.005)
    # Never worse than no reranking, but for noise.
    assert reached > mean_ndcg(name) - 0.005


def test_lexical() -> None:
    assert mean_ndcg("vaswani", "lexical") == pytest.approx(0.392, abs=0.005)


@pytest.mark.parametrize(
    ("ranked", "expected"),
    [(["a", "b"], 1.0), (["x", "a", "b"], (1 / 1.58496 + 1 / 2) / (1 + 1 / 1.58496)), (["x"], 0.0)],
)
def test_ndcg(ranked: list[str], expected: float) -> None:
    assert beir.ndcg_at_10(ranked, {"a": 1, "b": 1}) == pytest.approx(expected, abs=1e-5)
