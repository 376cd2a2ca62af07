"""An evaluation on a terminal: tables for each model, and the answers last, where eyes are.

Only the sixteen named colours. No meaning is only in a colour, so that piped output reads the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.text import Text

from ..results import MAIN_MEASURE, Evaluation, ModelResult, Threshold
from ..verdicts import Verdict, verdict
from . import facts, wording
from .answers import answers, best_model
from .terminal_output import Output

_MOST_THRESHOLDS = 12
_MOST_WORSE = 12
_COLOURS: dict[Verdict | None, str] = {Verdict.BETTER: "green", Verdict.WORSE: "red"}


def show(evaluation: Evaluation, console: Console) -> None:
    """Prints the whole evaluation."""
    output = Output(console)
    output.heading(wording.one_line(evaluation.collection, 60))
    output.line(
        f"{wording.count(evaluation.documents, 'document')}, "
        f"{wording.queries(evaluation.queries)}, up to "
        f"{wording.count(evaluation.candidates, 'candidate')} each from "
        f"{wording.one_line(evaluation.first_stage, 30)}; "
        f"took {wording.seconds(evaluation.seconds)}"
    )
    for fact in facts.of_queries(evaluation):
        output.line(f"{fact}.")
    for model, label in wording.labelled(evaluation.models):
        output.heading(wording.named(model, label))
        if model.figures:
            _measures(output, evaluation, model)
            _changes(output, model)
            for fact in facts.of_model(evaluation, model):
                output.line(f"{fact}.")
        _depths(output, evaluation, model)
        _thresholds(output, evaluation, model)
        _published(output, model)
        output.empty_line()
        output.line("Took: " + ", ".join(wording.took(model.usage)))
    if not evaluation.models:
        output.line("No model was evaluated.")
    _summary(output, evaluation)


def _measures(output: Output, evaluation: Evaluation, model: ModelResult) -> None:
    # Without the oracle, which is the same for all models, a row fits on one line of 60.
    columns = ["measure", "first", "model", "gain", "95 % interval", "p", "verdict"]
    if not output.narrow:
        columns.insert(3, "oracle")

    def rows() -> Iterator[tuple[Sequence[str | Text], str]]:
        for name, figure in model.figures.items():
            told = verdict(figure)
            cells: dict[str, str | Text] = {
                "measure": wording.one_line(name, 20),
                "first": wording.mean(evaluation.first, name),
                "model": Text(wording.unit(figure.mean), style="bold"),
                "oracle": wording.mean(evaluation.oracle, name),
                "gain": wording.difference(figure.gain),
                "95 % interval": f"{wording.difference(figure.low)}, "
                f"{wording.difference(figure.high)}",
                "p": wording.p_value(figure.p_corrected),
                "verdict": Text(told, style=_COLOURS.get(told, "")),
            }
            yield [cells[column] for column in columns], ""

    output.table(columns, rows(), left=(0, len(columns) - 1))
    oracle = "" if output.narrow else "oracle: the same candidates in the best possible order. "
    first = f"first: {wording.one_line(evaluation.first_stage, 30)} without a rerank. "
    output.line(f"{first}{oracle}{wording.rows_explained(evaluation)}", "dim")


def _changes(output: Output, model: ModelResult) -> None:
    output.empty_line()
    output.line(
        f"{MAIN_MEASURE} by query: {model.improved:,} improved, {model.worsened:,} worsened, "
        f"{model.unchanged:,} unchanged"
    )
    if model.worse:
        shown = [wording.one_line(query, 40) for query in model.worse[:_MOST_WORSE]]
        more = len(model.worse) - len(shown)
        rest = f" and {more:,} more" if more else ""
        output.line(f"Worse, the worst first: {', '.join(shown)}{rest}")


def _depths(output: Output, evaluation: Evaluation, model: ModelResult) -> None:
    if not model.depths:
        return
    best = model.chosen_depth

    def rows() -> Iterator[tuple[Sequence[str], str]]:
        if MAIN_MEASURE in evaluation.first:
            yield ("0", wording.mean(evaluation.first, MAIN_MEASURE), "", "", "", ""), ""
        for depth in model.depths:
            chosen = best is not None and best.holds and depth.candidates == best.candidates
            cells = (
                f"{'* ' * chosen}{depth.candidates:,}",
                wording.unit(depth.ndcg_at_10),
                wording.milliseconds(depth.p50_ms),
                wording.milliseconds(depth.p95_ms),
                f"{depth.calls:,}",
                wording.price(depth.dollars_per_1000_queries),
            )
            yield cells, "bold" if chosen else ""

    columns = ("candidates", MAIN_MEASURE, "p50 ms", "p95 ms", "calls", "$ per 1,000 queries")
    output.table(columns, rows())
    if best is not None and best.holds:
        output.line("*: the fewest with at least 95 % of the best gain", "dim")
    if all(depth.p50_ms is None for depth in model.depths):
        output.line("No latency was measured: the scores came from the cache.", "dim")
    if all(depth.dollars_per_1000_queries is None for depth in model.depths):
        output.line("The model's price is unknown.", "dim")
    elif evaluation.at_service_prices:
        output.line(wording.SERVICE_PRICES, "dim")


def _thresholds(output: Output, evaluation: Evaluation, model: ModelResult) -> None:
    if not model.thresholds:
        return
    chosen = model.threshold_for_precision

    def rows() -> Iterator[tuple[Sequence[str], str]]:
        for threshold in _some(model.thresholds, chosen):
            is_chosen = threshold.score == chosen
            cells = (
                f"{'* ' * is_chosen}{wording.score(threshold.score)}",
                wording.unit(threshold.precision),
                wording.unit(threshold.recall),
                f"{threshold.documents:.1f}",
            )
            yield cells, "bold" if is_chosen else ""

    output.table(("threshold", "precision", "recall", "documents kept"), rows())
    if evaluation.wanted_precision is not None:
        aim = f"precision {wording.unit(evaluation.wanted_precision)}"
        if chosen is None:
            output.line(f"No threshold holds for {aim}.")
        else:
            output.line(
                f"*: {wording.score(chosen)} is the lowest that has {aim} by the lower end of its "
                "one-sided 95 % interval",
                "dim",
            )


def _published(output: Output, model: ModelResult) -> None:
    if not model.published:
        return
    rows = ((cells, "") for cells in facts.of_published(model))
    output.table(("published by the service", "published", "measured here"), rows, left=(0,))
    output.line(
        "Published on BEIR: comparable only where the same model ran over the same data.", "dim"
    )


def _summary(output: Output, evaluation: Evaluation) -> None:
    for model, label in wording.labelled(evaluation.models):
        output.heading(f"Summary: {wording.named(model, label)}")
        output.pairs(
            (each.question, each.short, f"bold {_COLOURS.get(each.verdict, '')}", each.detail)
            for each in answers(evaluation, model)
        )
    if len(evaluation.models) > 1:
        _pairs(output, evaluation)
        output.empty_line()
        output.line("Scores do not compare between models: each has thresholds of its own.")
    if evaluation.gates:
        output.heading("Gate")
    for label, gate in wording.labelled_gates(evaluation):
        output.line(f"{facts.of_gate(label, gate)}.", "" if gate.passed else "bold red")
    if evaluation.stopped is not None:
        output.empty_line()
        output.line(
            f"Stopped early: {wording.one_line(evaluation.stopped)}. "
            "The figures are of the queries that all models have done.",
            "bold yellow",
        )


def _pairs(output: Output, evaluation: Evaluation) -> None:
    answer = best_model(evaluation)
    if answer is None:
        return
    output.heading(f"{MAIN_MEASURE}, model against model")

    def rows() -> Iterator[tuple[Sequence[str | Text], str]]:
        for model, other, pair in wording.labelled_pairs(evaluation):
            figure = pair.difference
            cells = (
                f"{model} - {other}",
                wording.difference(figure.gain),
                f"{wording.difference(figure.low)}, {wording.difference(figure.high)}",
                wording.p_value(figure.p_corrected),
                verdict(figure),
            )
            yield cells, ""

    output.table(("models", "difference", "95 % interval", "p", "verdict"), rows(), left=(0, 4))
    output.line(wording.pairs_explained(len(evaluation.pairs)), "dim")
    output.empty_line()
    output.pairs([(answer.question, answer.short, "bold", answer.detail)])


def _some(thresholds: Sequence[Threshold], chosen: float | None) -> Sequence[Threshold]:
    """At most a dozen, evenly over the curve, with both ends and the chosen one."""
    if len(thresholds) <= _MOST_THRESHOLDS:
        return thresholds
    even, last = _MOST_THRESHOLDS - 2, len(thresholds) - 1
    places = {round(step * last / even) for step in range(even + 1)}
    places |= {place for place, each in enumerate(thresholds) if each.score == chosen}
    return [thresholds[place] for place in sorted(places)]
