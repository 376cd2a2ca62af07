"""Where a long text is cut into passages that each fit a window, whole sentences where it can be.

The cutting is semantic-text-splitter's (the extra `split`): it takes whole paragraphs where they
fit, else sentences, words, grapheme clusters and at last characters, by the rules of Unicode
(UAX 29), so Chinese and Japanese are cut at their own sentence ends too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from ..errors import ConfigurationError
from .blocks import blocks

OVERLAP_SHARE = 0.1
"""Share of the window that a passage may repeat of the one before it."""

MOST_OVERLAP = 64
"""Tokens that a passage repeats at most, however large the window is."""

# The splitter reads what is left of a sentence again for each passage, so a long text without
# full stops would take time by the square of its length. It gets this many characters per token
# of the window at a time: about four windows of English.
_BLOCK = 16

_HALVES = re.compile("([\ud800-\udbff])[\udc00-\udfff]|[\ud800-\udfff]")


class Passage(NamedTuple):
    """The span `text[start:end]` of a document, in characters (Python's, not bytes)."""

    start: int
    end: int


def passages(text: str, most_tokens: int, count_tokens: Callable[[str], int]) -> list[Passage]:
    """Cuts `text` into passages of at most `most_tokens` tokens each, as `count_tokens` counts.

    A text that fits is one passage, white space and all. Otherwise passages are cut at paragraph
    or sentence ends where such pieces fit, neither begin nor end with white space, and together
    hold every other character. Both their starts and their ends strictly advance. A passage
    repeats the last whole pieces of its predecessor if these have at most `OVERLAP_SHARE` of the
    window and at most `MOST_OVERLAP` tokens. The same arguments give the same passages; a blank
    text that is over the window has none.

    Args:
        text: the document; halves of surrogate pairs are read as U+FFFD, one for one.
        most_tokens: the window, in tokens.
        count_tokens: called once with the whole text and about ten times a passage with pieces of
            it, in the calling thread; must give the same count for the same piece.

    Raises:
        ConfigurationError: a single character is over the window, or the text must be cut and
            the extra `split` is not installed.
    """
    text = _without_halves(text)
    if count_tokens(text) <= most_tokens:
        return [Passage(0, len(text))]
    if most_tokens < 1:
        raise ConfigurationError(f"most_tokens: give at least 1 token, not {most_tokens}")
    fitting = {
        piece
        for start, end in _cuts(text, most_tokens, count_tokens)
        for piece in _pieces(text, start, end, most_tokens, count_tokens)
    }
    advancing: list[Passage] = []
    for passage in sorted(fitting, key=lambda span: (span.start, -span.end)):
        if not advancing or passage.end > advancing[-1].end:
            advancing.append(passage)
    return advancing


def _cuts(
    text: str, most_tokens: int, count_tokens: Callable[[str], int]
) -> Iterator[tuple[int, int]]:
    try:
        from semantic_text_splitter import TextSplitter
    except ImportError as error:
        raise ConfigurationError(
            'long_documents="split" needs the extra `split`: pip install "assisters-rerank[split]"'
        ) from error
    overlap = min(MOST_OVERLAP, int(most_tokens * OVERLAP_SHARE))
    splitter = TextSplitter.from_callback(count_tokens, most_tokens, overlap=overlap)
    begin, size = 0, _BLOCK * most_tokens
    while begin < len(text):
        cuts = splitter.chunk_indices(text[begin : begin + size])
        at_the_end = begin + size >= len(text)
        # The last one may end only because the block does: it opens the next block instead.
        for start, cut in cuts if at_the_end else cuts[:-1]:
            yield begin + start, begin + start + len(cut)
        if at_the_end or not cuts:
            begin += size
        elif cuts[-1][0] > 0:
            begin, size = begin + cuts[-1][0], _BLOCK * most_tokens
        else:
            size *= 2


def _pieces(
    text: str, start: int, end: int, most_tokens: int, count_tokens: Callable[[str], int]
) -> Iterator[Passage]:
    """One passage as a rule: the splitter exceeds the window where it finds nothing that fits."""
    cut = text[start:end]
    # Python takes some control characters for white space that Unicode does not.
    start, end = start + len(cut) - len(cut.lstrip()), end - len(cut) + len(cut.rstrip())
    if start >= end:
        return
    tokens = count_tokens(text[start:end])
    if tokens <= most_tokens:
        yield Passage(start, end)
    elif end - start > 1:
        middle = (start + end) // 2
        yield from _pieces(text, start, middle, most_tokens, count_tokens)
        yield from _pieces(text, middle, end, most_tokens, count_tokens)
    else:
        raise ConfigurationError(
            f"count_tokens counts {tokens} tokens for a single character, and a passage may have "
            f"only {most_tokens}: shorten the query, or correct count_tokens"
        )


def _without_halves(text: str) -> str:
    try:
        text.encode()  # in no time, where a look for halves takes tens of milliseconds
    except UnicodeEncodeError:
        return "".join(_HALVES.sub(_stand_in, block) for block in blocks(text))
    return text


def _stand_in(half: re.Match[str]) -> str:
    """As many characters that UTF-8 can hold; a variation selector is never cut off its base."""
    return "\ufffd\ufe0f" if half[1] else "\ufffd"
