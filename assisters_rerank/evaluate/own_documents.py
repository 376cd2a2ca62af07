"""Queries that are documents themselves (ArguAna, Quora), which would find themselves first.

BEIR leaves out what has the query's id. Where ids are only numbers, as in Vaswani and Cranfield,
that would take away documents which have nothing to do with the query.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from .data.collection import Collection

Identical = Literal["drop", "keep", "drop_ids"]
"""Which documents a query's candidates are without: those with its id and text; none; those with
its id, whatever their text is (BEIR's rule)."""


class OwnDocuments(NamedTuple):
    """The queries whose own document is left out, and a sentence about it, if there is any."""

    queries: frozenset[str]
    note: str | None


def own_documents(collection: Collection, identical: Identical) -> OwnDocuments:
    """Which queries' documents of the same id to leave out.

    The text is the same if the document ends in it, since its title stands before it; blanks do
    not matter. A document that is judged relevant to its own query stays.
    """
    same_id = [query for query in collection.queries if query in collection.documents]
    if identical == "keep" or not same_id:
        return OwnDocuments(frozenset(), None)
    same = frozenset(
        query
        for query in same_id
        if (identical == "drop_ids" or _is_same(collection, query))
        and not collection.qrels[query].get(query)
    )
    if same:
        kind = "id" if identical == "drop_ids" else "id and text"
        return OwnDocuments(
            same,
            f"{len(same):,} of {len(collection.queries):,} queries have the {kind} of a document, "
            "which is left out of their candidates (--keep-identical keeps it).",
        )
    return OwnDocuments(
        same,
        f"{len(same_id):,} of {len(collection.queries):,} queries have the id of a document with "
        "another text; these documents stay candidates (--drop-identical-ids leaves them out, as "
        "BEIR does).",
    )


def _is_same(collection: Collection, query: str) -> bool:
    text = " ".join(collection.queries[query].split())
    document = " ".join(collection.documents[query].split())
    return f" {document}".endswith(f" {text}")
