"""How often chance is called a gain, where there is none: simulated on real collections.

Under no effect it does not matter which ranking has which value: for each query, the two are
swapped at random. The rates are printed (`-s`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from assisters_rerank.evaluate import read_beir
from assisters_rerank.evaluate.comparisons import corrected
from assisters_rerank.evaluate.measures import figure, per_query
from assisters_rerank.evaluate.results import MEASURES
from assisters_rerank.evaluate.significance import t_interval
from assisters_rerank.evaluate.verdicts import Verdict, verdict

from ..local import beir, remembered

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("evaluations"),
    pytest.mark.skipif(not beir.FOLDER.is_dir(), reason=f"needs the collections in {beir.FOLDER}"),
]

SIZES = (5, 10, 25, 50, 100)
MOST = 0.07
RUNS = 1_000


@cache
def differences(name: str) -> Mapping[str, NDArray[np.float64]]:
    """By measure: the local reranker's value of each query less BM25's."""
    collection = read_beir(beir.FOLDER / f"{name}.tar.gz")
    found = remembered.first_stage(name)
    scorer = remembered.scorer("embedded")
    ordered = {}
    for query, ids in found.items():
        texts = [collection.documents[document] for document in ids]
        scores = dict(zip(ids, scorer.score(collection.queries[query], texts), strict=True))
        ordered[query] = sorted(ids, key=scores.__getitem__, reverse=True)
    before, after = (per_query(each, collection.qrels) for each in (found, ordered))
    return {
        measure: np.array([after[measure][q] - before[measure][q] for q in before[measure]])
        for measure in MEASURES
    }


def certain(by_measure: Mapping[str, Sequence[float]]) -> list[str]:
    """The measures for which a report would say better or worse; none without the main one."""
    # What the interval alone rules out needs no randomisation, which takes a hundred times as long.
    low, high = t_interval(np.array(next(iter(by_measure.values()))), 0.95)
    if low <= 0 <= high:
        return []
    found = {}
    for measure, values in by_measure.items():
        by_query = {str(place): value for place, value in enumerate(values)}
        found[measure] = figure(by_query, dict.fromkeys(by_query, 0.0))
    (rows,) = corrected([found])
    return [
        measure for measure, row in rows.items() if verdict(row) in (Verdict.BETTER, Verdict.WORSE)
    ]


def rate(found: Sequence[bool]) -> float:
    return sum(found) / len(found)


@pytest.mark.parametrize("name", ["scifact", "vaswani", "cranfield"])
@pytest.mark.parametrize("measure", ["nDCG@10", "MRR@10"])
def test_chance_is_rarely_called_a_gain(name: str, measure: str) -> None:
    values = differences(name)[measure]
    for size in SIZES:
        chance = np.random.default_rng(size)
        found = []
        for _ in range(RUNS):
            drawn = values[chance.integers(0, values.size, size)]
            swapped = drawn * chance.choice((-1, 1), size)
            # As the main measure: the others are judged only where that is certain.
            found.append(bool(certain({"nDCG@10": swapped.tolist()})))
        print(f"{name}, {measure}, {size} queries: {rate(found):.1%} false verdicts")
        assert rate(found) <= MOST


@pytest.mark.parametrize("name", ["scifact", "vaswani", "cranfield"])
def test_a_report_of_all_measures_is_rarely_wrong_in_any(name: str) -> None:
    by_measure = differences(name)
    for size in (25, 100):
        chance = np.random.default_rng(size)
        found = []
        for _ in range(RUNS):
            drawn = chance.integers(0, by_measure["MAP"].size, size)
            signs = chance.choice((-1, 1), size)
            found.append(
                bool(certain({m: (v[drawn] * signs).tolist() for m, v in by_measure.items()}))
            )
        print(f"{name}, all measures, {size} queries: {rate(found):.1%} false in any row")
        assert rate(found) <= MOST


def test_a_skewed_difference_with_a_mean_of_zero() -> None:
    """Here a randomisation test need not hold its level; the rates are there to be seen."""
    for size in SIZES:
        chance = np.random.default_rng(size)
        found = [
            bool(certain({"nDCG@10": (chance.exponential(0.1, size) - 0.1).tolist()}))
            for _ in range(RUNS)
        ]
        print(f"exponential less its mean, {size} queries: {rate(found):.1%} false verdicts")
        assert rate(found) < 0.25


@pytest.mark.parametrize("name", ["scifact", "vaswani", "cranfield"])
def test_a_gain_that_is_there_is_found(name: str) -> None:
    """A test that never says anything would pass all of the above."""
    values = differences(name)["nDCG@10"]
    chance = np.random.default_rng(0)
    found = []
    for _ in range(RUNS // 10):
        drawn = values[chance.integers(0, values.size, 100)]
        gained = drawn * chance.choice((-1, 1), 100) + 0.1
        found.append(certain({"nDCG@10": gained.tolist()}) == ["nDCG@10"])
    print(f"{name}, a gain of 0.1, 100 queries: found in {rate(found):.0%}")
    assert rate(found) > 0.8
