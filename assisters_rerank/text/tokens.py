"""How many tokens a text has: as the user counts them, else estimated without a tokenizer.

Every character is worth a fixed part of a token, which depends only on its kind: a quarter for
a lower-case Latin letter, three quarters for a Chinese character, nothing for white space. The
sum over the text is the estimate. It is made for the tokenizer of XLM-RoBERTa, which BAAI's
bge-reranker-v2-m3 uses, and takes some microseconds for a page of text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import ceil
from typing import Self

from ..errors import ConfigurationError

# Where the weights come from: least squares of the relative error against XLM-RoBERTa's tokenizer
# (SentencePiece unigram, 250,002 pieces), November 2026, aimed a few per cent high and rounded.
# Texts: abstracts, handbooks, manual pages and fiction in English, German, Chinese and Japanese;
# Python, JavaScript, TypeScript, C, shell and JSON. Errors on what was held out (half of the
# documents, encyclopaedia articles, a declaration of law), in %: mean over the corpora (lowest and
# highest corpus), then the 5th and 95th percentile of pieces of 1,000 characters and the share of
# them within 15 %:
#     English   +4 (-6, +13)    -8 to +13   97 %
#     code      +2 ( 0,  +9)    -7 to +11   98 %
#     German    +8 (+2, +19)    -4 to +19   85 %
#     Chinese   +5 (-2, +11)   -14 to +15   92 %
#     Japanese  +3 (-2, +10)    -8 to +15   95 %
# Chinese is without verse. Fiction lies at the low end, legal and technical prose with its long
# words at the high end.
# Against tiktoken's o200k_base the means are +19, +23, +11, -4 and -18: the tokenizers differ.
# The first byte of a character's UTF-8 form shows its alphabet, so bytes are counted.
_ALPHABETS = (
    (b"abcdefghijklmnopqrstuvwxyz", 0.26),
    (b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", 0.4),
    (bytes(range(0xC3, 0xD6)), 0.28),  # accented Latin, Greek, Cyrillic, Armenian
    (bytes(range(0xD6, 0xE2)), 0.38),  # Hebrew, Arabic, the scripts of India, Thai and others
    (b"\xe3", 0.55),  # kana, and the full stop and comma of Chinese and Japanese
    (bytes(range(0xE4, 0xEE)), 0.75),  # Chinese characters, Hangul
)
_MARK = 1.2  # all other characters: punctuation, symbols, emoji

# White space separates tokens and is none itself, however long: indentation is free. The second
# and later bytes of a character must not count either.
_NOT_COUNTED = bytes(range(0x21)) + b"\x7f" + bytes(range(0x80, 0xC0))

_ASCII_MARK, _OTHER_MARK = 0, 1
_WEIGHTS = tuple((kind, weight) for kind, (_, weight) in enumerate(_ALPHABETS, start=2))
_ASCII_WEIGHTS = _WEIGHTS[:2]
_KIND_OF = {byte: kind for kind, (letters, _) in enumerate(_ALPHABETS, start=2) for byte in letters}
_KIND_OF_BYTE = bytes(
    _KIND_OF.get(byte, _ASCII_MARK if byte < 0x80 else _OTHER_MARK) for byte in range(256)
)

# A ruled line ("--------", "========") makes about one token of eight marks.
_ONE_MARK = bytes([_ASCII_MARK])
_EIGHT_MARKS = 8 * _ONE_MARK


AROUND_A_PAIR = 4
"""Tokens that XLM-RoBERTa's tokenizer puts around a pair: <s> query </s></s> document </s>."""


def estimate_tokens(text: str) -> int:
    """Estimate the number of tokens XLM-RoBERTa's tokenizer makes of a text.

    Special tokens, which a model adds around its input, are not counted. The estimate is within
    15 % of the true number for most English prose, source code, German, Chinese and Japanese of
    some hundred characters and more, and rather too high than too low. Other languages are within
    30 % for the most part; Thai, Tamil and Georgian are overestimated by 40 %. Random letters and
    digits (keys, hashes, Base64) are underestimated by half, classical Chinese verse by a quarter.

    Args:
        text: Any text, lone surrogates included. The time taken is linear in its length.

    Returns:
        The estimate: 0 for an empty text, else at least 1 and at most the number of characters.
    """
    if not text:
        return 0
    kinds = text.encode("utf-8", "surrogatepass").translate(_KIND_OF_BYTE, _NOT_COUNTED)
    kinds = kinds.replace(_EIGHT_MARKS, _ONE_MARK)
    tokens, marks = 0.0, len(kinds)
    for kind, weight in _ASCII_WEIGHTS if text.isascii() else _WEIGHTS:
        count = kinds.count(kind)
        tokens += weight * count
        marks -= count
    return max(1, min(ceil(tokens + _MARK * marks), len(text)))


# Letters, digits and white space of ASCII, of which none weighs more than the heaviest letter.
_LIGHT = bytes(byte for byte in range(0x80) if chr(byte).isalnum() or chr(byte).isspace())
_MOST_OF_LIGHT = max(weight for _, weight in _ALPHABETS[:2])


def tokens_of_pairs(count: Callable[[str], int], query: str, texts: Sequence[str]) -> int:
    """The tokens billed for these texts: a cross-encoder reads the query again with every one."""
    return count(query) * len(texts) + sum(map(count, texts))


def estimate_fits(text: str, tokens: int) -> bool:
    """Whether `estimate_tokens(text) <= tokens`, several times faster where it clearly does."""
    if len(text) <= tokens:
        return True  # no character is estimated above one token
    if text.isascii():
        marks = len(text.encode().translate(None, _LIGHT))
        if _MOST_OF_LIGHT * (len(text) - marks) + _MARK * marks <= tokens:
            return True
    return estimate_tokens(text) <= tokens


class TokenCounter:
    """Counts tokens as the user wants, or estimates them."""

    def __init__(self, given: Callable[[str], int] | None) -> None:
        self._given = given
        self._counted: dict[str, int] = {}

    def __call__(self, text: str) -> int:
        """The tokens of the text.

        Raises:
            ConfigurationError: the user's function gave no number of tokens.
        """
        if self._given is None:
            return estimate_tokens(text)
        if text not in self._counted:
            tokens = self._given(text)
            if type(tokens) is not int or tokens < 0:
                raise ConfigurationError(
                    f"count_tokens: it gave {tokens!r} for a text; it must return the number of "
                    "tokens as an int, 0 or more."
                )
            self._counted[text] = tokens
        return self._counted[text]

    def fits(self, text: str, room: int) -> bool:
        """Whether the text has no more tokens than there is room."""
        return estimate_fits(text, room) if self._given is None else self(text) <= room

    def counted(self, texts: Iterable[str]) -> Self:
        """Itself, with these texts' tokens at hand if it is slow to count them."""
        if self._given is not None:
            for text in texts:
                self(text)
        return self
