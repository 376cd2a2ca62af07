"""Relevance judgements (qrels) as BEIR and TREC write them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from os import PathLike
from pathlib import Path
from typing import NamedTuple

from ...errors import ConfigurationError
from .collection import HIGHEST_GRADE, Qrels
from .sources import at_line, lines_of

# What the last column is called where a file begins with a header.
_HEADERS = {"score", "grade", "relevance", "relevancy", "rel", "label", "judgment", "judgement"}


class Judgement(NamedTuple):
    """One line: its number, and how well which document answers which query."""

    line: int
    query: str
    document: str
    grade: int


def read_qrels(path: str | PathLike[str]) -> Qrels:
    """Reads BEIR's `query-id corpus-id score` or TREC's `query-id 0 document-id grade`.

    Columns are separated by tabs or blanks; BEIR's header line may be there or not. Grades are
    whole numbers; those below 0 (TREC's for junk) count as 0. The same judgement twice is taken
    once.

    Raises:
        ConfigurationError: naming file and line: a wrong number of columns, a grade that is no
            whole number or above a million, two grades for one document; or the file has
            no judgement, or none above 0.
    """
    file = Path(path)
    return qrels_of(judgements(lines_of(file), str(file)), str(file))


def judgements(lines: Iterable[tuple[int, str]], file: str) -> Iterator[Judgement]:
    """The judgements of a file's numbered lines, in its order."""
    for place, (number, line) in enumerate(lines):
        fields = columns(line, (3, 4))
        if len(fields) not in (3, 4):
            raise at_line(
                file,
                number,
                f"{len(fields)} columns; there must be 3 (query-id, corpus-id, score) or TREC's 4 "
                "(query-id, 0, document-id, grade).",
            )
        if place == 0 and fields[-1].lower() in _HEADERS:
            continue
        if not (fields[0] and fields[-2]):
            raise at_line(file, number, "an empty id.")
        grade = _whole(fields[-1])
        if grade is None:
            raise at_line(file, number, f"the grade is {fields[-1]!r}; it must be a whole number.")
        if grade > HIGHEST_GRADE:
            raise at_line(
                file, number, f"the grade is {fields[-1]!r}; the highest is {HIGHEST_GRADE:,}."
            )
        yield Judgement(number, fields[0], fields[-2], max(grade, 0))


def qrels_of(found: Iterable[Judgement], file: str) -> Qrels:
    """The judgements by query and document."""
    qrels: dict[str, dict[str, int]] = {}
    for line, query, document, grade in found:
        before = qrels.setdefault(query, {}).setdefault(document, grade)
        if before != grade:
            problem = f"query {query!r}, document {document!r}: grade {grade}, but {before} above."
            raise at_line(file, line, problem)
    if not qrels:
        raise ConfigurationError(f"{file}: there is no judgement in it.")
    if not any(grade for grades in qrels.values() for grade in grades.values()):
        raise ConfigurationError(f"{file}: no grade is above 0, so there is nothing to find.")
    return qrels


def columns(line: str, wanted: tuple[int, ...]) -> list[str]:
    """A line's columns: by tabs if that gives a wanted number of them, else by blanks.

    BEIR's ids may contain blanks; TREC's tools write either.
    """
    by_tabs = [field.strip() for field in line.split("\t")]
    return by_tabs if len(by_tabs) in wanted else line.split()


def _whole(text: str) -> int | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return int(value) if value.is_integer() else None
