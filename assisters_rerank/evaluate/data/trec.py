"""Runs: a first stage's documents for each query, of TREC's tools, MS MARCO's or in JSON."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from itertools import pairwise
from os import PathLike
from pathlib import Path
from typing import NamedTuple

from ...errors import ConfigurationError
from .collection import Candidates, Collection, Scores
from .delimited import TREC_RUN
from .fields import Fields, Record, lacks
from .rows import Rows, rows_of
from .sources import source_at

# Numbers of 32 bits, without numpy, which nothing else here needs.
_FLOAT, _INTEGER = struct.Struct("<f"), struct.Struct("<i")
_HIGHEST = 2.0**128 - 2.0**104

_Q0 = ("Q0", "q0", "0")
_COLUMNS = {count: tuple(map(str, range(count))) for count in range(3, 8)}
# Where there is no heading: by the number of columns, with TREC's second one and without.
_WITH_Q0 = {4: "q_dx", 5: "q_drs", 6: "q_drs_", 7: "q_drs__"}
_WITHOUT = {3: "qdx", 4: "qdrs", 5: "qdrs_"}
_MEANINGS = {"q": "query_id", "d": "document_id", "r": "rank", "s": "score", "x": "rank or score"}


class _Row(NamedTuple):
    number: int
    rank: float | None
    score: float | None
    either: float | None


def read_run(
    path: str | PathLike[str],
    collection: Collection | None = None,
    *,
    depth: int | None = None,
    fields: Mapping[str, str] | None = None,
) -> Candidates:
    """Reads a run: each query's documents by falling score, or by rising rank if it has no scores.

    Equal scores go by rank, then as they come; trec_eval would take them by document id.

    Args:
        path: the file, perhaps packed by gzip. TREC's `query Q0 document rank score tag`, also
            without `Q0`, rank or tag; MS MARCO's `query document rank`; CSV, JSONL or Parquet by
            the names of their columns; or JSON, `{query: {document: score}}` or
            `{query: [document, …]}`.
        collection: what the run is about. Its queries are then those of the result, those without
            a document in the run with none; the run's other queries, which nobody judged, are
            left out.
        depth: how many documents to keep of each query; all if None.
        fields: your names of `query_id`, `document_id`, `rank` and `score` in it.

    Raises:
        ConfigurationError: naming file and line: a wrong number of columns, a rank or score that
            is no number, a document twice for a query, a document that the collection lacks; or
            the run is empty, or about none of the collection's queries; or it is not to be known
            whether its numbers are ranks or scores.
    """
    source, names = source_at(Path(path)), Fields(fields)
    if depth is not None and depth < 1:
        raise ConfigurationError(f"depth: give at least 1, not {depth}.")
    rows = rows_of(source, names, _COLUMNS, blanks=True)
    found: dict[str, dict[str, _Row]] = {}
    unknown = ""
    for number, each in rows.records:
        record = each if rows.headed else _by_place(rows, number, each)
        query, document = (rows.id(number, record, name) for name in ("query_id", "document_id"))
        if collection is not None:
            if query not in collection.queries:
                unknown = unknown or query
                continue
            if document not in collection.documents:
                problem = f"document {document!r} does not exist in {collection.name}'s corpus."
                raise rows.at(number, problem)
        if document in found.setdefault(query, {}):
            problem = f"document {document!r} is there a second time for query {query!r}."
            raise rows.at(number, problem)
        found[query][document] = _row(rows, number, record)
    if not found and not unknown:
        raise ConfigurationError(f"{source.label}: there is nothing in it.")
    if not found and collection is not None:
        raise ConfigurationError(
            f"{source.label}: none of its queries is judged: they look like {unknown!r}, those of "
            f"{collection.name} like {next(iter(collection.queries))!r}; give the run of these."
        )
    names.check_used(source.label)
    is_rank = _are_ranks(rows, found)
    queries = found if collection is None else collection.queries
    ordered = {query: found.get(query, {}) for query in queries}
    return {
        query: sorted(by, key=lambda document: _place(by[document], is_rank=is_rank))[:depth]
        for query, by in ordered.items()
    }


def _by_place(rows: Rows, number: int, record: Record) -> Record:
    values = list(record.values())
    kinds = (_WITH_Q0 if values[1] in _Q0 else _WITHOUT).get(len(values))
    if kinds is None:
        raise rows.at(
            number,
            f"{len(values)} columns, the second of which is no Q0; TREC's are {TREC_RUN}.",
        )
    return {
        _MEANINGS[kind]: value for kind, value in zip(kinds, values, strict=True) if kind != "_"
    }


def _row(rows: Rows, number: int, record: Record) -> _Row:
    either = record.get(_MEANINGS["x"])
    given = {name: rows.fields.value(name, record) for name in ("rank", "score")}
    if either is None and given["rank"] is given["score"] is None:
        raise rows.at(number, lacks("score", record, "a number", None))
    try:
        rank, score, either = (
            None if value is None else float(str(value)) for value in (*given.values(), either)
        )
    except ValueError:
        shown = " and ".join(
            repr(value) for value in (*given.values(), either) if value is not None
        )
        raise rows.at(number, f"rank and score must be numbers, and not {shown}.") from None
    for value in (rank, score, either):
        if value is not None and math.isnan(value):
            raise rows.at(number, "the score is 'nan'; it must be a number.")
    return _Row(number, rank, score, either)


def _are_ranks(rows: Rows, found: Mapping[str, Mapping[str, _Row]]) -> bool:
    """Whether the numbers of a run with one of the two are ranks: 1, 2, 3 as they come."""
    votes: dict[bool, int] = {}
    for by in found.values():
        values = [row.either for row in by.values() if row.either is not None]
        if len(values) < 2:
            continue
        rises = all(one < other for one, other in pairwise(values))
        whole = all(value.is_integer() and value >= 0 for value in values)
        votes.setdefault(rises and whole and values[0] <= 1, next(iter(by.values())).number)
    if len(votes) == 2:
        raise rows.at(
            votes[False],
            "the numbers rise like ranks for some queries, and not for this one; name the columns "
            "in a heading (query-id, document-id, and rank or score).",
        )
    return next(iter(votes), False)


def _place(row: _Row, *, is_rank: bool) -> tuple[float, float]:
    rank, score = row.rank, row.score
    if row.either is not None:
        rank, score = (row.either, None) if is_rank else (None, row.either)
    return -(score if score is not None else 0.0), rank if rank is not None else 0.0


def write_run(
    path: str | PathLike[str], candidates: Candidates, tag: str, scores: Scores | None = None
) -> None:
    """Writes a run that trec_eval, ir-measures and `read_run` read in the order given.

    Args:
        path: the file.
        candidates: each query's documents, best first. Queries without documents leave no line;
            trec_eval counts them with 0 only under its option `-c`.
        tag: the run's name.
        scores: by query and document, falling in this order. Tools would reorder documents with
            equal scores by their ids, and trec_eval reads 32 bits of a score, so one that is
            equal to the one before it is lowered by the least step of 32 bits. Without scores
            they are made of the ranks, the first being the highest.

    Raises:
        ConfigurationError: the tag or an id has blanks in it, which the format cannot hold, or is
            empty; or the file cannot be written.
    """
    for name in (tag, *candidates, *(document for ids in candidates.values() for document in ids)):
        check_id(name)
    try:
        with Path(path).open("w", encoding="utf-8", newline="\n") as file:
            for query, documents in candidates.items():
                given = None if scores is None else [scores[query][name] for name in documents]
                file.write(lines_for(query, documents, tag, given))
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written: {error.strerror}.") from error


def check_id(name: str) -> None:
    """Raises `ConfigurationError` for an id, or a tag, that the format cannot hold."""
    if len(name.split()) != 1 or name != name.strip():
        raise ConfigurationError(
            f"{name!r} cannot stand in a TREC run: tags and ids must have no blanks in them; give "
            "ids without blanks, or write no run."
        )


def lines_for(
    query: str, documents: Sequence[str], tag: str, scores: Sequence[float] | None = None
) -> str:
    """The lines of a query, in the order given; see `write_run` for their scores."""
    numbers = range(len(documents), 0, -1) if scores is None else falling(scores)
    return "".join(
        f"{query} Q0 {document} {rank} {score} {tag}\n"
        for rank, (document, score) in enumerate(zip(documents, numbers, strict=True), 1)
    )


def falling(scores: Sequence[float]) -> list[float]:
    """The scores, each below the one before it, also in 32 bits."""
    lowered: list[float] = []
    least = math.inf
    for score in scores:
        if _in_32_bits(score) >= least:
            score = _below(least)
        least = _in_32_bits(score)
        lowered.append(score)
    return lowered


def _in_32_bits(score: float) -> float:
    number: float
    (number,) = _FLOAT.unpack(_FLOAT.pack(max(-_HIGHEST, min(_HIGHEST, score))))
    return number


def _below(number: float) -> float:
    """The next lower number of 32 bits, which follow one another as whole numbers do."""
    if number == 0:
        return -_in_32_bits(2.0**-149)
    (bits,) = _INTEGER.unpack(_FLOAT.pack(number))
    lower: float
    (lower,) = _FLOAT.unpack(_INTEGER.pack(bits - 1 if number > 0 else bits + 1))
    return lower
