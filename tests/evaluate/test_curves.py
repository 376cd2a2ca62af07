"""Orders, depths and thresholds against the plain loops that define them."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assisters_rerank.evaluate.curves import (
    depth_curve,
    depths_up_to,
    oracle,
    reordered,
    threshold_curve,
)
from assisters_rerank.evaluate.measures import per_query

from .definitions import ndcg_at_10

Scored = dict[str, dict[str, float]]
Grades = dict[str, dict[str, int]]

_IDS = [f"d{number}" for number in range(20)]


@st.composite
def scored(draw: st.DrawFn) -> tuple[Scored, Grades]:
    """Scores with many ties, or none; queries without candidates, grades or relevant ones."""
    score = draw(st.sampled_from([st.sampled_from([-0.5, 0.0, 0.25, 1.0]), st.floats(-9, 9)]))
    queries = [f"q{number}" for number in range(draw(st.integers(0, 4)))]
    by_id = st.dictionaries(st.sampled_from(_IDS), score, max_size=20)
    grades = st.dictionaries(st.sampled_from(_IDS), st.integers(-1, 2), max_size=10)
    scores = {query: draw(by_id) for query in queries}
    return scores, {query: draw(grades) for query in queries if draw(st.integers(0, 5))}


def kept_and_right(scores: Scored, qrels: Grades, threshold: float) -> tuple[int, int]:
    kept = [
        qrels[query].get(document, 0) > 0
        for query, by_id in scores.items()
        if query in qrels
        for document, score in by_id.items()
        if score >= threshold
    ]
    return len(kept), sum(kept)


def distinct(scores: Scored, qrels: Grades) -> list[float]:
    return sorted({s for query in scores if query in qrels for s in scores[query].values()})


def test_oracle_keeps_the_first_order_among_equals() -> None:
    found = oracle({"q": ["a", "b", "c", "d"], "unjudged": ["b", "a"]}, {"q": {"d": 1, "b": 2}})
    assert found == {"q": ["b", "d", "a", "c"], "unjudged": ["b", "a"]}


@settings(max_examples=30, deadline=None)
@given(st.dictionaries(st.sampled_from("abcde"), st.integers(-1, 3), max_size=5))
def test_no_order_exceeds_the_oracle(grades: dict[str, int]) -> None:
    qrels = {"q": {**grades, "not retrieved": 1}}
    best = per_query(oracle({"q": list("abcde")}, qrels), qrels)
    for order in itertools.permutations("abcde"):
        for name, values in per_query({"q": order}, qrels).items():
            assert values["q"] <= best[name]["q"] + 1e-12


def test_reordered_to_a_depth() -> None:
    candidates = {"q": ["a", "b", "c", "d"], "empty": []}
    scores = {"q": {"a": 0.1, "b": 0.5, "c": 0.1, "d": 0.9}}
    assert reordered(candidates, scores, 0)["q"] == ["a", "b", "c", "d"]
    assert reordered(candidates, scores, 3)["q"] == ["b", "a", "c", "d"]
    assert reordered(candidates, scores, 99) == {"q": ["d", "b", "a", "c"], "empty": []}


def test_a_missing_score_is_not_guessed() -> None:
    candidates = {"q": ["a", "b"]}
    assert reordered(candidates, {"q": {"a": 1.0}}, 1) == candidates
    with pytest.raises(KeyError, match="b"):
        reordered(candidates, {"q": {"a": 1.0}}, 2)
    with pytest.raises(KeyError, match="a"):
        reordered(candidates, {}, 2)


@pytest.mark.parametrize(
    ("depth", "expected"),
    [
        (1, [1]),
        (10, [10]),
        (25, [10, 20, 25]),
        (100, [10, 20, 30, 40, 50, 60, 70, 80, 90, 100]),
        (101, [20, 40, 60, 80, 100, 101]),
        (200, [20, 40, 60, 80, 100, 120, 140, 160, 180, 200]),
        (1000, [100, 200, 300, 400, 500, 600, 700, 800, 900, 1000]),
    ],
)
def test_depths(depth: int, expected: list[int]) -> None:
    assert depths_up_to(depth) == expected


@given(st.integers(1, 10**6))
def test_at_most_ten_rising_depths(depth: int) -> None:
    depths = depths_up_to(depth)
    assert len(depths) <= 10
    assert depths == sorted(set(depths))
    assert depths[-1] == depth


def test_depths_up_to_nothing() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        depths_up_to(0)


def test_depth_curve() -> None:
    chance = random.Random(9)
    candidates = {f"q{q}": chance.sample(range(1000), 60) for q in range(20)}
    ids = {query: [str(number) for number in row] for query, row in candidates.items()}
    scores = {query: {d: round(chance.random(), 1) for d in row} for query, row in ids.items()}
    qrels = {q: {d: chance.randint(1, 3) for d in chance.sample(row, 8)} for q, row in ids.items()}
    curve = depth_curve(ids, scores, qrels, [5, 10, 40, 60])
    assert list(curve) == [5, 10, 40, 60]
    for depth, found in curve.items():
        expected = 0.0
        for query, row in ids.items():
            head = sorted(row[:depth], key=lambda d, by_id=scores[query]: -by_id[d])
            expected += ndcg_at_10(head + row[depth:], qrels[query])
        assert sum(found.values()) == pytest.approx(expected, abs=1e-9)


@given(scored())
def test_thresholds(case: tuple[Scored, Grades]) -> None:
    scores, qrels = case
    points = threshold_curve(scores, qrels)
    occurring = distinct(scores, qrels)
    if not occurring:
        assert points == []
        return
    assert len(points) <= 50
    assert [point.score for point in points] == sorted({point.score for point in points})
    assert (points[0].score, points[-1].score) == (occurring[0], occurring[-1])
    _, relevant = kept_and_right(scores, qrels, occurring[0])
    for point in points:
        kept, right = kept_and_right(scores, qrels, point.score)
        assert point.precision == pytest.approx(right / kept)
        assert point.recall == pytest.approx(right / relevant if relevant else 0)
        assert point.documents == pytest.approx(kept / sum(query in qrels for query in scores))


def test_thresholds_of_many_scores_are_at_most_50_and_some_are_round() -> None:
    chance = random.Random(1)
    scores = {f"q{q}": {str(d): chance.random() for d in range(100)} for q in range(20)}
    qrels = {query: {"1": 1, "2": 1} for query in scores}
    drawn = [point.score for point in threshold_curve(scores, qrels)]
    assert 35 <= len(drawn) <= 50
    assert {0.1, 0.3, 0.5, 0.7, 0.9} <= set(drawn)
    relevant = sorted(scores[query][document] for query in scores for document in "12")
    assert {relevant[0], relevant[-1]} <= set(drawn)


@pytest.mark.parametrize(
    "values", [[0.5, 0.5], [0.0, 5e-324], [-1.7e308, 1.7e308], [1e15, 1e15 + 1], [-3.0, 1e-9]]
)
def test_thresholds_of_odd_scores(values: list[float]) -> None:
    scores = {"q": {str(place): value for place, value in enumerate(values)}}
    points = threshold_curve(scores, {"q": {"0": 1}})
    assert {point.score for point in points} >= set(values)
    assert len(points) <= 50
