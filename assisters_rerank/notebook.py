"""Ranked documents as a table in HTML, for notebooks: of a `Ranking`, or of frameworks' documents.

Colours are the page's own: text is inherited, fills are translucent, so that it reads in light and
dark themes alike, which notebooks switch without telling the browser. No script, nothing to load.
The markup is also well-formed XML, and reads without its style where a viewer strips that.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, NamedTuple

from .text.excerpts import GAP, Span, noted_excerpt
from .text.foreign_text import for_html, on_one_line
from .usage import Usage, count, dollars, in_words

_MOST_ROWS = 20
_MOST_PASSAGES = 3
_LONGEST_TEXT = 200  # of a passage, or of a text that was scored as a whole

# Two classes in the rules for the table, to win against the notebooks' own rules for tables.
_STYLE = """
.assisters-ranking .ranked { border-collapse: collapse; table-layout: auto; margin: 0;
  width: 100%; max-width: 60em; border: 0; color: inherit; background: none; }
.assisters-ranking .ranked th, .assisters-ranking .ranked td { text-align: start;
  vertical-align: top; padding: .35em .6em; border: 0; color: inherit;
  white-space: normal; max-width: none; }
.assisters-ranking .ranked th { font-weight: 600; opacity: .75; }
.assisters-ranking .ranked tr { background: none; }
.assisters-ranking .ranked tbody td {
  border-top: 1px solid color-mix(in srgb, currentColor 18%, transparent); }
.assisters-ranking .ranked .rank, .assisters-ranking .ranked .score {
  white-space: nowrap; font-variant-numeric: tabular-nums; }
.assisters-ranking .ranked .rank { text-align: right; }
.assisters-ranking .ranked .score { min-width: 7em; }
.assisters-ranking .ranked .text { width: 100%; overflow-wrap: anywhere; }
.assisters-ranking .move { display: inline-block; width: 1em; text-align: center; }
.assisters-ranking .up { color: color-mix(in srgb, currentColor 40%, #00a040); }
.assisters-ranking .down { color: color-mix(in srgb, currentColor 40%, #e03030); }
.assisters-ranking .track { display: block; height: .3em; margin-top: .3em; border-radius: .15em;
  background: color-mix(in srgb, currentColor 12%, transparent); overflow: hidden; }
.assisters-ranking .bar { display: block; height: 100%;
  background: color-mix(in srgb, currentColor 25%, #3080ff); }
.assisters-ranking mark { color: inherit; padding: .1em .2em; border-radius: .2em; }
.assisters-ranking .of { font-size: .85em; font-weight: 600; font-variant-numeric: tabular-nums; }
.assisters-ranking .about { display: block; margin-top: .2em; font-size: .9em; opacity: .8; }
.assisters-ranking .note { margin: .4em 0; font-size: .9em; opacity: .8; }
.assisters-ranking .degraded { margin: .4em 0; padding: .3em .7em; max-width: 60em;
  box-sizing: border-box; border-left: .25em solid #e08a00;
  background: color-mix(in srgb, #e08a00 15%, transparent); }
"""


class Piece(NamedTuple):
    """A part of a text to show; one with a score is a passage that was scored."""

    text: str
    score: float | None = None


_LEFT_OUT = Piece(GAP.strip())


class Row(NamedTuple):
    """One ranked document.

    Attributes:
        place: where it stood in the documents that were given; None if that is not known.
        score: None in a degraded ranking.
        pieces: what to show of its text.
        about: a line on the document, such as its title; it may be empty.
    """

    place: int | None
    score: float | None
    pieces: Sequence[Piece]
    about: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class RankedTable:
    """Ranked documents of a framework, which a notebook shows as a table."""

    rows: tuple[Row, ...]
    degraded: bool

    def __repr__(self) -> str:
        # Without the texts, as a ranking's.
        return f"<RankedTable of {count(len(self.rows), 'document')}>"

    def _repr_html_(self) -> str:
        facts = [count(len(self.rows), "document")] if self.rows else []
        return table_html(self.rows, facts, degraded="" if self.degraded else None)


def pieces_of(text: str, spans: Sequence[Span]) -> list[Piece]:
    """The best three of a text's passages, in its order, with a mark where text is left out.

    All of the text if there are no passages.
    """
    if not spans:
        return [Piece(text)]
    best = sorted(spans, key=lambda span: -math.inf if span[2] is None else span[2], reverse=True)
    at, pieces = 0, []
    for start, end, score in sorted(best[:_MOST_PASSAGES], key=lambda span: span[:2]):
        if text[at:start].strip():
            pieces.append(_LEFT_OUT)
        pieces.append(Piece(text[max(at, start) : end], score))  # neighbours may overlap
        at = end
    return [*pieces, _LEFT_OUT] if text[at:].strip() else pieces


def pieces_of_excerpt(text: str, note: Any) -> list[Piece]:
    """The same of a text that is an excerpt, as a note of its spans in its metadata says."""
    if noted_excerpt(text, note) is None:
        return pieces_of(text, ())
    spans: list[Span] = []
    at = 0
    for start, end, score in note:
        spans.append((at, at + end - start, score if isinstance(score, int | float) else None))
        at += end - start + len(GAP)
    pieces = pieces_of(text, spans)
    return [_LEFT_OUT, *pieces] if note[0][0] > 0 and pieces[0] is not _LEFT_OUT else pieces


def scored_pieces(pieces: Iterable[Piece]) -> list[Piece]:
    """The passages among what is shown of a text."""
    return [piece for piece in pieces if piece.score is not None]


def ranking_facts(model: str, usage: Usage, context_tokens: int | None) -> list[str]:
    """What a ranking says below its table."""
    facts = [f"model {_shown(model)}", *in_words(usage)]
    if usage.cost:
        facts.append(dollars(usage.cost))
    if context_tokens is not None:
        facts.append(f"{context_tokens:,} tokens of context")
    return facts


def table_html(rows: Sequence[Row], facts: Iterable[str], *, degraded: str | None) -> str:
    """The documents as a table: rank before and now, score, text, at most 20 rows of it.

    `degraded` is None unless they are in a degraded ranking; then it is why, or empty. `facts` are
    the line below.
    """
    low, high = _range(rows)
    shown = "".join(_row(now, row, low, high) for now, row in enumerate(rows[:_MOST_ROWS], start=1))
    parts = [f"<style>{_STYLE}</style>"]
    if degraded is not None:
        parts.append(
            '<p class="degraded"><strong>Degraded:</strong> the service could not score these '
            f"documents; they are in their first order, without scores. {_escaped(degraded)}</p>"
        )
    if shown:
        parts.append(
            '<table class="ranked"><thead><tr>'
            '<th class="rank" scope="col">rank</th><th class="score" scope="col">score</th>'
            f'<th class="text" scope="col">text</th></tr></thead><tbody>{shown}</tbody></table>'
        )
    if (low, high) != (0.0, 1.0):
        facts = [*facts, f"bars from {low:.3g} to {high:.3g}"]
    parts += [f'<p class="note">{escape(note)}</p>' for note in _notes(rows, facts)]
    # The two other classes keep MathJax away: a text with two prices in dollars is not a formula.
    classes = "assisters-ranking tex2jax_ignore mathjax_ignore"
    return f'<div class="{classes}">{"".join(parts)}</div>'


def score_text(score: float | None) -> str:
    """The score in short: four decimals, or two digits of a score that these would call 0."""
    if score is None:
        return "\N{EN DASH}"
    return f"{score:.1e}" if 0 < abs(score) < 0.00005 or abs(score) >= 1e6 else f"{score:.4f}"


def _range(rows: Sequence[Row]) -> tuple[float, float]:
    """What the bars are drawn between: 0…1, or the ranking's own range if that is wider."""
    scores = [row.score for row in rows if row.score is not None]
    if all(0 <= score <= 1 for score in scores):
        return 0.0, 1.0
    return min(scores), max(scores)


def _row(now: int, row: Row, low: float, high: float) -> str:
    about = f'<span class="about">{_escaped(row.about)}</span>' if row.about else ""
    return (
        f'<tr><td class="rank">{_rank(now, row.place)}</td>'
        f'<td class="score">{score_text(row.score)}{_bar(row.score, low, high)}</td>'
        f'<td class="text" dir="auto">{_text(row.pieces, low, high)}{about}</td></tr>'
    )


def _rank(now: int, place: int | None) -> str:
    if place is None:
        return f"<strong>{now}</strong>"
    before = place + 1
    mark, kind = ("▲", "up") if now < before else ("▼", "down") if now > before else ("=", "same")
    return f'{before} → <strong>{now}</strong> <span class="move {kind}">{mark}</span>'


def _text(pieces: Sequence[Piece], low: float, high: float) -> str:
    several = len(scored_pieces(pieces)) > 1  # else its score is the document's
    return " ".join(_marked(piece, low, high, numbered=several) for piece in pieces)


def _marked(piece: Piece, low: float, high: float, *, numbered: bool) -> str:
    text = _escaped(piece.text)
    if piece.score is None:
        return text
    # The better, the deeper; not so deep that the text is hard to read on it.
    depth = 6 + 24 * min(1.0, max(0.0, _part(piece.score, low, high)))
    number = f'<span class="of">{score_text(piece.score)}</span> ' if numbered else ""
    style = f"background:color-mix(in srgb, #e0a000 {depth:.0f}%, transparent)"
    return f'<mark style="{style}">{number}{text}</mark>'


def _bar(score: float | None, low: float, high: float) -> str:
    if score is None:
        return ""
    return (
        '<span class="track" aria-hidden="true">'
        f'<span class="bar" style="width:{100 * _part(score, low, high):.1f}%"></span></span>'
    )


def _part(score: float, low: float, high: float) -> float:
    """How much of the range lies below the score, 0…1 for one within it."""
    # Halved first: the distance between two huge scores may be more than a float holds.
    part = (score / 2 - low / 2) / (high / 2 - low / 2) if high / 2 > low / 2 else 1.0
    return part if math.isfinite(part) else 1.0


def _escaped(text: str) -> str:
    return escape(_shown(text))


def _shown(text: str) -> str:
    return for_html(on_one_line(text, _LONGEST_TEXT))


def _notes(rows: Sequence[Row], facts: Iterable[str]) -> list[str]:
    notes = []
    if len(rows) > _MOST_ROWS:
        notes.append(f"… and {len(rows) - _MOST_ROWS:,} more")
    if not rows:
        notes.append("No documents.")
    return [*notes, *filter(None, [" · ".join(facts)])]
