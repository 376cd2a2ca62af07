"""What is chosen on one half of the queries and measured on the other: plain cases, and chance."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from assisters_rerank.evaluate.pooled import PooledScores
from assisters_rerank.evaluate.split_half import chosen_depth, chosen_threshold

Scored = dict[str, dict[str, float]]
Grades = dict[str, dict[str, int]]


def judged(
    queries: int, chance: np.random.Generator, *, sharp: float = 1.0, documents: int = 30
) -> tuple[Scored, Grades]:
    """The probability of being relevant is the score to a power."""
    scores: Scored = {}
    qrels: Grades = {}
    for number in range(queries):
        values = chance.random(documents)
        relevant = chance.random(documents) < values**sharp
        names = [f"d{place}" for place in range(documents)]
        scores[str(number)] = dict(zip(names, values.tolist(), strict=True))
        qrels[str(number)] = dict(zip(names, map(int, relevant.tolist()), strict=True))
    return scores, qrels


def precision_at(scores: Scored, qrels: Grades, threshold: float) -> tuple[int, float]:
    kept = [qrels[q][d] for q, row in scores.items() for d, v in row.items() if v >= threshold]
    return len(kept), sum(kept) / len(kept)


def test_counts_are_those_of_plain_loops() -> None:
    chance = np.random.default_rng(3)
    scores, qrels = judged(6, chance, documents=8)
    rounded = {q: {d: round(v, 1) for d, v in row.items()} for q, row in scores.items()}
    pooled = PooledScores.by(rounded, qrels)
    assert (pooled.queries, pooled.places) == (
        6,
        len({v for r in rounded.values() for v in r.values()}),
    )
    queries = np.array([0, 2, 5])
    counts = pooled.counts(queries)
    for place in range(pooled.places):
        least = pooled.score(place)
        kept = np.array([sum(v >= least for v in rounded[str(q)].values()) for q in queries])
        right = np.array(
            [
                sum(
                    qrels[str(q)][d] for d, v in rounded[str(q)].items() if v >= pooled.score(place)
                )
                for q in queries
            ]
        )
        assert counts.kept[place] == kept.sum()
        assert counts.relevant[place] == right.sum()
        assert counts.queries[place] == np.count_nonzero(kept)
        if kept.sum():
            rest = right - right.sum() / kept.sum() * kept
            error = np.sqrt((rest**2).sum() * 3 / 2) / kept.sum()
            assert counts.ratio_error()[place] == pytest.approx(error)


def test_a_threshold_is_named_with_what_it_rests_on_and_what_it_has_elsewhere() -> None:
    scores, qrels = judged(60, np.random.default_rng(1))
    found = chosen_threshold(scores, qrels, 0.7)
    assert found is not None
    assert found.holds
    documents, precision = precision_at(scores, qrels, found.score)
    assert documents == found.documents > 100
    assert precision > 0.7
    assert found.queries > 50
    assert found.precision is not None
    assert found.low is not None
    assert found.high is not None
    assert found.low < found.precision < found.high
    assert found.precision >= 0.7
    # The precision above a score s is (1 + s) / 2: true of 0.4, and surely of a little more.
    assert 0.4 < found.score < 0.6


def test_two_lucky_documents_are_no_threshold() -> None:
    scores, qrels = judged(60, np.random.default_rng(2), sharp=20)
    scores["0"]["d0"] = scores["1"]["d0"] = 2.0
    qrels["0"]["d0"] = qrels["1"]["d0"] = 1
    assert precision_at(scores, qrels, 2.0) == (2, 1.0)
    found = chosen_threshold(scores, qrels, 0.95)
    assert found is None or not found.holds


def test_the_best_f1_is_measured_on_the_other_half_as_well() -> None:
    scores, qrels = judged(40, np.random.default_rng(4), sharp=6)
    found = chosen_threshold(scores, qrels, None)
    assert found is not None
    assert found.holds
    assert found.precision is not None
    assert found.recall is not None
    best = max(
        2 * p * r / (p + r)
        for threshold in {v for row in scores.values() for v in row.values()}
        for kept, p in [precision_at(scores, qrels, threshold)]
        for r in [p * kept / sum(map(sum, (row.values() for row in qrels.values())))]
        if p + r
    )
    assert 0.8 * best < 2 * found.precision * found.recall / (found.precision + found.recall) < best


@pytest.mark.parametrize(("queries", "wanted"), [(0, 0.5), (3, None), (3, 0.5), (30, 1.0)])
def test_too_few_or_too_much_is_not_named(queries: int, wanted: float | None) -> None:
    scores, qrels = judged(queries, np.random.default_rng(5))
    found = chosen_threshold(scores, qrels, wanted)
    assert found is None or (wanted is None and found.precision is None)
    assert chosen_threshold({"q": {}}, {"q": {"d": 1}}, wanted) is None
    assert chosen_threshold({"q": {"d": 1.0}}, {"q": {"d": 0}}, None) is None


DEPTHS = (10, 20, 30)


def rows(gains: tuple[float, ...], noise: float, queries: int = 60) -> NDArray[np.float64]:
    chance = np.random.default_rng(6)
    return np.array([gain + chance.normal(0, noise, queries) for gain in gains])


def test_the_fewest_candidates_that_give_most_of_the_gain() -> None:
    first = np.zeros(60)
    found = chosen_depth(DEPTHS, rows((0.02, 0.098, 0.1), 0.001), first, better=True)
    assert found is not None
    assert (found.candidates, found.holds) == (20, True)
    assert 0.95 <= found.share <= 1
    assert found.gain == pytest.approx(0.098, abs=0.003)
    held = chosen_depth(DEPTHS, rows((0.02, 0.098, 0.1), 0.001), first, better=False)
    assert held is not None
    assert (held.candidates, held.holds, held.gain) == (20, False, found.gain)


def test_a_depth_that_only_chance_makes_best_does_not_hold() -> None:
    found = chosen_depth(DEPTHS, rows((0.0, 0.0, 0.0), 0.2), np.zeros(60), better=True)
    assert found is not None
    assert not found.holds
    assert found.low is not None
    assert found.low <= 0
    assert chosen_depth(DEPTHS, rows((-0.1,) * 3, 0.01), np.zeros(60), better=True) is None


def test_of_three_queries_no_half_is_held_out() -> None:
    found = chosen_depth(DEPTHS, rows((0.1,) * 3, 0.0, 3), np.zeros(3), better=True)
    assert found is not None
    assert (found.gain, found.holds) == (None, False)


@pytest.mark.slow
# The higher the precision, the fewer queries have a document above the threshold.
@pytest.mark.parametrize(("wanted", "queries"), [(0.4, 40), (0.6, 40), (0.8, 100)])
def test_a_named_threshold_mostly_has_its_precision_on_new_queries(
    wanted: float, queries: int
) -> None:
    chance = np.random.default_rng(int(100 * wanted))
    reached = []
    for _ in range(50):
        found = chosen_threshold(*judged(queries, chance, sharp=3), wanted)
        if found is not None and found.holds:
            _, precision = precision_at(*judged(400, chance, sharp=3), found.score)
            reached.append(precision >= wanted)
    rate = sum(reached) / max(1, len(reached))
    print(f"precision {wanted}: named in {len(reached)} of 50, reached in {rate:.0%} of these")
    assert len(reached) > 25
    assert rate >= 0.85
