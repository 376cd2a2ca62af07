"""The scores of all queries together, highest first: what each score, as a threshold, keeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from .data.collection import Qrels, Scores

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Counts:
    """Of some queries, for each different score, highest first.

    Attributes:
        kept: documents with at least this score.
        relevant: relevant ones of these.
        queries: how many queries these are of.
        total: how many queries were counted.
    """

    kept: Numbers
    relevant: Numbers
    queries: Numbers
    total: int
    _squares: tuple[Numbers, Numbers, Numbers]

    def ratio_error(self) -> Numbers:
        """The standard error of relevant to kept ones, over queries."""
        of_relevant, of_both, of_kept = self._squares
        kept = np.maximum(1, self.kept)
        ratio = self.relevant / kept
        squares = of_relevant - 2 * ratio * of_both + ratio**2 * of_kept
        more = self.total / max(1, self.total - 1)
        error: Numbers = np.sqrt(np.maximum(0, squares) * more) / kept
        return error


@dataclass(frozen=True, slots=True)
class PooledScores:
    """All scores, falling, each with its query, and what it adds to sums over queries."""

    queries: int
    _scores: Numbers
    _query: NDArray[np.intp]
    _added: Numbers
    _ends: NDArray[np.intp]

    @classmethod
    def by(cls, scores: Scores, qrels: Qrels) -> PooledScores:
        """The scores of the queries in `qrels`."""
        pairs = [
            (score, number, qrels[query].get(document, 0) > 0)
            for number, query in enumerate(query for query in scores if query in qrels)
            for document, score in scores[query].items()
        ]
        pairs.sort(key=lambda pair: -pair[0])
        values = np.array([score for score, _, _ in pairs], np.float64)
        queries = sum(query in qrels for query in scores)
        kept, right = [0] * queries, [0] * queries
        added = np.empty((6, len(pairs)))
        for place, (_, query, relevant) in enumerate(pairs):
            before, right_before = kept[query], right[query]
            both = right_before + relevant * (before + 1)
            squared = (2 * right_before + 1) * relevant
            added[:, place] = (1, relevant, not before, squared, both, 2 * before + 1)
            kept[query] += 1
            right[query] += relevant
        last = np.append(values[1:] != values[:-1], [True] if pairs else [])
        return cls(
            queries,
            values,
            np.array([query for _, query, _ in pairs], np.intp),
            added,
            np.flatnonzero(last),
        )

    @property
    def places(self) -> int:
        """How many different scores there are."""
        return self._ends.size

    def score(self, place: int) -> float:
        """One of them, counted from the highest."""
        return float(self._scores[self._ends[place]])

    def counts(self, queries: NDArray[np.intp]) -> Counts:
        """What each score keeps of these queries, given by their places."""
        taken = np.zeros(self.queries)
        taken[queries] = 1
        sums = np.cumsum(self._added * taken[self._query], axis=1)[:, self._ends]
        kept, relevant, of_queries, *squares = sums
        return Counts(
            kept, relevant, of_queries, queries.size, (squares[0], squares[1], squares[2])
        )
