"""What is exported: real scores in an order that all tools read alike, each query's values."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import pytrec_eval
from hypothesis import given
from hypothesis import strategies as st

from assisters_rerank import ConfigurationError, Reranker
from assisters_rerank.evaluate import Collection, evaluate, read_run
from assisters_rerank.evaluate.data.trec import falling, write_run
from assisters_rerank.local import LocalServer

from .judged import numbered


def test_scores_and_values(tmp_path: Path, reranker: Reranker) -> None:
    collection, candidates = numbered(4)
    found = evaluate(collection, reranker, candidates=candidates, export=tmp_path)
    lines = [line.split() for line in (tmp_path / "bge-reranker-v2.run").read_text().splitlines()]
    # The server's score is the number at the end of each text.
    assert [(line[2], float(line[4])) for line in lines[:3]] == [
        ("d29", 0.029),
        ("d28", 0.028),
        ("d27", 0.027),
    ]
    content = json.loads((tmp_path / "per-query.json").read_text())
    runs = content["runs"]
    assert list(runs) == ["first-stage", "bge-reranker-v2"]
    for name, figures in (("first-stage", found.first), (list(runs)[1], found.models[0].figures)):
        assert runs[name].keys() == figures.keys()
        for measure, values in runs[name].items():
            assert list(values) == list(collection.queries)
            assert sum(values.values()) / 4 == pytest.approx(figures[measure].mean, abs=1e-12)
    parquet = pytest.importorskip("pyarrow.parquet")
    rows = parquet.read_table(tmp_path / "per-query.parquet").to_pylist()
    assert len(rows) == 2 * len(found.first) * 4
    for row in rows:
        assert runs[row["run"]][row["measure"]][row["query"]] == row["value"]


def test_equal_scores_keep_their_order_for_every_tool(tmp_path: Path) -> None:
    """Also those that are equal only in the 32 bits that trec_eval reads."""
    names = ["b", "a", "d", "c"]
    scores = {"q": dict(zip(names, (0.5, 0.5, 0.5 - 1e-12, 0.25), strict=True))}
    write_run(tmp_path / "run", {"q": names}, "t", scores)
    assert read_run(tmp_path / "run") == {"q": names}
    with (tmp_path / "run").open() as stream:
        run = pytrec_eval.parse_run(stream)
    singles = [np.float32(run["q"][name]) for name in names]
    assert singles == sorted(set(singles), reverse=True)
    assert run["q"]["b"] == 0.5
    assert run["q"]["c"] == 0.25
    assert run["q"]["d"] == pytest.approx(0.5, abs=1e-6)


def test_scores_that_fall_are_left_as_they_are() -> None:
    scores = [3.5, 0.1 + 0.2, -1.0, -1e9]
    assert falling(scores) == scores


@given(st.lists(st.floats(-1e38, 1e38) | st.sampled_from([0.0, -0.0, 0.5, 1e-45]), max_size=20))
def test_scores_fall_as_numpy_counts_32_bits(scores: list[float]) -> None:
    scores = sorted(scores, reverse=True) * 2  # what does not fall at all is lowered likewise
    expected, least = [], np.float32(np.inf)
    for score in scores:
        lower = float(np.nextafter(least, np.float32(-np.inf)))
        expected.append(lower if np.float32(score) >= least else score)
        least = np.float32(expected[-1])
    assert falling(scores) == expected


def test_an_id_with_blanks_is_said_before_anything_is_asked(
    tmp_path: Path, server: LocalServer, reranker: Reranker
) -> None:
    cats = Collection("c", {"a cat": "cats", "d": "dogs"}, {"q": "cats"}, {"q": {"a cat": 1}})
    with pytest.raises(ConfigurationError, match="give ids without blanks, or write no run"):
        evaluate(cats, reranker, candidates={"q": ["d", "a cat"]}, export=tmp_path)
    assert server.requests == []
