"""What is known before the first request: the candidates, and what cannot be measured or asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ..call.fitting import check_fits
from ..call.plan import Plan
from ..errors import ConfigurationError
from ..reranker import Reranker
from ..usage import count
from .checks import check_candidates
from .data.collection import Candidates, Collection
from .first_stage import bm25
from .own_documents import Identical, own_documents

_NAMED = 5


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is put to the rerankers.

    Attributes:
        collection: with the queries that can be asked.
        candidates: of these queries.
        first_stage: what made them.
        left_out: the other queries' ids, and why each cannot be asked.
        notes: what was left out, a sentence each.
    """

    collection: Collection
    candidates: Candidates
    first_stage: str
    left_out: Mapping[str, str]
    notes: Sequence[str]


def prepare(
    collection: Collection,
    rerankers: Sequence[Reranker],
    candidates: Candidates | None,
    first_stage: str | None,
    depth: int,
    identical: Identical,
    relevance_level: int = 1,
) -> Prepared:
    """Makes the candidates, and leaves out what no request could be made of.

    `relevance_level` is the lowest grade that is relevant.

    Raises:
        ConfigurationError: nothing could be measured, whatever the rerankers answer.
    """
    if candidates is None:
        candidates = collection.candidates
    name = first_stage or ("BM25" if candidates is None else "the given run")
    own = own_documents(collection, identical)
    if candidates is None:
        candidates = bm25(collection, depth + 1 if own.queries else depth)
    found = {
        query: [
            document
            for document in candidates.get(query, ())
            if document != query or query not in own.queries
        ][:depth]
        for query in collection.queries
    }
    check_candidates(collection, found, relevance_level)
    _check_relevant(collection, found, name, relevance_level)
    left_out = _hopeless(collection, found, rerankers)
    kept = {query: text for query, text in collection.queries.items() if query not in left_out}
    asked = replace(
        collection, queries=kept, qrels={query: collection.qrels[query] for query in kept}
    )
    grades = (grade for judged in asked.qrels.values() for grade in judged.values())
    if not any(grade >= relevance_level for grade in grades):
        query, reason = next(iter(left_out.items()))
        raise ConfigurationError(f"No query can be asked; the first one, {query!r}: {reason}")
    notes = [*collection.notes, *filter(None, [own.note]), *left_out_note(left_out)]
    return Prepared(asked, {query: found[query] for query in kept}, name, left_out, notes)


def _check_relevant(
    collection: Collection, candidates: Candidates, name: str, relevance_level: int
) -> None:
    if not any(
        collection.qrels[query].get(document, 0) >= relevance_level
        for query, documents in candidates.items()
        for document in documents
    ):
        raise ConfigurationError(
            f"{name}: no relevant document is among the candidates of any query, so that no "
            "order of them is better than another; check that the judgements are of this corpus, "
            "or give more candidates (depth), or another first stage (candidates, --run)."
        )


def _hopeless(
    collection: Collection, candidates: Candidates, rerankers: Sequence[Reranker]
) -> dict[str, str]:
    """Queries of which a reranker would make no request. They count for none, or they'd differ."""
    found: dict[str, str] = {}
    for query, documents in candidates.items():
        plan = Plan.of([collection.documents[document] for document in documents])
        for reranker in rerankers:
            try:
                check_fits(reranker, collection.queries[query], plan)
            except ConfigurationError as error:
                found.setdefault(query, str(error))
    return found


def left_out_note(left_out: Mapping[str, str]) -> tuple[str, ...]:
    """One sentence about queries that are left out, if there are any."""
    if not left_out:
        return ()
    named = ", ".join(map(repr, list(left_out)[:_NAMED]))
    more = f" and {len(left_out) - _NAMED:,} more" if len(left_out) > _NAMED else ""
    queries = count(len(left_out), "query", "queries")
    reason = next(iter(left_out.values()))
    return (f"{queries} left out, which cannot be asked ({named}{more}): {reason}",)
