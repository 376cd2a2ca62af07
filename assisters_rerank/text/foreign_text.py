"""Makes foreign texts safe to show: on one line, without control characters."""

from __future__ import annotations

import re

# Control characters but for tab and newline, and halves of characters, which no output can encode.
_NOT_HTML = "\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff"
_FORBIDDEN = re.compile(f"[{_NOT_HTML}]")

# A terminal also obeys tabs and newlines, and writes backwards after a change of direction; in a
# page, the element around a text ends that.
_OBEYED = re.compile(f"[\t\n\u202a-\u202e\u2066-\u2069{_NOT_HTML}]")

_INSTEAD = "\N{REPLACEMENT CHARACTER}"


def on_one_line(text: str, longest: int) -> str:
    """The text with single spaces for all white space, cut to `longest` characters."""
    words = " ".join(text[: 4 * longest].split())
    if len(words) > longest or len(text) > 4 * longest:
        words = words[: longest - 1].rstrip() + "…"
    return words


def for_terminal(text: str) -> str:
    """The text with a mark for all that would move the cursor, set colours or write backwards."""
    return _OBEYED.sub(_INSTEAD, text)


def for_html(text: str) -> str:
    """The text with a mark for what HTML does not allow in one; `<`, `&` and quotes stay."""
    return _FORBIDDEN.sub(_INSTEAD, text)
