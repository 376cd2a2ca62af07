"""Words, prefix stems and BM25's term frequency: the part of a score that needs no model.

BM25 (Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", 2009) takes
two statistics from the collection: how rare a term is, and the mean length of a document. A
reranker sees no collection, and statistics over the documents of one request would make a score
depend on its neighbours. So both are fixed: the weights of the terms come from outside (see
`embedded` and `lexical`), and the mean length is a constant.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

MAX_CHARACTERS = 32_768
"""How far a document is read; a cross-encoder, too, ignores what is over its limit. About 8,192
tokens, the longest limit in the catalogue (`jina-reranker`)."""

MAX_QUERY_CHARACTERS = 2_048
"""How far a query is read: about 512 tokens, all that `bge-reranker-v2` takes of a pair."""

STEM_LENGTH = 6
"""Letters that two words must share to count as one term. A prefix is the simplest stemmer that is
not made for one language (McNamee and Mayfield, "Character N-Gram Tokenization for European
Language Text Retrieval", 2004). Of 5, 6 and 7, 6 was best on Vaswani and Cranfield."""

K1 = 1.0
"""How slowly repetition saturates. BM25's usual range is 0.9 to 1.5; its effect here is small."""

B = 0.75
"""How much a long document has to repeat itself: BM25's usual value."""

MEAN_WORDS = 150
"""The length in words that counts as neither long nor short: a passage, as rerankers get them."""

# Combining marks belong to the words of many scripts, but `\w` leaves them out.
_MARKS = "".join(chr(c) for c in range(0x300, 0x1E00) if unicodedata.category(chr(c))[0] == "M")
# Kana and Han are written without spaces: each sign is taken for a word.
_SIGNS = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_SYMBOLS = "\u2190-\u2bff\U0001f000-\U0001faff"
# Runs beyond 40 letters (base64, hashes) are cut, which bounds the work for a single word.
_WORD = re.compile(
    rf"[^\W_{_SIGNS}]{{1,40}}(?:[{_MARKS}]+[^\W_{_SIGNS}]{{0,40}}){{0,20}}|[{_SIGNS}{_SYMBOLS}]"
)
# In ASCII what is in no word becomes a blank, which takes a third of the time.
_BLANKED = {code: chr(code) if chr(code).isalnum() else " " for code in range(128)}


def split_words(text: str, limit: int = MAX_CHARACTERS) -> list[str]:
    """The words among the first `limit` characters, in the text's own upper and lower case.

    Han, kana and emoji come sign by sign. A text without any word, such as `"->"`, is split at its
    spaces. Unpaired surrogates are no characters and vanish.
    """
    text = unicodedata.normalize("NFKC", text[:limit])
    if text.isascii():
        words = text.translate(_BLANKED).split()
        if words and len(max(words, key=len)) <= 40:
            return words
    return _WORD.findall(text) or text.encode("utf-8", "ignore").decode().split()


def stem(word: str) -> str:
    """What two words have in common when they count as the same term."""
    return word.casefold()[:STEM_LENGTH]


def coverage(weights: Sequence[float], frequencies: Sequence[float], length: int) -> float:
    """How much of the query's weight a document of `length` words covers: 0…1.

    `weights` (positive) and `frequencies` run over the query's terms; a frequency is how often the
    document has the term, and may be a fraction. Each term's share is BM25's saturated frequency.
    """
    normal = K1 * (1 - B + B * length / MEAN_WORDS)
    covered = sum(w * f / (f + normal) for w, f in zip(weights, frequencies, strict=True))
    return covered / sum(weights)
