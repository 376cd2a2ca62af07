"""The page's curves: over the number of candidates, and over the score threshold."""

from __future__ import annotations

from collections.abc import Callable

from ..results import MAIN_MEASURE, Depth, Evaluation, ModelResult
from . import wording
from .plots import Level, Line, Plot, line_plot

_CANDIDATES = "candidates reranked"


def by_candidates(evaluation: Evaluation) -> list[Plot | str]:
    """nDCG@10, latency and dollars by the number of candidates, or what is said instead."""
    models = [
        (place, model, label)
        for place, (model, label) in enumerate(wording.labelled(evaluation.models))
        if model.depths
    ]
    first = evaluation.first.get(MAIN_MEASURE)
    oracle = evaluation.oracle.get(MAIN_MEASURE)
    if not models or first is None:
        return []
    gain = [
        _line(model, label, lambda depth: depth.ndcg_at_10, place, start=[(0.0, first.mean)])
        for place, model, label in models
    ]
    levels = [Level(wording.one_line(evaluation.first_stage, 30), first.mean, "first")]
    if oracle is not None:
        levels.append(Level("oracle", oracle.mean, "oracle"))
    latency = [
        line
        for place, model, label in models
        for line in (
            _line(model, f"{label}, p50", lambda depth: depth.p50_ms, 2 * place),
            _line(model, f"{label}, p95", lambda depth: depth.p95_ms, 2 * place + 1),
        )
        if line.points
    ]
    dollars = [
        line
        for place, model, label in models
        if (line := _line(model, label, lambda depth: depth.dollars_per_1000_queries, place)).points
    ]
    prices = ", at the service's prices" if evaluation.at_service_prices else ""
    calls = _calls(evaluation)
    return [
        line_plot("nDCG@10 by number of candidates", _CANDIDATES, "nDCG@10", gain, levels=levels),
        _from_zero(f"Latency of a call, ms ({calls} a point)", "ms", latency)
        or "No latency was measured: the scores came from the cache.",
        _from_zero(f"Dollars per 1,000 queries{prices}", "dollars", dollars)
        or "What it costs is unknown: no price is known.",
    ]


def by_threshold(model: ModelResult) -> list[Plot]:
    """Precision, recall and documents kept by a model's threshold."""
    chosen = model.chosen_threshold
    marked = () if chosen is None or not chosen.holds else (chosen.score,)
    precise = [(t.score, t.precision) for t in model.thresholds if t.precision is not None]
    recall = Line("recall", [(t.score, t.recall) for t in model.thresholds], 1)
    kept = Line("documents", [(t.score, t.documents) for t in model.thresholds], 2)
    shares = [Line("precision", precise, 0), recall] if precise else [recall]
    return [
        line_plot(f"{title} by threshold", "threshold", name, lines, from_zero=True, chosen=marked)
        for title, name, lines in (
            ("Precision and recall", "share", shares),
            ("Documents kept per query", "documents", [kept]),
        )
    ]


def _line(
    model: ModelResult,
    name: str,
    value_of: Callable[[Depth], float | None],
    style: int,
    start: list[tuple[float, float]] | None = None,
) -> Line:
    found = ((float(depth.candidates), value_of(depth)) for depth in model.depths)
    points = [(candidates, value) for candidates, value in found if value is not None]
    return Line(name, (start or []) + points, style)


def _from_zero(title: str, unit: str, lines: list[Line]) -> Plot | None:
    return line_plot(title, _CANDIDATES, unit, lines, from_zero=True) if lines else None


def _calls(evaluation: Evaluation) -> str:
    counts = {depth.calls for model in evaluation.models for depth in model.depths} - {0}
    most = max(counts, default=0)
    fewer = f"{min(counts):,} to " if len(counts) > 1 else ""
    return f"{fewer}{wording.count(most, 'call')}"
