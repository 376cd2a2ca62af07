"""Which queries a rerank made better or worse, and what stood first before and after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..text.foreign_text import on_one_line
from .measures import per_query
from .results import MAIN_MEASURE, Change

if TYPE_CHECKING:
    from .data.collection import Candidates, Collection


@dataclass(frozen=True, slots=True)
class Changes:
    """Which queries a rerank made better and worse, by nDCG@10.

    Attributes:
        improved: how many rose.
        worsened: how many fell.
        unchanged: how many stayed.
        most: those that moved most, the largest change first, both ways.
        worse: ids of all that fell, the worst first.
    """

    improved: int
    worsened: int
    unchanged: int
    most: Sequence[Change]
    worse: Sequence[str]


def changes(
    collection: Collection,
    first: Candidates,
    reranked: Candidates,
    *,
    most: int = 10,
    top: int = 5,
    beginning: int = 160,
) -> Changes:
    """Compares the queries of `reranked` that have a relevant document.

    Args:
        collection: their texts and grades.
        first: the first stage's order.
        reranked: the new one.
        most: how many of each direction are described.
        top: how many documents are shown of each order.
        beginning: how many characters of each document.
    """
    qrels = {query: collection.qrels.get(query, {}) for query in reranked}
    before = per_query(first, qrels, [MAIN_MEASURE])[MAIN_MEASURE]
    after = per_query(reranked, qrels, [MAIN_MEASURE])[MAIN_MEASURE]
    # Rounded, or two sums of the same gains in another order might differ in the last bit.
    moved = {query: round(after[query] - before[query], 9) for query in after}
    rose = sorted((q for q in moved if moved[q] > 0), key=lambda q: moved[q], reverse=True)
    fell = sorted((q for q in moved if moved[q] < 0), key=lambda q: moved[q])

    def shown(query: str, documents: Sequence[str]) -> list[tuple[str, str, int]]:
        return [
            (
                document,
                on_one_line(collection.documents[document], beginning),
                qrels[query].get(document, 0),
            )
            for document in documents[:top]
        ]

    return Changes(
        improved=len(rose),
        worsened=len(fell),
        unchanged=len(moved) - len(rose) - len(fell),
        most=[
            Change(
                query,
                collection.queries[query],
                before[query],
                after[query],
                shown(query, first.get(query, ())),
                shown(query, reranked[query]),
            )
            for query in sorted(
                rose[:most] + fell[:most], key=lambda q: abs(moved[q]), reverse=True
            )
        ],
        worse=fell,
    )
