"""wordllama's bundled static embeddings, word by word.

Only two data files of its wheel are read (32,000 Llama 2 tokens in 256 dimensions, 16 MB): the
package, when imported, configures the root logger and loads an HTTP client, and its own loader
looks for the tokenizer in a folder that its wheel does not have.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ...after_fork import start_anew_in_child
from .terms import stem

UNIT = 4000
"""The length to which directions are scaled before they are rounded to whole numbers. With
rounding it stays below 4,096, so that no partial sum of a product of two of them exceeds 2**24
(Cauchy-Schwarz), up to which float32 holds whole numbers exactly."""

NORM_STEP = 1 / 16
"""Norms are rounded to multiples of this."""

MAX_NORM = 25.0
"""No word counts for more: about the 98th percentile of single tokens (median 13.7), so that a
rare word of many tokens does not outweigh the rest of a query."""

DIMENSIONS = 256

CACHED_WORDS = 100_000
"""Words kept after use, about 80 MB. SciFact's documents have 43,000, and the candidates of 500
queries in a large collection may have twice as many."""

_READ_AT_ONCE = 64
"""Words; the vectors of their tokens take a megabyte or two."""

_TOKENIZER = "tokenizers/l2_supercat_tokenizer_config.json"
_EMBEDDINGS = "weights/l2_supercat_256.safetensors"


class WordVectorsMissingError(RuntimeError):
    """wordllama or one of its data files is not installed."""


class Words:
    """Words that were read, each the sum of its tokens' embeddings; a word's place has it all.

    A direction (256 whole numbers, `UNIT` long) says what the word means. A norm, the length of the
    sum in units of `NORM_STEP`, says how much: training left it small for words that tell texts
    apart badly (the: 1.6, how: 7.9) and large for others (capture: 14, DNA: 22). Stems are numbered
    in the order in which they come.

    Args:
        most: how many words there may be.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.places: dict[str, int] = {}
        self.stems: dict[str, int] = {}
        # The system gives memory to what is written, and not before.
        self.directions: npt.NDArray[np.int16] = np.zeros((most, DIMENSIONS), np.int16)
        self.norms: npt.NDArray[np.int64] = np.zeros(most, np.int64)
        self.stem_numbers: npt.NDArray[np.intp] = np.zeros(most, np.intp)

    def places_of(self, texts: Collection[str]) -> npt.NDArray[np.intp]:
        """The places of these words, all of which were read."""
        return np.fromiter(map(self.places.__getitem__, texts), np.intp, len(texts))

    def sum_of(
        self, places: npt.NDArray[np.intp], counts: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.float64]:
        """The sum of words' vectors, so often each: whole numbers, exact whatever their order."""
        total: npt.NDArray[np.float64] = np.einsum(
            "w,wd->d",
            (self.norms[places] * counts).astype(np.float64),
            self.directions[places].astype(np.float64),
        )
        return total


class WordVectors:
    """The table of all tokens; loading takes some 60 ms. May be shared by threads.

    Raises `WordVectorsMissingError` when constructed without wordllama's data.
    """

    def __init__(self) -> None:
        folder = _wordllama_folder()
        try:
            # wordllama depends on both, so they are there when it is.
            from safetensors import safe_open
            from tokenizers import Tokenizer
        except ImportError as error:
            raise WordVectorsMissingError(f"{error.name} is not installed") from error
        self._tokenizer = Tokenizer.from_file(str(folder / _TOKENIZER))
        with safe_open(folder / _EMBEDDINGS, framework="np") as file:
            self._embeddings: npt.NDArray[np.float16] = file.get_tensor("embedding.weight")
        self.known = Words(CACHED_WORDS)
        """What was read; another object once there were too many."""
        self.start_anew()
        start_anew_in_child(self)

    def start_anew(self) -> None:
        """In a forked child, where nobody goes on with what the parent was reading: a new lock."""
        self._lock = threading.Lock()

    def with_words(self, texts: Iterable[str]) -> Words:
        """The vectors of these words (any texts without spaces), and perhaps of others."""
        wanted, known = set(texts), self.known
        if wanted <= known.places.keys():
            return known
        with self._lock:  # or two threads would write to the same places
            known = self.known
            new = wanted.difference(known.places)
            if len(known.places) + len(new) > CACHED_WORDS:
                new, known = wanted, Words(max(CACHED_WORDS, len(wanted)))
                self.known = known
            unread = list(new)
            for at in range(0, len(unread), _READ_AT_ONCE):
                self._read(unread[at : at + _READ_AT_ONCE], known)
        return known

    def _read(self, texts: list[str], known: Words) -> None:
        read = self._tokenizer.encode(texts, is_pretokenized=True, add_special_tokens=False)
        totals = np.zeros((len(texts), DIMENSIONS))
        if read.ids:
            places = [place or 0 for place in read.word_ids]  # None is for special tokens
            with_tokens, firsts = np.unique(places, return_index=True)
            tokens = self._embeddings[read.ids].astype(np.float64)
            totals[with_tokens] = np.add.reduceat(tokens, firsts)
        # Row by row: the sum of squares is rounded, by the order of the additions.
        norms = np.sqrt(np.square(totals).sum(axis=1))
        scales = np.divide(UNIT, norms, out=np.ones_like(norms), where=norms > 0)
        first = len(known.places)
        rows = slice(first, first + len(texts))
        known.directions[rows] = np.rint(totals * scales[:, None])
        known.norms[rows] = np.rint(np.minimum(norms, MAX_NORM) / NORM_STEP)
        numbers = [known.stems.setdefault(stem(text), len(known.stems)) for text in texts]
        known.stem_numbers[rows] = numbers
        # Last, since other threads take what has a place for read.
        known.places.update(zip(texts, range(first, rows.stop), strict=True))


@cache
def word_vectors() -> WordVectors:
    """The table that the whole process shares; raises like `WordVectors`."""
    return WordVectors()


def _wordllama_folder() -> Path:
    spec = find_spec("wordllama")
    if spec is None or spec.origin is None:
        raise WordVectorsMissingError("wordllama is not installed")
    folder = Path(spec.origin).parent
    for name in (_TOKENIZER, _EMBEDDINGS):
        if not (folder / name).is_file():
            raise WordVectorsMissingError(f"this version of wordllama has no file {name}")
    return folder
