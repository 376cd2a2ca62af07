"""Models against the first stage and against one another: several tests, corrected as such."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations

from .measures import figure
from .results import MAIN_MEASURE, Figure, Pair, PerQuery
from .significance import holm


def corrected(models: Sequence[Mapping[str, Figure]]) -> list[dict[str, Figure]]:
    """The figures of all models, with p-values corrected for what a report says of them.

    The main measure is what an evaluation is about, chosen before anybody saw a figure: its tests
    are as many as there are models. Every other row is one of all the rows. A row in which no query
    differs is no test.
    """
    rows = {
        (place, name): each.p
        for place, figures in enumerate(models)
        for name, each in figures.items()
        if each.differing
    }
    main = [row for row in rows if row[1] == MAIN_MEASURE]
    by_row = dict(zip(rows, holm([*rows.values()]), strict=True))
    by_row |= zip(main, holm([rows[row] for row in main]), strict=True)
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
