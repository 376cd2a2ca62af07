"""The page's curves: over the number of candidates, and over the score threshold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from xml.etree.ElementTree import Element

from ..results import MAIN_MEASURE, Depth, Evaluation, ModelResult
from . import wording
from .markup import Child, table, tag
from .plots import Level, Line, line_plot

_CANDIDATES = "candidates reranked"


def by_candidates(evaluation: Evaluation) -> list[Element]:
    """nDCG@10, latency and dollars by the number of candidates."""
    models = [(place, model) for place, model in enumerate(evaluation.models) if model.depths]
    first = evaluation.first.get(MAIN_MEASURE)
    oracle = evaluation.oracle.get(MAIN_MEASURE)
    if not models or first is None:
        return []
    lines = [
        Line(
            _name(model),
            [(0.0, first.mean), *((float(d.candidates), d.ndcg_at_10) for d in model.depths)],
            place,
        )
        for place, model in models
    ]
    levels = [Level(wording.one_line(evaluation.first_stage, 30), first.mean, "first")]
    if oracle is not None:
        levels.append(Level("oracle", oracle.mean, "oracle"))
    latency = [
        Line(f"{_name(model)}, {percentile}", points, 2 * place + slower)
        for place, model in models
        for slower, (percentile, attribute) in enumerate((("p50", _p50), ("p95", _p95)))
        if (points := _points(model, attribute))
    ]
    cost = [
        Line(_name(model), points, place)
        for place, model in models
        if (points := _points(model, _dollars))
    ]
    return [
        tag("h2", "How many candidates?"),
        tag(
            "div",
            line_plot(
                "nDCG@10 by number of candidates", _CANDIDATES, "nDCG@10", lines, levels=levels
            ),
            line_plot(
                f"Latency of a call, ms ({_calls(models)})",
                _CANDIDATES,
                "ms",
                latency,
                from_zero=True,
            )
            if latency
            else tag("p", "No latency was measured: the scores came from the cache."),
            line_plot(
                "Dollars per 1,000 queries"
                + (", at the service's prices" if evaluation.at_service_prices else ""),
                _CANDIDATES,
                "dollars",
                cost,
                from_zero=True,
            )
            if cost
            else tag("p", "What it costs is unknown: no price is known."),
            class_="plots",
        ),
        *(_depth_table(model) for _, model in models),
    ]


def by_threshold(evaluation: Evaluation) -> list[Element]:
    """Precision, recall and documents kept by the threshold, each model on its own axis."""
    models = [model for model in evaluation.models if model.thresholds]
    if not models:
        return []
    return [
        tag("h2", "Which threshold?"),
        tag(
            "p",
            "What keeping only documents with at least this score leaves of all candidates, on "
            "all queries. The dotted line marks the threshold named above, if one holds.",
            class_="soft",
        ),
        *(part for model in models for part in _threshold_plots(model)),
    ]


def _threshold_plots(model: ModelResult) -> tuple[Element, ...]:
    chosen = model.chosen_threshold
    marked = () if chosen is None or not chosen.holds else (chosen.score,)
    precise = [(t.score, t.precision) for t in model.thresholds if t.precision is not None]
    shares = [
        Line("recall", [(t.score, t.recall) for t in model.thresholds], 1),
        Line("documents", [(t.score, t.documents) for t in model.thresholds], 2),
    ]
    return (
        tag("h3", _name(model)),
        tag(
            "div",
            line_plot(
                "Precision and recall by threshold",
                "threshold",
                "share",
                [*([Line("precision", precise, 0)] if precise else []), shares[0]],
                from_zero=True,
                chosen=marked,
            ),
            line_plot(
                "Documents kept per query by threshold",
                "threshold",
                "documents",
                [shares[1]],
                from_zero=True,
                chosen=marked,
            ),
            class_="plots",
        ),
    )


def _depth_table(model: ModelResult) -> Element:
    rows: list[list[Child]] = [
        [
            f"{depth.candidates:,}",
            wording.unit(depth.ndcg_at_10),
            tag(
                "div",
                wording.milliseconds(depth.p50_ms),
                tag("small", f"{depth.calls:,}") if depth.calls else None,
            ),
            wording.milliseconds(depth.p95_ms),
            wording.price(depth.dollars_per_1000_queries),
        ]
        for depth in model.depths
    ]
    heads = ["Candidates", MAIN_MEASURE, "p50 ms, calls", "p95 ms", "$ per 1,000 queries"]
    return tag(
        "details",
        tag("summary", f"The numbers: {_name(model)}"),
        table(f"{_name(model)} by number of candidates", heads, rows),
    )


def _calls(models: Sequence[tuple[int, ModelResult]]) -> str:
    counts = [depth.calls for _, model in models for depth in model.depths if depth.calls]
    least, most = min(counts), max(counts)
    number = f"{most:,}" if least == most else f"{least:,} to {most:,}"
    return f"{number} {'call' if most == 1 else 'calls'} a point"


def _points(
    model: ModelResult, attribute: Callable[[Depth], float | None]
) -> Sequence[tuple[float, float]]:
    found = ((float(depth.candidates), attribute(depth)) for depth in model.depths)
    return [(candidates, value) for candidates, value in found if value is not None]


def _p50(depth: Depth) -> float | None:
    return depth.p50_ms


def _p95(depth: Depth) -> float | None:
    return depth.p95_ms


def _dollars(depth: Depth) -> float | None:
    return depth.dollars_per_1000_queries


def _name(model: ModelResult) -> str:
    return wording.one_line(model.model, 60)
