"""The measures of a ranking for each query, through ir-measures, and their means.

They are computed only from the ranks. ir-measures (trec_eval) sorts by score and breaks ties by
document id, so equal scores would give a ranking that nobody saw; a rank-based score has no ties.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from statistics import fmean
from typing import TYPE_CHECKING

import ir_measures

from .data.collection import HIGHEST_GRADE
from .results import MEASURES, Figure, PerQuery
from .significance import paired

if TYPE_CHECKING:
    from .data.collection import Candidates, Qrels

_IR_MEASURES: Mapping[str, ir_measures.Measure] = {
    "nDCG@10": ir_measures.nDCG @ 10,
    "MRR@10": ir_measures.RR @ 10,
    "Recall@10": ir_measures.R @ 10,
    "Recall@100": ir_measures.R @ 100,
    "P@10": ir_measures.P @ 10,
    "MAP": ir_measures.AP,
}


def per_query(
    ranked: Candidates, qrels: Qrels, measures: Sequence[str] = MEASURES
) -> dict[str, dict[str, float]]:
    """Each measure of each query that has a relevant document, in the order of `qrels`.

    A query that is missing from `ranked`, or has no documents there, counts 0. One without a
    relevant document is left out: no order of its documents is better than another. (trec_eval
    leaves it out only if it was not judged at all, and else counts 0.) The gain of nDCG is the
    grade itself, its discount log2(rank + 1) (Järvelin and Kekäläinen, 2002, as in trec_eval); a
    document is relevant for the others if its grade is above 0.

    Args:
        ranked: each query's documents, best first.
        qrels: the grades; a document without one counts as not relevant.
        measures: some of `results.MEASURES`.

    Raises:
        ValueError: a document twice in one ranking, or a grade above a million, of which
            trec_eval makes 0.
    """
    # Numbers instead of ids: trec_eval ends an id at a NUL, and crashes on a lone surrogate.
    by_rank = cache(_by_rank)
    run: dict[str, dict[str, float]] = {}
    grades: dict[str, dict[str, int]] = {}
    queries: dict[str, str] = {}
    for query, judged in qrels.items():
        relevant = {document: grade for document, grade in judged.items() if grade > 0}
        if not relevant:
            continue
        if max(relevant.values()) > HIGHEST_GRADE:
            raise ValueError(f"query {query!r} has a grade above {HIGHEST_GRADE}")
        documents = ranked.get(query, ())
        places = {document: place for place, document in enumerate(documents)}
        if len(places) < len(documents):
            raise ValueError(f"query {query!r} has a document twice")
        number = str(len(queries))
        queries[number] = query
        run[number] = by_rank(len(documents))
        grades[number] = {
            str(places.get(document, len(documents) + other)): grade
            for other, (document, grade) in enumerate(relevant.items())
        }
    found = {name: dict.fromkeys(queries.values(), 0.0) for name in measures}
    if queries:
        names = {_IR_MEASURES[name]: name for name in measures}
        for metric in ir_measures.iter_calc(list(names), grades, run):
            found[names[metric.measure]][queries[metric.query_id]] = float(metric.value)
    return found


def _by_rank(documents: int) -> dict[str, float]:
    return {str(place): float(documents - place) for place in range(documents)}


def mean(values: Mapping[str, float]) -> float:
    """The mean of one measure over the queries.

    Raises:
        ValueError: there are none.
    """
    return fmean(values.values())


def figure(values: Mapping[str, float], first_values: Mapping[str, float]) -> Figure:
    """One measure's mean, and its gain over the first stage's with a 95 % interval.

    Args:
        values: query id to the measure.
        first_values: the first stage's, for the same queries; `values` itself to say that this is
            the first stage.

    Raises:
        ValueError: the queries are not the same ones, or there are none.
    """
    if values.keys() != first_values.keys():
        raise ValueError("the two rankings were not measured for the same queries")
    differences = [value - first_values[query] for query, value in values.items()]
    found = paired(differences)
    gain = mean(values) - mean(first_values)
    return Figure(
        mean(values), gain, found.low, found.high, found.p, found.p, differing=found.differing
    )


def figures(values: PerQuery, first_values: PerQuery) -> dict[str, Figure]:
    """`figure` for each measure in `values`."""
    return {name: figure(values[name], first_values[name]) for name in values}
