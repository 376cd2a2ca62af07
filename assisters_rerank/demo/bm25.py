"""The demo's first stage: BM25 over the passages; the candidates that it finds are reranked."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import cast

import bm25s  # type: ignore[import-untyped]  # it ships no types

from .corpus import Passage

# It sets its own level to DEBUG, and would write into a program's log with every query.
logging.getLogger("bm25s").setLevel(logging.WARNING)


class FirstStage:
    """A BM25 index (bm25s with its default settings and English stop words) over passages.

    Neither stemmed nor tuned: what a retriever does out of the box.
    """

    def __init__(self, passages: Sequence[Passage]) -> None:
        self._passages = passages
        self._index = bm25s.BM25()
        self._index.index(_tokens([passage.text for passage in passages]), show_progress=False)

    def search(self, query: str, k: int) -> list[Passage]:
        """The `k` best passages for `query`, best first.

        Fewer when fewer share a word with it: an empty list for a query that has only stop words.
        """
        found, scores = self._index.retrieve(
            _tokens([query]), k=min(k, len(self._passages)), show_progress=False
        )
        return [
            self._passages[int(position)]
            for position, score in zip(found[0], scores[0], strict=True)
            if score > 0
        ]


def _tokens(texts: list[str]) -> list[list[str]]:
    # As words, not ids: ids would belong to the vocabulary of one call.
    return cast(
        "list[list[str]]",
        bm25s.tokenize(texts, stopwords="en", return_ids=False, show_progress=False),
    )
