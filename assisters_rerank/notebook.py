"""A ranking as HTML, for notebooks: `Ranking._repr_html_`.

Colours are the page's own: text is inherited, fills are translucent, so that it reads in light and
dark themes alike, which notebooks switch without telling the browser. No script, nothing to load.
The markup is also well-formed XML, and reads without its style where a viewer strips that.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from .text.foreign_text import for_html, on_one_line
from .usage import Usage, dollars, in_words

_MOST_ROWS = 20
_LONGEST_TEXT = 200

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
.assisters-ranking .note { margin: .4em 0; font-size: .9em; opacity: .8; }
.assisters-ranking .degraded { margin: .4em 0; padding: .3em .7em; max-width: 60em;
  box-sizing: border-box; border-left: .25em solid #e08a00;
  background: color-mix(in srgb, #e08a00 15%, transparent); }
"""


class Row(NamedTuple):
    """One ranked document: its place in the documents that were given, its score, its text."""

    place: int
    score: float | None
    text: str


def ranking_html(rows: Sequence[Row], model: str, usage: Usage, *, degraded: str | None) -> str:
    """The ranking as a table: rank before and now, score, text, at most 20 rows of it.

    `degraded` is None unless the ranking is degraded; then it is why, or empty.
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
    parts += [f'<p class="note">{escape(note)}</p>' for note in _notes(rows, model, usage)]
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
    before = row.place + 1
    mark, kind = ("▲", "up") if now < before else ("▼", "down") if now > before else ("=", "same")
    return (
        f'<tr><td class="rank">{before} → <strong>{now}</strong> '
        f'<span class="move {kind}">{mark}</span></td>'
        f'<td class="score">{score_text(row.score)}{_bar(row.score, low, high)}</td>'
        f'<td class="text" dir="auto">{_escaped(row.text)}</td></tr>'
    )


def _bar(score: float | None, low: float, high: float) -> str:
    if score is None:
        return ""
    # Halved first: the distance between two huge scores may be more than a float holds.
    part = (score / 2 - low / 2) / (high / 2 - low / 2) if high / 2 > low / 2 else 1.0
    percent = 100 * part if math.isfinite(part) else 100.0
    return (
        '<span class="track" aria-hidden="true">'
        f'<span class="bar" style="width:{percent:.1f}%"></span></span>'
    )


def _escaped(text: str) -> str:
    return escape(_shown(text))


def _shown(text: str) -> str:
    return for_html(on_one_line(text, _LONGEST_TEXT))


def _notes(rows: Sequence[Row], model: str, usage: Usage) -> list[str]:
    notes = []
    if len(rows) > _MOST_ROWS:
        notes.append(f"… and {len(rows) - _MOST_ROWS:,} more")
    if not rows:
        notes.append("No documents.")
    low, high = _range(rows)
    facts = [f"model {_shown(model)}", *in_words(usage)]
    if usage.cost:
        facts.append(dollars(usage.cost))
    if (low, high) != (0.0, 1.0):
        facts.append(f"bars from {low:.3g} to {high:.3g}")
    return [*notes, " · ".join(facts)]
