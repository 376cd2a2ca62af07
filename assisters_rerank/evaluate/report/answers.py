"""The five questions that people bring to an evaluation, each answered in a line or two."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

from ..results import MAIN_MEASURE, Depth, Evaluation, Figure, ModelResult, Threshold
from ..significance import LEAST_DIFFERING
from ..verdicts import (
    FEW_QUERIES,
    EnoughCandidates,
    Verdict,
    balanced,
    enough_candidates,
    verdict,
)
from . import wording

_SHORT = {
    Verdict.BETTER: "Better",
    Verdict.WORSE: "Worse",
    Verdict.UNCLEAR: "Not clear",
    Verdict.SAME: "The same",
    Verdict.TOO_FEW: "Too few to tell",
}

_CERTAIN = (Verdict.BETTER, Verdict.WORSE)


@dataclass(frozen=True, slots=True)
class Answer:
    """A question, the answer in a few words, and what stands behind it."""

    question: str
    short: str
    detail: str


def main_verdict(model: ModelResult) -> Verdict:
    """What its nDCG@10 says of a model."""
    figure = model.figures.get(MAIN_MEASURE)
    return Verdict.UNCLEAR if figure is None else verdict(figure)


def answers(evaluation: Evaluation, model: ModelResult) -> tuple[Answer, ...]:
    """Is it better, how sure is that, how many candidates, which threshold, what does it cost."""
    figure = model.figures.get(MAIN_MEASURE)
    first = evaluation.first.get(MAIN_MEASURE)
    if figure is None or first is None:
        return (Answer("Is it better?", "Not measured", evaluation.stopped or "No query was."),)
    enough = enough_candidates(model.depths, first.mean)
    return (
        _better(evaluation, model, figure, first),
        _sure(evaluation, figure),
        _candidates(evaluation, model, enough),
        _threshold(evaluation, model),
        _cost(model, enough),
    )


def best_model(evaluation: Evaluation) -> Answer | None:
    """Which of several models, by their paired differences; None for fewer than two."""
    question, models = "Which model?", evaluation.models
    places = list(zip(combinations(range(len(models)), 2), evaluation.pairs, strict=False))
    if not places:
        return None
    best = max(range(len(models)), key=lambda place: models[place].figures[MAIN_MEASURE].mean)
    name = wording.one_line(models[best].model, 60)
    alike = []
    for (one, other), pair in places:
        if best in (one, other) and verdict(pair.difference) not in _CERTAIN:
            rival = models[other if best == one else one].model
            most = pair.difference.high if best == one else -pair.difference.low
            alike.append(f"{wording.one_line(rival, 60)} (at most {wording.unit(most)} below)")
    if not alike:
        return Answer(question, name, f"Its {MAIN_MEASURE} is above that of every other model")
    return Answer(
        question,
        "Not clear",
        f"{name} has the highest {MAIN_MEASURE}, but by the paired differences it is not certain "
        f"to be above {' and '.join(alike)}. Let price decide where you can bear such a loss",
    )


def _better(evaluation: Evaluation, model: ModelResult, figure: Figure, first: Figure) -> Answer:
    return Answer(
        "Is it better?",
        _SHORT[verdict(figure)],
        f"{MAIN_MEASURE} {wording.unit(first.mean)} → {wording.unit(figure.mean)} "
        f"({wording.difference(figure.gain)}): {wording.queries(model.improved)} improved, "
        f"{model.worsened:,} got worse, {model.unchanged:,} unchanged",
    )


def _sure(evaluation: Evaluation, figure: Figure) -> Answer:
    interval = wording.interval(figure.low, figure.high)
    told = verdict(figure)
    said = {
        Verdict.BETTER: "The 95 % interval of the gain excludes zero",
        Verdict.WORSE: "The 95 % interval of the gain excludes zero: it is a loss",
        Verdict.UNCLEAR: "The 95 % interval of the gain includes zero: it may be chance",
        Verdict.SAME: "Not one query changed its value",
        Verdict.TOO_FEW: f"The values of {wording.queries(figure.differing)} differ; a verdict "
        f"needs {LEAST_DIFFERING}",
    }[told]
    if told is Verdict.UNCLEAR and not figure.low <= 0 <= figure.high:
        said = "The 95 % interval of the gain excludes zero, but the p-value is above 0.05"
    if told not in (Verdict.SAME, Verdict.TOO_FEW):
        said += f"; p = {wording.p_value(figure.p_corrected)}"
        tests = len(evaluation.models)
        said += f", corrected for {tests} models" if tests > 1 else ""
    if 1 < evaluation.queries < FEW_QUERIES:
        said += f"; but {evaluation.queries} queries are few: at least {FEW_QUERIES}, better 50"
    return Answer("How sure is that?", interval, said)


def _candidates(
    evaluation: Evaluation, model: ModelResult, enough: EnoughCandidates | None
) -> Answer:
    question = "How many candidates?"
    first_stage = wording.one_line(evaluation.first_stage, 60)
    if not model.depths:
        return Answer(question, "Not measured", "There is no curve over the candidates")
    if enough is None:
        return Answer(question, "None", f"No number of candidates beats {first_stage} alone")
    depth, best = enough.depth, enough.best
    if depth == best:
        return Answer(
            question, f"{depth.candidates:,}", "They give the best gain, and fewer give less"
        )
    # Rounded down: 99.6 % is not all of it.
    share = f"{int(100 * enough.share)} % of the best gain"
    return Answer(
        question, f"{depth.candidates:,}", f"They give {share}, which {best.candidates:,} give"
    )


def _threshold(evaluation: Evaluation, model: ModelResult) -> Answer:
    question = "Which threshold?"
    wanted = evaluation.wanted_precision
    if wanted is None:
        found = balanced(model.thresholds)
        if found is None:
            return Answer(question, "None", "No threshold keeps a relevant document")
        return Answer(question, wording.score(found.score), f"Best F1: {_kept(found)}")
    if model.threshold_for_precision is not None:
        short = wording.score(model.threshold_for_precision)
        detail = f"The lowest score that reaches precision {wording.unit(wanted)}"
        for threshold in model.thresholds:
            if threshold.score == model.threshold_for_precision:
                detail += f": {_kept(threshold)}"
        return Answer(question, short, detail)
    reached = [t for t in model.thresholds if t.precision is not None]
    if not reached:
        return Answer(question, "None", f"No score reaches precision {wording.unit(wanted)}")
    closest = max(reached, key=lambda threshold: threshold.precision or 0.0)
    return Answer(
        question,
        "None",
        f"No score reaches precision {wording.unit(wanted)}; the nearest is "
        f"{wording.unit(closest.precision)} at {wording.score(closest.score)}",
    )


def _kept(threshold: Threshold) -> str:
    return (
        f"precision {wording.unit(threshold.precision)}, recall {wording.unit(threshold.recall)}, "
        f"{threshold.documents:.1f} documents kept per query"
    )


def _cost(model: ModelResult, enough: EnoughCandidates | None) -> Answer:
    question = "What does it cost?"
    depth = _costed(model, enough)
    if depth is None:
        return Answer(question, "Not measured", "There is no curve over the candidates")
    dollars = depth.dollars_per_1000_queries
    short = "Price unknown" if dollars is None else wording.price(dollars)
    if depth.p50_ms is None:
        time = "latency not measured: the scores came from the cache"
    else:
        time = f"{wording.milliseconds(depth.p50_ms)} ms per call"
        if depth.p95_ms is not None:
            time += f" (median; 95th percentile {wording.milliseconds(depth.p95_ms)} ms)"
    each = "With" if dollars is None else "For 1,000 queries with"
    return Answer(question, short, f"{each} {depth.candidates:,} candidates; {time}")


def _costed(model: ModelResult, enough: EnoughCandidates | None) -> Depth | None:
    if enough is not None:
        return enough.depth
    return max(model.depths, key=lambda depth: depth.candidates, default=None)
