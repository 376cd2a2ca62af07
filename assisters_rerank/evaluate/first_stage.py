"""BM25 over a collection: the candidates that a reranker gets if no other first stage is given."""

from __future__ import annotations

import logging
import re
from array import array
from collections.abc import Callable, Container, Iterable
from itertools import chain
from zlib import crc32

import bm25s  # type: ignore[import-untyped]  # it ships no types
import numpy as np
import Stemmer  # type: ignore[import-not-found]  # it is compiled, without types
from bm25s import stopwords
from numpy.typing import NDArray

from ..errors import ConfigurationError
from .data.collection import Candidates, Collection

# It logs every step at DEBUG, past the root logger's level, from which it does not inherit.
logging.getLogger("bm25s").setLevel(logging.WARNING)

_ONE = re.compile(r"\w")
_WORD = re.compile(r"\w\w+")
# In ASCII the same is several times faster by a table: all that is in no word is a blank.
_LOWERED = {code: chr(code).lower() if _ONE.match(chr(code)) else " " for code in range(128)}
_SINGLE = frozenset(_LOWERED.values())
# Neither can be a word.
_STOP, _OTHER = "-", ""
_WORDS_KEPT = 1_000_000


def bm25(
    collection: Collection, depth: int = 100, *, language: str | None = "english"
) -> Candidates:
    """BM25 (bm25s, Lucene's variant, k1 = 1.2, b = 0.75) over titles and texts.

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
        [stem(word) for word in _words(text) if word not in stops]
        for text in collection.queries.values()
    ]
    wanted = dict.fromkeys(chain.from_iterable(queries))
    index = _index(collection, _Numbers(wanted, stem, stops))
    ids = list(collection.documents)
    places = {name: place for place, name in enumerate(ids)} if collection.pools else {}
    found: dict[str, list[str]] = {}
    for query, words in zip(collection.queries, queries, strict=True):
        # Ours and not `index.retrieve`: that orders equal scores by chance, fills up with
        # documents that have nothing to do with the query, and refuses depths over the corpus.
        scores = index.get_scores_from_ids(index.get_tokens_ids(words))
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


class _Numbers(dict[str, int]):
    """A number for each word as it is written: its stem's, one for all that no query has, or 0.

    0 is a stop word's. `vocabulary` has the stems' numbers.
    """

    def __init__(
        self, wanted: Iterable[str], stem: Callable[[str], str], stops: Container[str]
    ) -> None:
        super().__init__()
        self.vocabulary = {_STOP: 0, _OTHER: 1}
        self.vocabulary |= {word: number for number, word in enumerate(wanted, 2)}
        self._stem = stem
        self._stops = stops

    def __missing__(self, word: str) -> int:
        if len(self) > _WORDS_KEPT:
            self.clear()
        number = 0 if word in self._stops else self.vocabulary.get(self._stem(word), 1)
        self[word] = number
        return number


def _index(collection: Collection, numbers: _Numbers) -> bm25s.BM25:
    """An index of the queries' words only, since one of all words takes several times the memory.

    The documents' other words stand in it as a single one, so that their lengths, and with them all
    scores, are as in an index of all words.
    """
    documents = [
        array("i", filter(None, map(numbers.__getitem__, _pieces(text))))
        for text in collection.documents.values()
    ]
    if not any(documents):
        raise ConfigurationError(f"{collection.name}: there is no word to search in its documents.")
    index = bm25s.BM25(k1=1.2, b=0.75)
    index.index((documents, numbers.vocabulary), show_progress=False)
    return index


def _words(text: str) -> list[str]:
    return [piece for piece in _pieces(text) if piece not in _SINGLE]


def _pieces(text: str) -> list[str]:
    """The words, and of a text in ASCII the single letters and digits, too."""
    return text.translate(_LOWERED).split() if text.isascii() else _WORD.findall(text.lower())


def _stemmer(language: str | None) -> tuple[Callable[[str], str], frozenset[str]]:
    if language is not None and language not in Stemmer.algorithms():
        names = ", ".join(Stemmer.algorithms())
        raise ConfigurationError(f"language: {language!r} is none of {names}; or None.")
    stem = str if language is None else Stemmer.Stemmer(language).stemWord
    name = "EN" if language == "english" else str(language).upper()
    return stem, _SINGLE.union(getattr(stopwords, f"STOPWORDS_{name}", ()))
