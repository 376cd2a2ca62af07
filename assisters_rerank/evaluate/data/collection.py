"""A test collection: documents, judged queries, and which documents answer them how well."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Qrels = Mapping[str, Mapping[str, int]]
"""Query id, then document id, to a grade: above 0 is relevant, and what is not named is not."""

HIGHEST_GRADE = 1_000_000
"""trec_eval makes 0 of much higher ones."""

Candidates = Mapping[str, Sequence[str]]
"""Query id to the ids of the first stage's documents, best first, each once; possibly none."""


Scores = Mapping[str, Mapping[str, float]]
"""Query id, then document id, to the relevance score."""


@dataclass(frozen=True, slots=True)
class Collection:
    """What a first stage searches and a reranker is judged by.

    Attributes:
        name: e.g. the folder's.
        documents: text by document id, title and text in one; what a reranker gets to see.
        queries: text by query id, of those queries only that were judged. Those without a
            relevant document are in no figure, unlike in trec_eval, which counts them with 0.
        qrels: the judgements of exactly these queries, up to `HIGHEST_GRADE`. A relevant document
            that is not among `documents` counts as never found, as in trec_eval.
        candidates: what a first stage has found for each query, best first, where the files say
            so; then no other is needed.
        pools: the documents among which each query's are to be ranked, in no order, where the
            files say so; the first stage then keeps to them.
        notes: what was made of the files that a reader might not expect, a sentence each.
    """

    name: str
    documents: Mapping[str, str]
    queries: Mapping[str, str]
    qrels: Qrels
    candidates: Candidates | None = None
    pools: Candidates | None = None
    notes: Sequence[str] = ()

    @property
    def missing(self) -> int:
        """How many of the relevant judgements are about documents that are not there."""
        return sum(
            grade > 0 and document not in self.documents
            for grades in self.qrels.values()
            for document, grade in grades.items()
        )

    def asked(self) -> dict[str, str]:
        """Query id to a digest of its text and its judgements: equal where both are."""
        return {
            query: hashlib.blake2b(
                json.dumps([text, sorted(self.qrels.get(query, {}).items())]).encode(),
                digest_size=8,
            ).hexdigest()
            for query, text in self.queries.items()
        }
