"""How many tokens a text has: as the user counts them, else estimated without a tokenizer.

Every character is worth a fixed part of a token, which depends only on its kind: a quarter for
a lower-case Latin letter, three quarters for a Chinese character, nothing for white space. The
sum over the text is the estimate. It is made for the tokenizer of XLM-RoBERTa, which BAAI's
bge-reranker-v2-m3 uses, and takes some microseconds for a page of text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Self
from zlib import adler32

from ..errors import ConfigurationError
from .blocks import BLOCK, blocks

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
# They were taken while marks with white space between them always counted as a ruled line (below).
# That they do so only next to one makes estimates of code 0.3 to 0.6 % higher, of prose 0.1 %.
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
_WHITE_SPACE = bytes(range(0x21)) + b"\x7f"
_NOT_COUNTED = _WHITE_SPACE + bytes(range(0x80, 0xC0))

_HUNDREDTHS_OF = {byte: round(100 * weight) for letters, weight in _ALPHABETS for byte in letters}
_HUNDREDTHS_OF |= dict.fromkeys(_NOT_COUNTED, 0)
_MOST = round(100 * _MARK)
_HUNDREDTHS = bytes(_HUNDREDTHS_OF.get(byte, _MOST) for byte in range(256))
"""What each byte is worth, in hundredths of a token."""

# A ruled line ("--------", "========") makes about one token of eight marks, and so do the marks
# around it, white space between them or not. Marks outside ASCII have more than one byte, so they
# never stand next to each other here.
_ONE_MARK = bytes([_MOST])
_EIGHT_MARKS = 8 * _ONE_MARK

_MODULUS = 65_521  # Adler-32's (RFC 1950)
_AT_ONCE = (_MODULUS - 1) // _MOST


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
    total = _hundredths(text) if len(text) <= BLOCK else sum(map(_hundredths, blocks(text)))
    return min(-(-total // 100) or 1, len(text))


def _hundredths(text: str) -> int:
    data = text.encode("utf-8", "surrogatepass")
    values = data.translate(_HUNDREDTHS)
    if values.rfind(_EIGHT_MARKS) >= 0:  # takes half the time of `in`
        values = data.translate(_HUNDREDTHS, _WHITE_SPACE).replace(_EIGHT_MARKS, _ONE_MARK)
    # The sum of the bytes, twenty times faster than by `sum`: it is the lower half of an Adler-32
    # checksum that begins with 0, modulo a number which so few bytes do not reach.
    total = 0
    for at in range(0, len(values), _AT_ONCE):
        total += adler32(values[at : at + _AT_ONCE], 0) & 0xFFFF
    return total


def tokens_of_pairs(count: Callable[[str], int], query: str, texts: Sequence[str]) -> int:
    """The tokens billed for these texts: a cross-encoder reads the query again with every one."""
    return count(query) * len(texts) + sum(map(count, texts))


class TokenCounter:
    """Counts tokens as the user wants, or estimates them.

    Before each text it calls `check_time`, which raises an error when the time is up.
    """

    def __init__(
        self,
        given: Callable[[str], int] | None,
        check_time: Callable[[], None] = lambda: None,
        option: str = "count_tokens",
    ) -> None:
        self._given = given
        self._option = option
        self._check_time = check_time
        self._counted: dict[str, int] = {}

    def __call__(self, text: str) -> int:
        """The tokens of the text.

        Raises:
            ConfigurationError: the user's function gave no number of tokens.
        """
        self._check_time()
        tokens = self._counted.get(text)
        if tokens is not None:
            return tokens
        if self._given is None:
            return estimate_tokens(text)  # not kept: long texts in pieces would fill the memory
        tokens = self._given(text)
        if type(tokens) is not int or tokens < 0:
            raise ConfigurationError(
                f"{self._option}: it gave {tokens!r} for a text; it must return the number of "
                "tokens as an int, 0 or more."
            )
        self._counted[text] = tokens
        return tokens

    def fits(self, text: str, room: int) -> bool:
        """Whether the text has no more tokens than there is room; a count is kept."""
        return not self.too_long((text,), room)

    def too_long(self, texts: Iterable[str], room: int) -> list[int]:
        """The positions of the texts that do not fit; counts are kept."""
        if self._given is not None:
            return [place for place, text in enumerate(texts) if self(text) > room]
        found = []
        for place, text in enumerate(texts):
            if len(text) > room:  # no character is estimated above one token
                self._check_time()
                tokens = self._counted.get(text)
                if tokens is None:
                    tokens = self._counted[text] = estimate_tokens(text)
                if tokens > room:
                    found.append(place)
        return found

    def counted(self, texts: Iterable[str]) -> Self:
        """Itself, with these texts' tokens at hand if it is slow to count them."""
        if self._given is not None:
            for text in texts:
                self(text)
        return self
