"""A gate: what passes it, what does not, and what cannot be compared."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from assisters_rerank import ConfigurationError
from assisters_rerank.evaluate import Baseline, Collection, Evaluation
from assisters_rerank.evaluate.baseline import held
from assisters_rerank.evaluate.report import facts
from assisters_rerank.evaluate.report.json_report import to_json

from .evaluations import BGE, ONE_MODEL, WORSE


def measured(values: Sequence[float], model: str = "m") -> Evaluation:
    by_query = {f"q{number}": value for number, value in enumerate(values)}
    result = replace(BGE, model=model, values={"nDCG@10": by_query, "P@10": by_query})
    return replace(ONE_MODEL, models=(result,))


ANEW = "make the baseline anew (eval --json, or pytest --assisters-update-baseline)"
BEFORE = [0.5 + number / 100 for number in range(30)]
LOWER = [value - 0.1 - 0.01 * (number % 3) for number, value in enumerate(BEFORE)]


@pytest.fixture
def baseline(tmp_path: Path) -> Baseline:
    return Baseline.read(written(tmp_path, measured(BEFORE)))


def written(folder: Path, evaluation: Evaluation) -> Path:
    file = folder / "baseline.json"
    file.write_text(to_json(evaluation))
    return file


@pytest.mark.parametrize(
    ("values", "passed", "said"),
    [
        (LOWER, False, "not passed: significantly below the baseline; nDCG@10 -0.110"),
        (BEFORE, True, "passed: not one query has another value"),
        ([value + 0.1 for value in BEFORE], True, "passed: not significantly below"),
        ([*LOWER[:9], *BEFORE[9:]], True, "too few queries differ to tell (9; a verdict needs 10)"),
        ([value + (-1) ** n * 0.1 for n, value in enumerate(BEFORE)], True, "passed: not signif"),
    ],
)
def test_the_verdict(baseline: Baseline, values: Sequence[float], passed: bool, said: str) -> None:
    (gate,) = baseline.compare(measured(values, "another")).gates
    assert gate.passed is passed
    assert said in facts.of_gate(gate.model, gate)
    assert f"another against m in {baseline.name}: " in facts.of_gate(gate.model, gate)


def test_only_queries_of_both_runs_count(baseline: Baseline) -> None:
    (gate,) = baseline.compare(measured(LOWER[:12])).gates
    assert (gate.queries, gate.passed) == (12, False)


def test_a_question_that_has_changed_is_another_one(tmp_path: Path) -> None:
    before = replace(measured(BEFORE), asked={f"q{number}": "a" for number in range(30)})
    baseline = Baseline.read(written(tmp_path, before))
    changed = {f"q{number}": "b" for number in range(3)}
    (gate,) = baseline.compare(replace(measured(LOWER), asked=before.asked | changed)).gates
    assert (gate.queries, gate.of, gate.changed, gate.passed) == (27, 30, 3, False)
    said = "on 27 queries of the baseline's 30; 3 changed since in text or judgements"
    assert facts.of_gate(gate.model, gate).endswith(said)
    now = ("SciFact", ["q0", "q1"], ["m"], "nDCG@10", 1)
    baseline.check(*now, {"q0": "b", "q1": "a"})
    with pytest.raises(ConfigurationError, match="another text or other judgements for every"):
        baseline.check(*now, {"q0": "b", "q1": "b"})
    (gate,) = Baseline("old.json", measured(BEFORE)).compare(before).gates  # without digests
    assert (gate.queries, gate.changed) == (30, 0)


def test_what_a_question_is() -> None:
    cats = Collection("c", {}, {"q": "cats", "r": "\ud800"}, {"q": {"d": 1, "e": 0}, "r": {}})
    same = Collection("other", {"d": "x"}, dict(cats.queries), {"q": {"e": 0, "d": 1}, "r": {}})
    assert cats.asked() == same.asked()
    for queries, grades in (({"q": "dogs"}, {"d": 1, "e": 0}), ({"q": "cats"}, {"d": 2, "e": 0})):
        assert Collection("c", {}, queries, {"q": grades}).asked()["q"] != cats.asked()["q"]


@pytest.mark.parametrize(("name", "alias"), [("nDCG@10", "NDCG@10"), ("P@10", "Precision@10")])
def test_a_measure_is_the_same_by_any_of_its_names(
    baseline: Baseline, name: str, alias: str
) -> None:
    baseline.check("SciFact", ["q1"], ["m"], alias)
    by_name, by_alias = (baseline.compare(measured(LOWER), each).gates[0] for each in (name, alias))
    assert replace(by_alias, measure=name) == by_name


def test_a_measure_that_is_none_or_was_not_measured_is_said(
    baseline: Baseline, tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError, match="did you mean nDCG@10"):
        baseline.check("SciFact", ["q1"], ["m"], "ndcg@10")
    with pytest.raises(ConfigurationError, match=r"give evaluate measures=\['nDCG@3'\]"):
        held(written(tmp_path, measured(BEFORE)), measured(LOWER), "nDCG@3")


def test_a_run_without_any_of_its_queries_does_not_pass(baseline: Baseline) -> None:
    (gate,) = baseline.compare(measured([])).gates
    assert (gate.queries, gate.passed) == (0, False)
    assert "no query of the baseline was done" in facts.of_gate(gate.model, gate)


def test_several_models_are_found_by_name_and_corrected(tmp_path: Path) -> None:
    two = replace(ONE_MODEL, models=(*measured(BEFORE, "a").models, *measured(LOWER, "b").models))
    baseline = Baseline.read(written(tmp_path, two))
    lower = [value - 0.01 * (number % 7 - 2.2) for number, value in enumerate(BEFORE)]
    now = replace(two, models=(two.models[1], *measured(lower, "a").models))
    b, a = baseline.compare(now).gates
    assert (b.model, b.difference.differing, a.model) == ("b", 0, "a")
    assert a.difference.p_corrected == min(1.0, 2 * a.difference.p)
    alone = baseline.compare(replace(now, models=now.models[1:])).gates[0]
    assert alone.difference.p_corrected == alone.difference.p == a.difference.p


def test_two_settings_of_one_model_are_told_apart(tmp_path: Path) -> None:
    two = replace(ONE_MODEL, models=(*measured(BEFORE).models, *measured(BEFORE).models))
    file = written(tmp_path, two)
    now = replace(two, models=(two.models[0], *measured(LOWER).models))
    compared, (problem,), _ = held(file, now, "nDCG@10")
    assert problem.startswith("m #2 against m #2 in baseline.json: not passed: ")
    assert [passed.passed for passed in compared.gates] == [True, False]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("other", ["q1"], ["m"]), "the baseline is of 'SciFact' and not of 'other'"),
        (("SciFact", ["q1"], ["m"], "AP"), "the baseline has no AP of single queries for m"),
        (("SciFact", ["x1"], ["m"]), "the baseline has none of the queries of 'SciFact'"),
        (("SciFact", ["q1"], ["m"], "RR"), "the baseline has no RR of single queries for m"),
        (("SciFact", ["q1"], ["m", "n"]), "the baseline has no further model n"),
        (("SciFact", ["q1"], ["m"], "P@10", 2), "the baseline has the relevance level 1"),
    ],
)
def test_what_cannot_be_compared_is_one_line(
    baseline: Baseline, arguments: tuple[str, list[str], list[str]], said: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        baseline.check(*arguments)
    assert str(caught.value) == f"baseline.json: {said}; {ANEW}."


@pytest.mark.parametrize("text", [None, "", "{", '{"format": "x"}', "[1]", "\x00", "b\xe9"])
def test_a_file_that_is_no_baseline_is_one_line(tmp_path: Path, text: str | None) -> None:
    file = tmp_path / "baseline.json"
    if text is not None:
        file.write_text(text, encoding="latin-1")
    with pytest.raises(ConfigurationError, match="make the baseline anew") as caught:
        Baseline.read(file)
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(f"; {ANEW}.")


def test_values_that_are_no_numbers_and_failed_runs_are_refused(tmp_path: Path) -> None:
    file = written(tmp_path, measured(BEFORE))
    content = json.loads(file.read_text())
    content["models"][0]["values"]["nDCG@10"]["q3"] = float("nan")
    file.write_text(json.dumps(content))
    with pytest.raises(ConfigurationError, match="that is no number"):
        Baseline.read(file).check("SciFact", ["q1"], ["m"])
    written(tmp_path, replace(measured(BEFORE), failed=True))
    with pytest.raises(ConfigurationError, match="ended early by a failure"):
        Baseline.read(file)


def test_an_older_report_has_no_values(tmp_path: Path) -> None:
    file = written(tmp_path, replace(ONE_MODEL, models=(WORSE,)))
    content = json.loads(file.read_text())
    del content["models"][0]["values"], content["failed"], content["gates"]
    file.write_text(json.dumps(content))
    with pytest.raises(ConfigurationError, match=r"no nDCG@10 of single queries"):
        Baseline.read(file).check("SciFact", ["q1"], ["m"])
