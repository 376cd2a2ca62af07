"""The page's tables: all measures, published figures next to measured ones, usage and cost."""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree.ElementTree import Element

from ..results import Evaluation, Figure, ModelResult
from ..verdicts import beside_published, verdict
from . import facts, wording
from .markup import Child, table, tag


def measures(evaluation: Evaluation) -> list[Element]:
    """Every measure of the first stage, each model and the oracle."""
    models = [model for model in evaluation.models if model.figures]
    if not models:
        return []
    return [
        tag("h2", "Measures"),
        tag(
            "p",
            "Below each gain stand its 95 % interval and p. "
            f"{wording.rows_explained(evaluation)} The oracle is the same candidates in "
            "the best possible order: no reranker can exceed it.",
            class_="soft",
        ),
        _tables(
            table(
                wording.one_line(model.model, 60),
                ["Measure", "First stage", "Reranked", "Oracle", "Gain"],
                [
                    [
                        wording.one_line(name, 20),
                        _mean(evaluation.first.get(name)),
                        tag("strong", wording.unit(figure.mean)),
                        _mean(evaluation.oracle.get(name)),
                        difference(figure),
                    ]
                    for name, figure in model.figures.items()
                ],
            )
            for model in models
        ),
    ]


def published(evaluation: Evaluation) -> list[Element]:
    """The service's own figures, next to those measured here."""
    models = [model for model in evaluation.models if model.published]
    if not models:
        return []
    return [
        tag("h2", "Published by the service"),
        tag(
            "p",
            "Measured by the service on BEIR: comparable only where the same model ran over the "
            "same data.",
        ),
        _tables(
            table(
                wording.one_line(model.model, 60),
                ["Figure", "Published", "Measured here"],
                _beside(model),
            )
            for model in models
        ),
    ]


def behind(evaluation: Evaluation) -> list[Element]:
    """Judgements, lost queries, cut texts and warm-up calls."""
    shared = facts.of_queries(evaluation)
    models = [(model, facts.of_model(evaluation, model)) for model in evaluation.models]
    lines = [*((None, fact) for fact in shared), *((m, f) for m, found in models for f in found)]
    if not lines and not evaluation.left_out:
        return []
    return [
        tag("h2", "What stands behind the figures"),
        tag(
            "ul",
            *(
                tag(
                    "li",
                    tag("strong", f"{wording.one_line(model.model, 60)}: ") if model else None,
                    f"{fact}.",
                )
                for model, fact in lines
            ),
        ),
        *_left_out(evaluation),
    ]


def _left_out(evaluation: Evaluation) -> list[Element]:
    reasons = (
        tag("li", tag("bdi", wording.one_line(query, 80)), f": {wording.one_line(reason)}")
        for query, reason in evaluation.left_out.items()
    )
    title = f"Queries left out ({len(evaluation.left_out):,}), and why"
    return [tag("details", tag("summary", title), tag("ul", *reasons))] * bool(evaluation.left_out)


def gates(evaluation: Evaluation) -> list[Element]:
    """Each model against the baseline."""
    if not evaluation.gates:
        return []
    return [
        tag("h2", "Against the baseline"),
        table(
            f"{evaluation.gates[0].measure}, query by query",
            ["Model", "Baseline", "Queries", "Difference"],
            [
                [
                    wording.one_line(gate.model, 60),
                    wording.one_line(gate.baseline, 100),
                    f"{gate.queries:,}",
                    difference(gate.difference),
                ]
                for gate in evaluation.gates
            ],
        ),
        tag("ul", *(tag("li", f"{facts.of_gate(gate)}.") for gate in evaluation.gates)),
    ]


def took(evaluation: Evaluation) -> list[Element]:
    """Money, requests and tokens of each model."""
    if not evaluation.models:
        return []
    return [
        tag("h2", "What this evaluation took"),
        tag(
            "ul",
            *(
                tag(
                    "li",
                    tag("strong", f"{wording.one_line(model.model, 60)}: "),
                    ", ".join(wording.took(model.usage)),
                )
                for model in evaluation.models
            ),
        ),
    ]


def _tables(tables: Iterable[Element]) -> Element:
    return tag("div", *tables, class_="tables")


def _mean(figure: Figure | None) -> str:
    return wording.unit(None if figure is None else figure.mean)


def difference(figure: Figure) -> Element:
    """A difference of means, with verdict, interval and p."""
    told = verdict(figure)
    return tag(
        "div",
        f"{wording.difference(figure.gain)} ",
        tag("span", told, class_=f"verdict {told.name.lower()}"),
        tag("small", wording.interval(figure.low, figure.high)),
        tag("small", wording.p_is(figure.p_corrected)),
    )


def _latency(model: ModelResult, measured: float | None) -> str:
    calls = next((depth.calls for depth in model.depths if depth.p50_ms == measured), 0)
    of = f" ({wording.count(calls, 'call')})" if measured is not None else ""
    return f"{wording.milliseconds(measured)}{of}"


def _beside(model: ModelResult) -> list[list[Child]]:
    rows: list[list[Child]] = []
    for name, (value, measured) in beside_published(model).items():
        if name.startswith("ms@"):
            name = f"ms with {name.removeprefix('ms@')} candidates"
            rows.append([name, wording.milliseconds(value), _latency(model, measured)])
        else:
            rows.append([wording.one_line(name, 40), wording.unit(value), wording.unit(measured)])
    return rows
