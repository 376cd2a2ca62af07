"""BM25 over a collection: the candidates that a reranker gets if no other first stage is given."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from zlib import crc32

import numpy as np
import Stemmer  # type: ignore[import-not-found]  # it is compiled, without types
from bm25s import stopwords  # type: ignore[import-untyped]  # it ships no types
from numpy.typing import NDArray

from ..errors import ConfigurationError
from .bm25_index import NO_WORDS, Index, WordNumbers, split
from .data.collection import Candidates, Collection


def bm25(
    collection: Collection, depth: int = 100, *, language: str | None = "english"
) -> Candidates:
    """BM25 (Lucene's variant, as bm25s has it, k1 = 1.2, b = 0.75) over titles and texts.

    Words are runs of two or more letters or digits, lowered, less stop words, stemmed. Equal
    scores keep the corpus' order, so that every run gives the same candidates. A query has fewer
    than `depth` of them, or none, if fewer documents share a word with it.

    Args:
        collection: its documents and queries. Of a collection with pools, each query's candidates
            are its pool, at the end what shares no word with it, in an order that depends only
            on the texts: where the files list relevant documents first, their order says which.
        depth: candidates per query, at most.
        language: the documents': a Snowball stemmer's name (`"german"`), with bm25s's stop words
            where it has some for that language; None: neither stems nor stop words. Languages that
            write no blanks between words (Chinese, Japanese, Thai) need a first stage of their own:
            give its run.

    Raises:
        ConfigurationError: an unknown language, a depth below 1, or no document has any word.
    """
    if depth < 1:
        raise ConfigurationError(f"depth: give at least 1, not {depth}.")
    stem, stops = _stemmer(language)
    queries = [
        [stem(word) for word in split(text) if word not in stops]
        for text in collection.queries.values()
    ]
    index = Index(
        collection.documents.values(), WordNumbers(chain.from_iterable(queries), stem, stops)
    )
    if not index.words:
        raise ConfigurationError(f"{collection.name}: there is no word to search in its documents.")
    ids = list(collection.documents)
    places = {name: place for place, name in enumerate(ids)} if collection.pools else {}
    found: dict[str, list[str]] = {}
    for query, words in zip(collection.queries, queries, strict=True):
        scores = index.scores(words)
        if collection.pools is None:
            found[query] = [ids[place] for place in _best(scores, depth)]
        else:
            pool = sorted(collection.pools[query], key=lambda name: _mixed(collection, name))
            found[query] = sorted(pool, key=lambda name: -scores[places[name]])[:depth]
    return found


def _mixed(collection: Collection, document: str) -> int:
    return crc32(collection.documents[document].encode("utf-8", "surrogatepass"))


def _best(scores: NDArray[np.float32], depth: int) -> list[int]:
    places = np.flatnonzero(scores > 0)
    if len(places) > depth:
        # Sorting only what can be among them matters from a million documents on.
        lowest = np.partition(scores[places], -depth)[-depth]
        places = places[scores[places] >= lowest]
    order = np.argsort(-scores[places], kind="stable")[:depth]
    return [int(place) for place in places[order]]


def _stemmer(language: str | None) -> tuple[Callable[[str], str], frozenset[str]]:
    if language is not None and language not in Stemmer.algorithms():
        names = ", ".join(Stemmer.algorithms())
        raise ConfigurationError(f"language: {language!r} is none of {names}; or None.")
    stem = str if language is None else Stemmer.Stemmer(language).stemWord
    name = "EN" if language == "english" else str(language).upper()
    return stem, frozenset(getattr(stopwords, f"STOPWORDS_{name}", ())) | NO_WORDS
