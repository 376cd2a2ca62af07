"""A long text in blocks.

Work on a whole text holds the interpreter's lock for as long as it takes, in whatever thread, and
no event loop runs meanwhile.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

BLOCK = 2**18
"""Characters of a block: a few milliseconds' work."""

_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")


def are_large(texts: Sequence[str]) -> bool:
    """Whether work on all of these is too much at once."""
    return sum(map(len, texts)) > BLOCK


def blocks(text: str) -> Iterator[str]:
    """The text's blocks in order; two halves of a character stay together."""
    start = 0
    while start < len(text):
        end = start + BLOCK
        if _PAIR.match(text, end - 1):
            end += 1
        yield text[start:end]
        start = end
