"""The measures of BM25's run on SciFact, against their definitions and trec_eval's binding."""

from __future__ import annotations

import pytest

from assisters_rerank.evaluate.measures import mean, per_query

from ..local.beir import FOLDER, first_stage, read_collection
from .test_measures import assert_same, by_definition, by_trec_eval

ARCHIVE = FOLDER / "scifact.tar.gz"


@pytest.mark.skipif(not ARCHIVE.exists(), reason="needs ../shared/data")
def test_scifact() -> None:
    collection = read_collection(ARCHIVE)
    ranked = first_stage(collection)
    found = per_query(ranked, collection.relevant)
    assert_same(found, by_trec_eval(ranked, collection.relevant))
    assert_same(found, by_definition(ranked, collection.relevant))
    assert len(found["MAP"]) == 300
    # As published for BM25 (Thakur et al., 2021, by Anserini's settings).
    assert mean(found["nDCG@10"]) == pytest.approx(0.679, abs=0.01)
    assert 0.91 <= mean(found["Recall@100"]) <= 0.93
