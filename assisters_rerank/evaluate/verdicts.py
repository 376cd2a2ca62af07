"""The conclusions of an evaluation: is a gain certain, what is published."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from .results import Figure, ModelResult
from .significance import LEAST_DIFFERING, SIGNIFICANT

FEW_QUERIES = 25
"""Fewer make unstable conclusions: Buckley and Voorhees, "Evaluating evaluation measure
stability" (SIGIR 2000)."""


class Verdict(StrEnum):
    """What interval and p-value of a gain say."""

    BETTER = "better"
    WORSE = "worse"
    UNCLEAR = "unclear"
    SAME = "same"
    TOO_FEW = "too few"


def verdict(figure: Figure) -> Verdict:
    """Better or worse only if the interval excludes zero and the corrected p-value is low."""
    if not figure.differing:
        return Verdict.SAME
    if figure.differing < LEAST_DIFFERING:
        return Verdict.TOO_FEW
    if figure.p_corrected <= SIGNIFICANT and figure.low > 0:
        return Verdict.BETTER
    if figure.p_corrected <= SIGNIFICANT and figure.high < 0:
        return Verdict.WORSE
    return Verdict.UNCLEAR


def beside_published(model: ModelResult) -> Mapping[str, tuple[float, float | None]]:
    """The published figures, each with the measured one or None.

    `ms@50` is a latency with 50 candidates, next to which the measured median is shown.
    """
    measured = {name: figure.mean for name, figure in model.figures.items()}
    for depth in model.depths:
        if depth.p50_ms is not None:
            measured[f"ms@{depth.candidates}"] = depth.p50_ms
    return {name: (value, measured.get(name)) for name, value in model.published.items()}
