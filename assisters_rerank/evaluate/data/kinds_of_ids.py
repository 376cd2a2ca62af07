"""Judgements whose ids are not those of the collection: swapped columns, or ids of another kind."""

from __future__ import annotations

from collections.abc import Collection as Names
from collections.abc import Mapping

from ...errors import ConfigurationError


def check_kinds_of_ids(
    judged: Mapping[str, Mapping[str, float]],
    queries: Names[str],
    documents: Names[str],
    places: Mapping[str, str],
) -> None:
    """Checks that the ids of judgements are in the other files at all.

    Args:
        judged: grades by query and document.
        queries: the ids of the judged queries that exist.
        documents: the ids of all documents.
        places: how messages call the files: `qrels`, `queries` and `corpus`.

    Raises:
        ConfigurationError: no judged query exists, or no relevant document; naming both files.
    """
    relevant = {name for by in judged.values() for name, grade in by.items() if grade}
    no_query = not any(name in queries for name in judged)
    no_document = not any(name in documents for name in relevant)
    if no_query and no_document and any(name in documents for name in judged):
        raise ConfigurationError(
            f"{places['qrels']}, line 1: the columns are swapped: what should be queries are "
            f"documents of {places['corpus']}, such as {next(iter(judged))!r}; the query comes "
            "first, or each column as its heading says."
        )
    for none, kind, there, wanted, file in (
        (no_query, "query", list(judged), queries, places["queries"]),
        (no_document, "relevant document", sorted(relevant), documents, places["corpus"]),
    ):
        if none and len(there) > 1:
            example = next(iter(wanted), None)
            like = f", where they look like {example!r}" if example is not None else ""
            raise ConfigurationError(
                f"{places['qrels']}, line 1: no {kind} of its {len(there):,} is in {file}{like}; "
                f"here they look like {there[0]!r}. Give judgements of this collection, or name "
                "the field of the ids with --field."
            )
