"""Excerpts: the relevant passages of a text, neighbours joined, with a mark where text is left out.

For every excerpt `GAP.join(text[start:end] for start, end, score in spans)` is its own text, also
if it was taken from another excerpt: spans are always about the first text.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

GAP = " … "
"""Stands in an excerpt where text is left out."""

Span = tuple[int, int, float | None]
"""`text[start:end]` and the score of it, None in a degraded ranking."""


class Excerpt(NamedTuple):
    """What is left of a text, and the spans of the first text that it consists of."""

    text: str
    spans: tuple[Span, ...]


def excerpt(own: str, spans: Iterable[tuple[int, int, float]], before: Excerpt) -> Excerpt | None:
    """The excerpt of `own` with these spans of it; None if they hold nothing of the first text.

    `before` is `own` as an excerpt of the first text: `whole(own)` if it is the first text.
    """
    pieces: list[str] = []
    placed: list[Span] = []
    for start, end, score in _joined(own, spans):
        at = 0
        for first, last, _ in before.spans:
            begin, stop = max(start, at), min(end, at + last - first)
            if begin < stop:
                pieces.append(own[begin:stop])
                placed.append((first + begin - at, first + stop - at, score))
            at += last - first + len(GAP)
    return Excerpt(GAP.join(pieces), tuple(placed)) if pieces else None


def shortened(found: Excerpt, end: int) -> Excerpt:
    """The first `end` characters of an excerpt, at least one, without a mark at their end."""
    at, pieces, spans = 0, [], []
    for first, last, score in found.spans:
        length = min(last - first, end - at)
        if length > 0:
            pieces.append(found.text[at : at + length])
            spans.append((first, first + length, score))
        at += last - first + len(GAP)
    return Excerpt(GAP.join(pieces), tuple(spans))


def whole(text: str) -> Excerpt:
    """A text as an excerpt of itself."""
    return Excerpt(text, ((0, len(text), None),))


def noted_excerpt(own: str, note: object) -> Excerpt | None:
    """`own` as the excerpt that a note of its spans says it is; None if the note is about another.

    The note may be anything: other programs have fields of the same name.
    """
    if not isinstance(note, list | tuple) or not note:
        return None
    if not all(isinstance(span, list | tuple) and len(span) == 3 for span in note):
        return None
    if any(type(at) is not int for start, end, _ in note for at in (start, end)):
        return None
    if any(not 0 <= start < end for start, end, _ in note):
        return None
    at = -len(GAP)
    for start, end, _ in note:
        if at >= 0 and own[at : at + len(GAP)] != GAP:
            return None
        at += len(GAP) + end - start
    if at != len(own) or any(other[0] < one[1] for one, other in pairwise(note)):
        return None
    return Excerpt(own, tuple((start, end, None) for start, end, _ in note))


def placed_in(own: str, sent: str, start: int, end: int) -> tuple[int, int] | None:
    """Where `sent[start:end]`, a passage of the text that was sent, lies in `own`.

    What is sent holds `own` among other things (metadata), perhaps several times; the copy counts
    that holds most of the passage. None if it holds nothing of `own`.
    """
    bare = own.strip()  # what puts a text together often strips it
    best = (0, 0)
    for at in _copies(bare, sent, start, end):
        first, last = max(start - at, 0), min(end - at, len(bare))
        if last - first > best[1] - best[0]:
            best = first, last
    before = len(own) - len(own.lstrip())
    return (before + best[0], before + best[1]) if best[0] < best[1] else None


def _copies(bare: str, sent: str, start: int, end: int) -> list[int]:
    """Where copies of a text begin that may share characters with this span."""
    if not bare:
        return []
    low, high = max(0, start - len(bare) + 1), end + len(bare) - 1
    at, found = sent.find(bare, low, high), []
    while at >= 0:
        found.append(at)
        if (at <= start and end <= at + len(bare)) or (start <= at and at + len(bare) <= end):
            return found[-1:]  # no copy holds more of it
        at = sent.find(bare, at + len(bare), high)
    # Where copies overlap, the last one is not found step by step.
    return [*found, sent.rfind(bare, low, high)] if found else []


def _joined(own: str, spans: Iterable[tuple[int, int, float]]) -> Sequence[tuple[int, int, float]]:
    """The spans in order, neighbours as one with the better score."""
    joined: list[tuple[int, int, float]] = []
    for start, end, score in sorted(spans):
        if joined and not own[joined[-1][1] : start].strip():
            first, last, best = joined[-1]
            joined[-1] = first, max(last, end), max(best, score)
        else:
            joined.append((start, end, score))
    return joined
