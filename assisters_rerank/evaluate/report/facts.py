"""What a reader has to know: lost queries, judgements, cut texts, warm-up, and a gate's result."""

from __future__ import annotations

from collections.abc import Iterator

from ..results import Evaluation, Gate, ModelResult
from ..significance import LEAST_DIFFERING
from ..verdicts import Verdict, beside_published, verdict
from . import wording

_FEWER_JUDGED = 0.01


def of_queries(evaluation: Evaluation) -> list[str]:
    """What holds for all models."""
    facts = []
    if evaluation.relevance_level > 1:
        facts.append(
            f"Relevant: a grade of {evaluation.relevance_level:,} or more. nDCG counts all grades"
        )
    if evaluation.without_relevant:
        facts.append(
            f"{wording.queries(evaluation.without_relevant)} of {evaluation.queries:,} without a "
            "relevant candidate: no reranker can help there"
        )
    return facts + [wording.one_line(note, 500).rstrip(".") for note in evaluation.notes]


def of_all(evaluation: Evaluation) -> list[tuple[str, str]]:
    """Each fact with the label of the model of which it holds, if it is one's."""
    facts = [("", fact) for fact in of_queries(evaluation)]
    for model, label in wording.labelled(evaluation.models):
        facts += [(label, fact) for fact in of_model(evaluation, model)]
    return facts


def of_published(model: ModelResult) -> Iterator[tuple[str, str, str]]:
    """The service's own figures: what, published, and measured here."""
    calls = {f"ms@{depth.candidates}": depth.calls for depth in model.depths}
    for name, (published, measured) in beside_published(model).items():
        if not name.startswith("ms@"):
            yield wording.one_line(name, 40), wording.unit(published), wording.unit(measured)
            continue
        here = wording.milliseconds(measured)
        if measured is not None:
            here += f" ({wording.count(calls[name], 'call')})"
        what = f"ms with {name.removeprefix('ms@')} candidates"
        yield what, wording.milliseconds(published), here


def of_gate(label: str, gate: Gate) -> str:
    """Whether the model of this label has passed it."""
    told = verdict(gate.difference)
    said = {
        Verdict.SAME: "passed: not one query has another value",
        Verdict.TOO_FEW: "passed: the values of too few queries differ to tell "
        f"({gate.difference.differing:,}; a verdict needs {LEAST_DIFFERING})",
    }.get(told, "passed: not significantly below the baseline")
    if not gate.queries:
        said = "not passed: no query of the baseline was done"
    elif not gate.passed:
        said = "not passed: significantly below the baseline"
    return (
        f"{label} against {wording.one_line(gate.baseline, 100)}: "
        f"{said}; {gate.measure} {wording.difference(gate.difference.gain)} "
        f"({wording.interval(gate.difference.low, gate.difference.high)}, "
        f"{wording.p_is(gate.difference.p_corrected)}) on {wording.queries(gate.queries)}"
        + (f" of the baseline's {gate.of:,}" if gate.of > gate.queries else "")
        + (f"; {gate.changed:,} changed since in text or judgements" if gate.changed else "")
    )


def of_model(evaluation: Evaluation, model: ModelResult) -> list[str]:
    """What holds for one."""
    if not model.figures:
        return []
    first, own = evaluation.judged_at_10, model.judged_at_10
    facts = [
        f"judged@10: {wording.unit(first)} of the first stage's first ten documents have a "
        f"judgement, {wording.unit(own)} of the model's"
    ]
    if own < first - _FEWER_JUDGED:
        facts[0] += ". What nobody judged counts as wrong, so the model may be better than measured"
    if model.truncated:
        facts.append(
            f"{model.truncated:,} of {wording.count(model.pairs, 'pair')} longer than the model's "
            "window: it did not read their ends"
        )
    if model.warm_up_calls:
        facts.append(f"{wording.count(model.warm_up_calls, 'warm-up call')} left out of latencies")
    return facts
