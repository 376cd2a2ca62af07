"""Relevance judgements (qrels) of BEIR, TREC, MS MARCO, ranx and others, in files of any kind."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from os import PathLike
from pathlib import Path
from typing import NamedTuple

from ...errors import ConfigurationError
from .collection import HIGHEST_GRADE, Qrels
from .fields import Fields, Record, lacks
from .rows import Rows, rows_of
from .sources import Source, source_at

_COLUMNS = {
    2: ("query_id", "document_id"),
    3: ("query_id", "document_id", "grade"),
    4: ("query_id", "", "document_id", "grade"),
}
_FINEST = 1000


class Judgement(NamedTuple):
    """One line: its number, and how well which document answers which query."""

    line: int
    query: str
    document: str
    grade: float


def read_qrels(path: str | PathLike[str], fields: Mapping[str, str] | None = None) -> Qrels:
    """Reads judgements, whichever tool wrote them.

    Columns between tabs, commas or blanks: query, document and grade, TREC's `query 0 document
    grade`, or query and document only, with the grade 1. With a heading they go by its names, in
    any order. Or JSONL, Parquet, or JSON of the form `{query: {document: grade}}` (ranx,
    pytrec_eval). Grades below 0 (TREC's for junk) count as 0. Grades with fractions are all
    multiplied by the same number, so that they are whole: nDCG is the same. A judgement that is
    there twice is taken once.

    Args:
        path: the file, perhaps packed by gzip.
        fields: your names of `query_id`, `document_id` and `grade` in it.

    Raises:
        ConfigurationError: naming file and line: a wrong number of columns, a grade that is no
            number or above a million, two grades for one document; or the file has
            no judgement, or none above 0.
    """
    source, names = source_at(Path(path)), Fields(fields)
    qrels = qrels_of(judgements(source, names), source.label)
    names.check_used(source.label)
    return scaled(qrels, source.label)[0]


def judgements(source: Source, fields: Fields) -> Iterator[Judgement]:
    """The judgements of a file, in its order."""
    rows = rows_of(source, fields, _COLUMNS, blanks=True)
    counted = 0
    for place, (number, record) in enumerate(rows.records):
        query, document = (rows.id(number, record, name) for name in _COLUMNS[2])
        if not rows.headed and len(record) == 4:
            counted += query == str(place) and record[""] not in ("0", "Q0")
            if place == 2 and counted == 3:
                raise rows.at(
                    1,
                    "the first column only counts the rows, as the index that pandas writes; write "
                    "the file with to_csv(…, index=False).",
                )
        grade = _grade(rows, number, record)
        yield Judgement(number, query, document, grade)


def qrels_of(found: Iterable[Judgement], file: str) -> dict[str, dict[str, float]]:
    """The judgements by query and document."""
    qrels: dict[str, dict[str, float]] = {}
    for line, query, document, grade in found:
        before = qrels.setdefault(query, {}).setdefault(document, grade)
        if before != grade:
            raise ConfigurationError(
                f"{file}, line {line}: query {query!r}, document {document!r}: grade {grade:g}, "
                f"but {before:g} above."
            )
    if not qrels:
        raise ConfigurationError(f"{file}: there is no judgement in it.")
    if not any(grade for grades in qrels.values() for grade in grades.values()):
        raise ConfigurationError(f"{file}: no grade is above 0, so there is nothing to find.")
    return qrels


def scaled(qrels: Mapping[str, Mapping[str, float]], file: str) -> tuple[Qrels, int]:
    """The grades as whole numbers, and what they were multiplied by.

    nDCG's gain is the grade itself, so that a factor changes nothing.
    """
    distinct = {grade for grades in qrels.values() for grade in grades.values()}
    factor = math.lcm(*(Fraction(str(grade)).denominator for grade in distinct))
    if factor > _FINEST or factor * max(distinct) > HIGHEST_GRADE:
        raise ConfigurationError(
            f"{file}: the grades are too fine to be made whole numbers; round them to two decimals."
        )
    return {
        query: {document: round(grade * factor) for document, grade in grades.items()}
        for query, grades in qrels.items()
    }, factor


def _grade(rows: Rows, number: int, record: Record) -> float:
    fields = rows.fields
    name = fields.name("grade", record)
    if name is None:
        known = {fields.name(each, record) for each in ("query_id", "document_id", "rank")}
        if any(record.keys() - known - {""}):
            raise rows.at(number, lacks("grade", record, "a number", None))
        return 1
    value = record[name]
    try:
        grade = float(value) if isinstance(value, str | int | float) else math.nan
    except ValueError:
        grade = math.nan
    if not math.isfinite(grade):
        hint = "" if rows.headed else " If this is a heading, name its columns with --field."
        raise rows.at(number, f"the grade is {value!r}; it must be a number.{hint}")
    if grade > HIGHEST_GRADE:
        raise rows.at(number, f"the grade is {value!r}; the highest is {HIGHEST_GRADE:,}.")
    return max(int(grade) if grade.is_integer() else grade, 0)
