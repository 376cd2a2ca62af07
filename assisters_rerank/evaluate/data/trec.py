"""Runs in TREC's format, `query-id Q0 document-id rank score tag`: a first stage's, or our own."""

from __future__ import annotations

import math
from os import PathLike
from pathlib import Path

from ...errors import ConfigurationError
from .collection import Candidates, Collection
from .qrels import columns
from .sources import at_line, lines_of


def read_run(
    path: str | PathLike[str],
    collection: Collection | None = None,
    *,
    depth: int | None = None,
) -> Candidates:
    """Reads a run: each query's documents by falling score.

    Equal scores go by rank, then as they come; trec_eval would take them by document id.

    Args:
        path: the file; columns are separated by tabs or blanks.
        collection: what the run is about. Its queries are then those of the result, those without
            a document in the run with none; the run's other queries, which nobody judged, are
            left out.
        depth: how many documents to keep of each query; all if None.

    Raises:
        ConfigurationError: naming file and line: a wrong number of columns, a rank or score that
            is no number, a document twice for a query, a document that the collection lacks; or
            the run is empty, or about none of the collection's queries.
    """
    file = Path(path)
    if depth is not None and depth < 1:
        raise ConfigurationError(f"depth: give at least 1, not {depth}.")
    found: dict[str, dict[str, tuple[float, int]]] = {}
    empty = True
    for number, line in lines_of(file):
        empty = False
        fields = columns(line, (6,))
        if len(fields) != 6:
            problem = (
                f"{len(fields)} columns; there must be 6 (query-id Q0 document-id rank score tag)."
            )
            raise at_line(str(file), number, problem)
        query, _, document, rank, score, _ = fields
        try:
            place = (-float(score), int(rank))
        except ValueError:
            problem = f"rank and score must be numbers, and not {rank!r} and {score!r}."
            raise at_line(str(file), number, problem) from None
        if math.isnan(place[0]):
            raise at_line(str(file), number, f"the score is {score!r}; it must be a number.")
        if collection is not None:
            if query not in collection.queries:
                continue
            if document not in collection.documents:
                problem = f"document {document!r} does not exist in {collection.name}'s corpus."
                raise at_line(str(file), number, problem)
        if document in found.setdefault(query, {}):
            problem = f"document {document!r} is there a second time for query {query!r}."
            raise at_line(str(file), number, problem)
        found[query][document] = place
    if empty:
        raise ConfigurationError(f"{file}: there is nothing in it.")
    if not found:
        raise ConfigurationError(f"{file}: none of its queries is judged.")
    queries = found if collection is None else collection.queries
    ordered = {query: found.get(query, {}) for query in queries}
    return {query: sorted(by, key=by.__getitem__)[:depth] for query, by in ordered.items()}


def write_run(path: str | PathLike[str], candidates: Candidates, tag: str) -> None:
    """Writes a run that trec_eval, ir-measures and `read_run` read in the order given.

    Scores are made of the ranks, the first being the highest: tools would else reorder what has
    equal scores by document id. Queries without documents leave no line; trec_eval counts them
    with 0 only under its option `-c`.

    Raises:
        ConfigurationError: the tag or an id has blanks in it, which the format cannot hold, or is
            empty; or the file cannot be written.
    """
    for name in (tag, *candidates, *(document for ids in candidates.values() for document in ids)):
        if len(name.split()) != 1 or name != name.strip():
            raise ConfigurationError(
                f"{name!r} cannot stand in a TREC run: tags and ids must have no blanks in them."
            )
    try:
        with Path(path).open("w", encoding="utf-8", newline="\n") as file:
            for query, documents in candidates.items():
                for rank, document in enumerate(documents, 1):
                    score = len(documents) + 1 - rank
                    file.write(f"{query} Q0 {document} {rank} {score} {tag}\n")
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written: {error.strerror}.") from error
