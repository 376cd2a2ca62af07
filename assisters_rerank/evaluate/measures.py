"""The measures of a ranking for each query, through ir-measures, and their means.

They are computed only from the ranks. ir-measures (trec_eval) sorts by score and breaks ties by
document id, so equal scores would give a ranking that nobody saw; a rank-based score has no ties.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from difflib import get_close_matches
from functools import cache
from statistics import fmean
from typing import TYPE_CHECKING

import ir_measures

from ..errors import ConfigurationError
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


def measure_of(name: str, relevance_level: int = 1) -> ir_measures.Measure:
    """The measure of a name: one of ours, or any of ir-measures'.

    Args:
        name: e.g. `"nDCG@10"`, `"AP(rel=2)@100"`, `"ERR@20"`.
        relevance_level: the lowest grade that is relevant, for measures that know no grades and
            do not name one themselves.

    Raises:
        ConfigurationError: there is no such measure, it needs a parameter, or what computes it is
            not installed.
    """
    try:
        found = _IR_MEASURES.get(name) or ir_measures.parse_measure(name)
        # trec_eval ends the whole process at a cutoff of 0.
        if (cutoff := found.params.get("cutoff", 1)) < 1:
            raise ValueError(f"the cutoff is {cutoff}")
        if relevance_level > 1 and "rel" in found.SUPPORTED_PARAMS and "rel" not in found.params:
            found = found(rel=relevance_level)
        list(ir_measures.iter_calc([found], {"0": {"0": 1}}, {"0": {"0": 1}}))
    except Exception as error:
        if isinstance(error, NameError) or "problem parsing" in str(error):
            raise ConfigurationError(_unknown(name)) from None
        raise _uncomputable(name, error) from None
    return found


def check_measures(
    names: Sequence[str], relevance_level: int, ranked: Candidates, qrels: Qrels
) -> None:
    """Raises `ConfigurationError` for a measure that cannot take these judgements."""
    for name in names:
        try:
            per_query(ranked, qrels, [name], relevance_level)
        # ERR, for one, goes through a Perl script, which takes grades up to 4.
        except Exception as error:
            raise _uncomputable(name, error) from None


# As trec_eval (`ndcg_cut_10`), pytrec_eval (`ndcg_cut.10`) and ranx (`hits@10`) write a cutoff.
_WRITTEN = re.compile(r"(.+?)(?:_cut)?[@._]([0-9.]+)")
_OTHERS_NAMES = {"hit": "Success", "hits": "Success", "hit_rate": "Success", "recip_rank": "MRR"}


def _unknown(name: str) -> str:
    parts = _WRITTEN.fullmatch(name)
    plain, cutoff = parts.groups() if parts else (name, None)
    known = {each.lower(): each for each in reversed(ir_measures.measures.registry)}
    known |= _OTHERS_NAMES
    close = get_close_matches(plain.lower(), known, n=1)
    meant = f"; did you mean {'@'.join(filter(None, [known[close[0]], cutoff]))}?" if close else "."
    return (
        f"measures: ir-measures has no measure {name!r}{meant} Its names are taken, such as nDCG@5 "
        "or Success@5."
    )


# What ir-measures says of a parameter that was not given.
_NOT_GIVEN = re.compile(r"invalid param (\w+)=<object object at \w+>")


def _uncomputable(name: str, error: Exception) -> ConfigurationError:
    reason = _NOT_GIVEN.sub(r"it needs \1", " ".join(str(error).split())) or type(error).__name__
    return ConfigurationError(
        f"measures: {name!r} cannot be computed ({reason.rstrip('.')}); give a measure of "
        "ir-measures that is installed, such as nDCG@5 or Success@5, and that takes these grades."
    )


def with_defaults(names: Sequence[str], relevance_level: int = 1) -> tuple[str, ...]:
    """The default measures, and after them those of `names` that are not among them."""
    known = {measure_of(name, relevance_level): name for name in MEASURES}
    for name in names:
        known.setdefault(measure_of(name, relevance_level), name)
    return tuple(known.values())


def known_as(name: str, names: Iterable[str], relevance_level: int = 1) -> str:
    """The one of `names` that is the same measure (`MAP` for `AP`); else `name`.

    Raises:
        ConfigurationError: as `measure_of`.
    """
    wanted = _known(name, relevance_level)
    for each in names:
        with suppress(ConfigurationError):
            if _known(each, relevance_level) == wanted:
                return each
    return name


def per_query(
    ranked: Candidates,
    qrels: Qrels,
    measures: Sequence[str] = MEASURES,
    relevance_level: int = 1,
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
        measures: names that `measure_of` knows.
        relevance_level: as there.

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
        highest = max(judged.values(), default=0)
        if highest <= 0:
            continue
        if highest > HIGHEST_GRADE:
            raise ValueError(f"query {query!r} has a grade above {HIGHEST_GRADE}")
        documents = ranked.get(query, ())
        places = {document: place for place, document in enumerate(documents)}
        if len(places) < len(documents):
            raise ValueError(f"query {query!r} has a document twice")
        number = str(len(queries))
        queries[number] = query
        if documents:  # of none, some measures divide by their number
            run[number] = by_rank(len(documents))
        grades[number] = {
            str(places.get(document, len(documents) + other)): max(0, grade)
            for other, (document, grade) in enumerate(judged.items())
        }
    found = {name: dict.fromkeys(queries.values(), 0.0) for name in measures}
    if queries:
        names = {_known(name, relevance_level): name for name in measures}
        for metric in ir_measures.iter_calc(list(names), grades, run):
            found[names[metric.measure]][queries[metric.query_id]] = float(metric.value)
    return found


_known = cache(measure_of)


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
