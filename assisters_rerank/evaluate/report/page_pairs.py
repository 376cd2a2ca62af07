"""The page's comparison of each two models, query by query."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from ..results import MAIN_MEASURE, Evaluation, Pair
from . import wording
from .answers import best_model
from .markup import Child, table, tag
from .page_tables import difference


def model_against_model(evaluation: Evaluation) -> list[Element]:
    """Their differences with interval, p-value and verdict; nothing with one model."""
    answer = best_model(evaluation)
    if answer is None:
        return []
    return [
        tag("h2", answer.question),
        tag("p", tag("strong", answer.short), f": {answer.detail}."),
        table(
            f"{MAIN_MEASURE}, query by query",
            ["Model", "Other", "Difference"],
            [_row(pair) for pair in evaluation.pairs],
        ),
        tag("p", wording.pairs_explained(len(evaluation.pairs)), class_="soft"),
    ]


def _row(pair: Pair) -> list[Child]:
    figure = pair.difference
    return [
        wording.one_line(pair.model, 60),
        wording.one_line(pair.other, 60),
        difference(figure),
    ]
