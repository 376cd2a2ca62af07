"""Models against the first stage and against one another: several tests, corrected as such."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations

from .measures import figure
from .results import MAIN_MEASURE, Figure, Pair, PerQuery
from .significance import LEAST_DIFFERING, holm


def corrected(models: Sequence[Mapping[str, Figure]]) -> list[dict[str, Figure]]:
    """The figures of all models, with p-values corrected for what a report says of them.

    The main measure is what an evaluation is about, chosen before anybody saw a figure: its tests
    are as many as there are models. The other rows are as many tests as they are, and are judged
    only where the main measure's verdict is certain, so that they add no chance of a false one
    (Westfall and Krishen, Optimally weighted, fixed sequence and gatekeeper multiple testing
    procedures, 2001). A row in which no query differs is no test.
    """
    rows = {
        (place, name): each
        for place, figures in enumerate(models)
        for name, each in figures.items()
        if each.differing
    }
    main = {row: each for row, each in rows.items() if row[1] == MAIN_MEASURE}
    others = {row: each for row, each in rows.items() if row not in main}
    by_row: dict[tuple[int, str], float] = {}
    for family in (main, others):
        by_row |= zip(family, holm([each.p for each in family.values()]), strict=True)
    for row, each in main.items():
        gate = by_row[row] if each.differing >= LEAST_DIFFERING else 1.0
        by_row |= {other: max(by_row[other], gate) for other in others if other[0] == row[0]}
    return [
        {
            name: replace(each, p_corrected=by_row.get((place, name), 1.0))
            for name, each in figures.items()
        }
        for place, figures in enumerate(models)
    ]


def pairs(models: Sequence[tuple[str, PerQuery]]) -> tuple[Pair, ...]:
    """Each two models by the main measure, query by query, corrected for the number of pairs.

    Args:
        models: names and values of the same queries.
    """
    found = [
        Pair(one, other, figure(values[MAIN_MEASURE], others[MAIN_MEASURE]))
        for (one, values), (other, others) in combinations(models, 2)
    ]
    tested = holm([pair.difference.p for pair in found])
    return tuple(
        replace(pair, difference=replace(pair.difference, p_corrected=p))
        for pair, p in zip(found, tested, strict=True)
    )
