"""The five questions that people bring to an evaluation, each answered in a line or two."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

from ..results import MAIN_MEASURE, Depth, Evaluation, Figure, ModelResult
from ..significance import LEAST_DIFFERING
from ..split_half import LEAST_QUERIES
from ..verdicts import FEW_QUERIES, Verdict, verdict
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
    """A question, the answer in a few words, and what stands behind it.

    `verdict` is what the first answer of a model says, `figure` that of which one is the interval.
    """

    question: str
    short: str
    detail: str
    verdict: Verdict | None = None
    figure: Figure | None = None


def answers(evaluation: Evaluation, model: ModelResult) -> tuple[Answer, ...]:
    """Is it better, how sure is that, how many candidates, which threshold, what does it cost."""
    figure = model.figures.get(MAIN_MEASURE)
    first = evaluation.first.get(MAIN_MEASURE)
    if figure is None or first is None:
        return (Answer("Is it better?", "Not measured", evaluation.stopped or "No query was."),)
    return (
        _better(evaluation, model, figure, first),
        _sure(evaluation, figure),
        _candidates(evaluation, model),
        _threshold(evaluation, model),
        _cost(evaluation, model),
    )


def best_model(evaluation: Evaluation) -> Answer | None:
    """Which of several models, by their paired differences; None for fewer than two."""
    question, models = "Which model?", evaluation.models
    places = list(zip(combinations(range(len(models)), 2), evaluation.pairs, strict=False))
    if not places:
        return None
    best = max(range(len(models)), key=lambda place: models[place].figures[MAIN_MEASURE].mean)
    names = wording.labels(models)
    name = names[best]
    alike, same = [], []
    for (one, other), pair in places:
        if best in (one, other) and verdict(pair.difference) not in _CERTAIN:
            rival = names[other if best == one else one]
            most = pair.difference.high if best == one else -pair.difference.low
            if verdict(pair.difference) is Verdict.SAME:
                same.append(rival)
                alike.append(f"{rival} (the same on every query)")
            else:
                alike.append(f"{rival} (by the 95 % interval at most {wording.unit(most)} below)")
    if same and len(same) == len(alike):
        return Answer(
            question,
            "The same",
            f"{' and '.join([name, *same])} have the same {MAIN_MEASURE} on every query. Let price "
            "and latency decide",
        )
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
        verdict(figure),
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
        said += f"; {wording.p_is(figure.p_corrected)}"
        tests = len(evaluation.models)
        said += f", corrected for {tests} models" if tests > 1 else ""
    if 1 < evaluation.queries < FEW_QUERIES:
        said += f"; but {evaluation.queries} queries are few: at least {FEW_QUERIES}, better 50"
    return Answer("How sure is that?", interval, said, figure=figure)


def _candidates(evaluation: Evaluation, model: ModelResult) -> Answer:
    question = "How many candidates?"
    if not model.depths:
        return Answer(question, "Not measured", "There is no curve over the candidates")
    chosen = model.chosen_depth
    if chosen is None:
        first_stage = wording.one_line(evaluation.first_stage, 60)
        return Answer(
            question,
            "None",
            f"No number of candidates is better than {first_stage} without a rerank",
        )
    share = wording.share(chosen.share)
    detail = f"{chosen.candidates:,} candidates give {share} of the best gain"
    if chosen.gain is not None and chosen.low is not None and chosen.high is not None:
        detail += (
            "; chosen on one half of the queries, the gain on the other is "
            f"{wording.difference(chosen.gain)} ({wording.interval(chosen.low, chosen.high)})"
        )
    if chosen.holds:
        return Answer(question, f"{chosen.candidates:,}", detail)
    return Answer(question, "None that holds", f"On these queries {detail}. It may be chance")


def _threshold(evaluation: Evaluation, model: ModelResult) -> Answer:
    question = "Which threshold?"
    wanted, chosen = evaluation.wanted_precision, model.chosen_threshold
    if chosen is None:
        return Answer(
            question,
            "None that holds",
            "No threshold keeps a relevant document"
            if wanted is None
            else f"No score has precision {wording.unit(wanted)} by the lower end of its one-sided "
            f"95 % interval, on documents of {LEAST_QUERIES} queries",
        )
    aim = "Best F1" if wanted is None else f"For precision {wording.unit(wanted)}"
    detail = (
        f"{aim}; it rests on {wording.count(chosen.documents, 'document')} of "
        f"{wording.queries(chosen.queries)}"
    )
    if chosen.precision is None or chosen.low is None or chosen.high is None:
        detail += "; too few to choose on one half of the queries and measure on the other"
    else:
        detail += (
            f". Chosen on one half of the queries, on the other precision "
            f"{wording.unit(chosen.precision)} ({wording.unit(chosen.low)} to "
            f"{wording.unit(chosen.high)}), recall {wording.unit(chosen.recall)}"
        )
    if chosen.holds:
        return Answer(question, wording.score(chosen.score), detail)
    return Answer(
        question, "None that holds", f"The nearest is {wording.score(chosen.score)}. {detail}"
    )


def _cost(evaluation: Evaluation, model: ModelResult) -> Answer:
    question = "What does it cost?"
    depth = _costed(model)
    if depth is None:
        return Answer(question, "Not measured", "There is no curve over the candidates")
    dollars = depth.dollars_per_1000_queries
    short = "Price unknown" if dollars is None else wording.price(dollars)
    if depth.p50_ms is None:
        time = "latency not measured: the scores came from the cache"
    else:
        time = f"{wording.milliseconds(depth.p50_ms)} ms per call (median"
        if depth.p95_ms is not None:
            time += f"; 95th percentile {wording.milliseconds(depth.p95_ms)} ms"
        time += f"; {wording.count(depth.calls, 'call')})"
    each = "With" if dollars is None else "For 1,000 queries with"
    prices = ", at the service's prices" if evaluation.at_service_prices else ""
    return Answer(question, short, f"{each} {depth.candidates:,} candidates{prices}; {time}")


def _costed(model: ModelResult) -> Depth | None:
    chosen = model.chosen_depth
    for depth in model.depths:
        if chosen is not None and chosen.holds and depth.candidates == chosen.candidates:
            return depth
    return max(model.depths, key=lambda depth: depth.candidates, default=None)
