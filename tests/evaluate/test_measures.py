"""The measures against their definitions and against trec_eval's own binding."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

import pytest
import pytrec_eval
from hypothesis import given
from hypothesis import strategies as st

from assisters_rerank.evaluate.measures import figure, figures, mean, per_query
from assisters_rerank.evaluate.results import MEASURES, Figure

from .definitions import all_measures

Ranked = dict[str, list[str]]
Grades = dict[str, dict[str, int]]

_IDS = [f"d{number}" for number in range(30)]


@st.composite
def rankings(draw: st.DrawFn) -> tuple[Ranked, Grades]:
    """Some queries without candidates, some without grades; documents missing on either side."""
    grade = st.integers(0, 1) if draw(st.booleans()) else st.integers(-2, 4)
    queries = [f"q{number}" for number in range(draw(st.integers(1, 5)))]
    some = st.lists(st.sampled_from(_IDS), unique=True, max_size=len(_IDS))
    ranked = {query: draw(some) for query in queries if draw(st.integers(0, 4))}
    qrels = {
        query: draw(st.dictionaries(st.sampled_from(_IDS), grade, max_size=15))
        for query in queries
        if draw(st.integers(0, 4))
    }
    return ranked, qrels


def by_definition(
    ranked: Mapping[str, Sequence[str]], qrels: Mapping[str, Mapping[str, int]]
) -> dict[str, dict[str, float]]:
    judged = [query for query, grades in qrels.items() if any(g > 0 for g in grades.values())]
    found = {query: all_measures(ranked.get(query, ()), qrels[query]) for query in judged}
    return {name: {query: found[query][name] for query in judged} for name in MEASURES}


def by_trec_eval(ranked: Ranked, qrels: Grades) -> dict[str, dict[str, float]]:
    names = {
        "nDCG@10": "ndcg_cut_10",
        "Recall@10": "recall_10",
        "Recall@100": "recall_100",
        "P@10": "P_10",
        "MAP": "map",
    }
    judged = {query: grades for query, grades in qrels.items() if max(grades.values()) > 0}
    scores = {
        query: {document: 1000.0 - rank for rank, document in enumerate(documents)}
        for query, documents in ranked.items()
    }
    tops = {query: dict(list(by_id.items())[:10]) for query, by_id in scores.items()}
    found = pytrec_eval.RelevanceEvaluator(judged, list(names.values())).evaluate(scores)
    first = pytrec_eval.RelevanceEvaluator(judged, ["recip_rank"]).evaluate(tops)
    return {
        **{name: {q: found[q][theirs] for q in judged} for name, theirs in names.items()},
        "MRR@10": {query: first[query]["recip_rank"] for query in judged},
    }


def assert_same(
    found: Mapping[str, Mapping[str, float]], expected: Mapping[str, Mapping[str, float]]
) -> None:
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        assert found[name] == pytest.approx(values, abs=1e-6), name


@given(rankings())
def test_as_defined(case: tuple[Ranked, Grades]) -> None:
    assert_same(per_query(*case), by_definition(*case))


@pytest.mark.parametrize("highest", [1, 3])
def test_as_trec_eval_on_long_rankings(highest: int) -> None:
    chance = random.Random(highest)
    ids = [f"d{number}" for number in range(400)]
    ranked = {f"q{number}": chance.sample(ids, chance.randint(1, 250)) for number in range(60)}
    qrels = {
        query: {d: chance.randint(0, highest) for d in chance.sample(ids, 40)} | {"d0": highest}
        for query in ranked
    }
    found = per_query(ranked, qrels)
    assert_same(found, by_trec_eval(ranked, qrels))
    assert_same(found, by_definition(ranked, qrels))
    assert mean(found["Recall@10"]) < mean(found["Recall@100"]) < 1


def test_the_order_given_counts_and_not_the_ids() -> None:
    tied = {"q": {"a": 0.5, "b": 0.5}}
    last_id_first = pytrec_eval.RelevanceEvaluator({"q": {"a": 1}}, ["recip_rank"]).evaluate(tied)
    assert last_id_first["q"]["recip_rank"] == 0.5
    for order, expected in ((["a", "b"], 1.0), (["b", "a"], 0.5)):
        assert per_query({"q": order}, {"q": {"a": 1}})["MRR@10"] == {"q": expected}


def test_a_query_without_candidates_counts_zero() -> None:
    qrels = {"found": {"a": 1}, "empty": {"a": 1}, "missing": {"a": 1}}
    values = per_query({"found": ["a"], "empty": []}, qrels)["nDCG@10"]
    assert values == {"found": 1.0, "empty": 0.0, "missing": 0.0}
    assert mean(values) == pytest.approx(1 / 3)


def test_a_query_without_a_relevant_document_is_left_out() -> None:
    ranked = {"good": ["a"], "none": ["a"], "unjudged": ["a"]}
    found = per_query(ranked, {"good": {"a": 2}, "none": {"a": 0, "b": -1}})
    assert {name: [*values] for name, values in found.items()} == {
        name: ["good"] for name in MEASURES
    }


def test_no_query_at_all() -> None:
    found = per_query({}, {})
    assert found == {name: {} for name in MEASURES}
    with pytest.raises(ValueError, match="at least one"):
        mean(found["MAP"])


@pytest.mark.parametrize("odd", ["", " ", "a\0b", "\ud800", "ü", "x" * 10_000])
def test_any_text_is_an_id(odd: str) -> None:
    ranked = {odd: ["a", odd, "a\0c"], odd + "\0": ["a"]}
    found = per_query(ranked, {odd: {odd: 1}, odd + "\0": {"a": 1}})
    assert found["MRR@10"] == {odd: 0.5, odd + "\0": 1.0}


def test_a_document_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="'q' has a document twice"):
        per_query({"q": ["a", "b", "a"]}, {"q": {"a": 1}})


def test_a_grade_that_trec_eval_cannot_hold_is_refused() -> None:
    assert per_query({"q": ["a"]}, {"q": {"a": 1_000_000}})["nDCG@10"] == {"q": 1.0}
    with pytest.raises(ValueError, match="'q' has a grade above"):
        per_query({"q": ["a"]}, {"q": {"a": 1_000_001}})


def test_only_the_wanted_measures() -> None:
    assert per_query({"q": ["a"]}, {"q": {"a": 1}}, ["MAP"]) == {"MAP": {"q": 1.0}}


def test_the_figure_of_the_first_stage_itself() -> None:
    values = {"q1": 0.25, "q2": 0.75}
    assert figure(values, values) == Figure(0.5, 0.0, 0.0, 0.0)


def test_a_figure_pairs_by_query_and_not_by_order() -> None:
    first = {"q1": 0.0, "q2": 0.5, "q3": 0.75}
    better = {query: first[query] + 0.25 for query in ("q3", "q1", "q2")}
    found = figures({"MAP": better}, {"MAP": first})["MAP"]
    assert (found.low, found.high) == (0.25, 0.25)
    assert found.gain == pytest.approx(0.25)
    assert found.mean == pytest.approx(2 / 3)


def test_figures_of_different_queries_are_refused() -> None:
    with pytest.raises(ValueError, match="same queries"):
        figure({"q1": 1.0}, {"q2": 1.0})
