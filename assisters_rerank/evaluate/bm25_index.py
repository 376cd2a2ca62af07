"""BM25's index of a collection, for the words of the queries only.

The scores are bm25s's to the last bit, for Lucene's variant. Its own index is made document by
document in Python, and has all words of all documents, which takes several times as long and as
much memory; and its `retrieve` orders equal scores by chance, fills up with documents that have
nothing to do with the query, and refuses depths over the corpus.
"""

from __future__ import annotations

import math
import re
from array import array
from collections.abc import Callable, Container, Iterable
from itertools import islice

import numpy as np
from numpy.typing import NDArray
from scipy import sparse  # type: ignore[import-untyped]  # it ships no types

K1 = 1.2
B = 0.75

NO_WORDS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_")
"""What `split` gives and is no word of two letters."""

_WORD = re.compile(r"\w\w+")
# For ASCII: each letter in lower case, and a blank for what is none.
_LOWER = (chr(byte).lower() for byte in range(128))
_LETTERS = bytes(ord(each if each in NO_WORDS else " ") for each in _LOWER) + bytes(128)
_STOP, _OTHER = 0, 1
_WORDS_KEPT = 1_000_000
_DOCUMENTS_AT_ONCE = 256


def split(text: str) -> list[str]:
    """The runs of two or more letters or digits, lowered; perhaps also some of `NO_WORDS`."""
    if text.isascii():  # four times as fast as the pattern
        return text.encode().translate(_LETTERS).decode().split()
    return _WORD.findall(text.lower())


class WordNumbers(dict[str, int]):
    """A number for each word as it is written: its stem's, 1 for all that no query has, or 0.

    0 is a stop word's.
    """

    def __init__(
        self, wanted: Iterable[str], stem: Callable[[str], str], stops: Container[str]
    ) -> None:
        super().__init__()
        self.stems = {word: number for number, word in enumerate(dict.fromkeys(wanted), 2)}
        self._stem = stem
        self._stops = stops

    def __missing__(self, word: str) -> int:
        if len(self) > _WORDS_KEPT:
            self.clear()
        number = _STOP if word in self._stops else self.stems.get(self._stem(word), _OTHER)
        self[word] = number
        return number


class Index:
    """The score of each document for each of the queries' words.

    `words` counts those of all documents together, stop words left out.
    """

    def __init__(self, documents: Iterable[str], numbers: WordNumbers) -> None:
        lengths, counts = _counted(documents, numbers)
        self.words = int(lengths.sum())
        self._stems = numbers.stems
        self._length = len(lengths)
        self._documents, self._starts = counts.indices, counts.indptr
        self._scores = _scores(counts, lengths)

    def scores(self, words: Iterable[str]) -> NDArray[np.float32]:
        """The score of every document for a query's stems; 0 if it has none of them."""
        scores = np.zeros(self._length, np.float32)
        for number in map(self._stems.__getitem__, words):
            column = slice(self._starts[number], self._starts[number + 1])
            scores[self._documents[column]] += self._scores[column]
        return scores


def _counted(
    documents: Iterable[str], numbers: WordNumbers
) -> tuple[NDArray[np.intp], sparse.csc_array]:
    """Each document's length in words, and how often it (row) has each of the stems (column)."""
    lengths, sizes = [np.zeros(0, np.intp)], [np.zeros(0, np.intp)]
    wanted = [np.zeros(0, np.int32)]
    texts = iter(documents)
    while part := list(islice(texts, _DOCUMENTS_AT_ONCE)):
        words, ends = array("i"), [0]
        for text in part:
            words.extend(map(numbers.__getitem__, split(text)))
            ends.append(len(words))
        found = np.frombuffer(words, np.int32)
        lengths.append(_between(ends, found != _STOP))
        sizes.append(_between(ends, found > _OTHER))
        wanted.append(found[found > _OTHER])
    columns = np.concatenate(wanted)
    starts = np.concatenate([[0], np.concatenate(sizes).cumsum()])
    shape = len(starts) - 1, len(numbers.stems) + 2
    counts = sparse.csr_array((np.ones(len(columns), np.int32), columns, starts), shape=shape)
    counts.sum_duplicates()
    return np.concatenate(lengths), counts.tocsc()


def _between(ends: list[int], are: NDArray[np.bool_]) -> NDArray[np.intp]:
    """How many are true between each of the ends and the next."""
    counts: NDArray[np.intp] = np.diff(np.searchsorted(np.flatnonzero(are), ends))
    return counts


def _scores(counts: sparse.csc_array, lengths: NDArray[np.intp]) -> NDArray[np.float32]:
    documents, frequencies = len(lengths), np.diff(counts.indptr)
    # math.log, because NumPy's need not round as it does.
    rarities = [math.log(1 + (documents - n + 0.5) / (n + 0.5)) for n in frequencies.tolist()]
    mean = max(int(lengths.sum()), 1) / max(documents, 1)
    normal = K1 * ((1 - B) + B * lengths / mean)
    share = counts.data / (normal[counts.indices] + counts.data)
    scores: NDArray[np.float64] = share * np.repeat(np.array(rarities, np.float32), frequencies)
    return scores.astype(np.float32)
