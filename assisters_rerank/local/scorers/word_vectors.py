"""wordllama's bundled static embeddings, word by word.

Only two data files of its wheel are read (32,000 Llama 2 tokens in 256 dimensions, 16 MB): the
package, when imported, configures the root logger and loads an HTTP client, and its own loader
looks for the tokenizer in a folder that its wheel does not have.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt

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


@dataclass(frozen=True, slots=True, eq=False)
class Word:
    """A word as the sum of its tokens' embeddings.

    `direction` (256 whole numbers of 16 bits, `UNIT` long) says what the word means; as bytes,
    which are joined several times faster than arrays. `norm`, the length of the sum in units of
    `NORM_STEP`, says how much: training left it small for words that tell texts apart badly (the:
    1.6, how: 7.9) and large for others (capture: 14, DNA: 22).
    """

    stem: str
    direction: bytes
    norm: int


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
        self.known: dict[str, Word] = {}
        """What was read; another dictionary once there were too many."""

    def with_words(self, texts: Iterable[str]) -> Mapping[str, Word]:
        """The vectors of these words (any texts without spaces), and perhaps of others."""
        wanted, known = set(texts), self.known
        new = wanted.difference(known)
        if len(known) + len(new) > CACHED_WORDS:
            new, known = wanted, {}
            self.known = known
        unread = list(new)
        for at in range(0, len(unread), _READ_AT_ONCE):
            known.update(self._read(unread[at : at + _READ_AT_ONCE]))
        return known

    def _read(self, texts: list[str]) -> dict[str, Word]:
        read = self._tokenizer.encode(texts, is_pretokenized=True, add_special_tokens=False)
        totals = np.zeros((len(texts), DIMENSIONS))
        if read.ids:
            places = [place or 0 for place in read.word_ids]  # None is for special tokens
            with_tokens, firsts = np.unique(places, return_index=True)
            tokens = self._embeddings[read.ids].astype(np.float64)
            totals[with_tokens] = np.add.reduceat(tokens, firsts)
        # Each row on its own: the sum of squares is rounded, by the order of the additions.
        norms = [math.sqrt(row.sum()) for row in np.square(totals)]
        scales = np.array([UNIT / norm if norm else 1.0 for norm in norms])
        directions = np.rint(totals * scales[:, None]).astype(np.int16)
        return {
            text: Word(stem(text), direction.tobytes(), round(min(norm, MAX_NORM) / NORM_STEP))
            for text, direction, norm in zip(texts, directions, norms, strict=True)
        }


@cache
def word_vectors() -> WordVectors:
    """The table that the whole process shares; raises like `WordVectors`."""
    return WordVectors()


def directions_of(words: Iterable[Word]) -> npt.NDArray[np.int16]:
    """The words' directions, a row for each."""
    joined = b"".join([word.direction for word in words])
    return np.frombuffer(joined, dtype=np.int16).reshape(-1, DIMENSIONS)


def sum_of(words: Sequence[Word], counts: Iterable[int]) -> npt.NDArray[np.float64]:
    """The sum of words' vectors, so often each: whole numbers, exact whatever their order."""
    norms = [word.norm * count for word, count in zip(words, counts, strict=True)]
    total: npt.NDArray[np.float64] = np.einsum(
        "w,wd->d", np.array(norms, np.float64), directions_of(words).astype(np.float64)
    )
    return total


def _wordllama_folder() -> Path:
    spec = find_spec("wordllama")
    if spec is None or spec.origin is None:
        raise WordVectorsMissingError("wordllama is not installed")
    folder = Path(spec.origin).parent
    for name in (_TOKENIZER, _EMBEDDINGS):
        if not (folder / name).is_file():
            raise WordVectorsMissingError(f"this version of wordllama has no file {name}")
    return folder
