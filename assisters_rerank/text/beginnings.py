"""Where a text is cut off so that it fits a window."""

from __future__ import annotations

import re
from collections.abc import Callable

# Characters for a token of the window that are looked at first: more than most texts have.
_BLOCK = 8

# Of a cut text, how much may be given up so that it ends with a whole word.
_LAST_PART = 0.1

# A mark with what closes a quotation or bracket; Chinese and Japanese have no space after it.
_SENTENCE_END = re.compile(
    "[.!?…]+[\"'”\u2019»)\\]]*(?=\\s|$)|[\u3002\uff01\uff1f]+[”\u2019」』\uff09]*|(?<=\\S)(?=\\s*\\n)"
)


def beginning(text: str, most_tokens: int, count_tokens: Callable[[str], int]) -> int:
    """The end of the longest beginning of at most `most_tokens` tokens, as `count_tokens` counts.

    It ends with a whole word if the last tenth has white space. 0 if no character fits.
    """
    high = min(len(text), _BLOCK * max(1, most_tokens))
    while high < len(text) and count_tokens(text[:high]) <= most_tokens:
        high = min(len(text), 2 * high)
    if count_tokens(text[:high]) <= most_tokens:
        return high
    low = 0  # fits; `high` does not
    while high - low > 1:
        middle = (low + high) // 2
        if count_tokens(text[:middle]) <= most_tokens:
            low = middle
        else:
            high = middle
    whole = text[:low].rstrip()
    if low and not text[low - 1].isspace() and not text[low].isspace():
        whole = whole[: -len(whole.split()[-1])].rstrip()
    return len(whole) if len(whole) >= low * (1 - _LAST_PART) else low


def sentence_end(text: str, most: int) -> int:
    """The last end of a sentence or line in `text[:most]`, 0 if there is none."""
    last = 0
    for found in _SENTENCE_END.finditer(text):
        if found.end() > most:
            break
        last = found.end()
    return last
