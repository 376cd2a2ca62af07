"""How figures and foreign texts are written, alike in the terminal and on the page."""

from __future__ import annotations

import re
from decimal import ROUND_FLOOR, Context

from ..usage import Usage, dollars

# What would be obeyed instead of shown: control characters and changes of direction; and halves
# of characters, which no output can encode.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")

UNKNOWN = "\N{EN DASH}"


def one_line(text: str, longest: int = 300) -> str:
    """A foreign text on one line, cut, with nothing in it that a terminal or browser obeys."""
    words = " ".join(text[: 4 * longest].split())
    if len(words) > longest or len(text) > 4 * longest:
        words = words[: longest - 1].rstrip() + "…"
    return _UNSAFE.sub("\N{REPLACEMENT CHARACTER}", words)


def unit(value: float | None) -> str:
    """A value of 0…1."""
    return UNKNOWN if value is None else f"{value:.3f}"


def difference(value: float) -> str:
    """A difference of two such values, always with its sign."""
    return f"{value:+.3f}"


_FIVE_DIGITS = Context(prec=5, rounding=ROUND_FLOOR)


def score(value: float) -> str:
    """A relevance score to five digits, rounded down: as a threshold it keeps what has it."""
    return f"{float(_FIVE_DIGITS.create_decimal(repr(value))):.5g}"


def milliseconds(value: float | None) -> str:
    """A latency without its unit."""
    if value is None:
        return UNKNOWN
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}"


def price(value: float | None) -> str:
    """Dollars."""
    return UNKNOWN if value is None else dollars(value)


def seconds(value: float) -> str:
    """A duration: seconds, or from 90 seconds minutes and seconds."""
    if value < 90:
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes:,} min {rest} s"


def count(number: int, one: str, more: str | None = None) -> str:
    """A number of things: `1 query`, `2 queries`."""
    return f"{number:,} {one if number == 1 else more or one + 's'}"


def queries(number: int) -> str:
    """A number of queries."""
    return count(number, "query", "queries")


def took(usage: Usage) -> list[str]:
    """What the scores of a model took, fact by fact, the money first."""
    facts = ["price unknown" if usage.cost is None else dollars(usage.cost)]
    facts.append(count(usage.requests, "request"))
    if usage.retries:
        facts.append(count(usage.retries, "retry", "retries"))
    facts.append(count(usage.documents_sent, "document") + " sent")
    if usage.documents_cached:
        facts.append(f"{usage.documents_cached:,} from the cache")
    if usage.total_tokens:
        about = "about " if usage.tokens_estimated else ""
        facts.append(about + count(usage.total_tokens, "token"))
    if usage.search_units is not None:
        facts.append(count(usage.search_units, "search unit"))
    return facts
