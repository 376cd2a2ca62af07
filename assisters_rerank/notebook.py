"""A ranking as HTML, for notebooks: `Ranking._repr_html_`.

Colours are the page's own: text is inherited, fills are translucent, so that it reads in light and
dark themes alike, which notebooks switch without telling the browser. No script, nothing to load.
The markup is also well-formed XML, and reads without its style where a viewer strips that.
"""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING

from .text.foreign_text import for_html, on_one_line
from .usage import dollars, in_words

if TYPE_CHECKING:
    from .ranking import RankedDocument, Ranking

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


def ranking_html(ranking: Ranking) -> str:
    """The ranking as a table: rank before and now, score, text, at most 20 rows of it."""
    low, high = _range(ranking)
    rows = "".join(
        _row(now, ranked, low, high)
        for now, ranked in enumerate(ranking.results[:_MOST_ROWS], start=1)
    )
    parts = [f"<style>{_STYLE}</style>"]
    if ranking.degraded:
        parts.append(
            '<p class="degraded"><strong>Degraded:</strong> the service could not score these '
            "documents; they are in their first order, without scores.</p>"
        )
    if rows:
        parts.append(
            '<table class="ranked"><thead><tr>'
            '<th class="rank" scope="col">rank</th><th class="score" scope="col">score</th>'
            f'<th class="text" scope="col">text</th></tr></thead><tbody>{rows}</tbody></table>'
        )
    parts += [f'<p class="note">{escape(note)}</p>' for note in _notes(ranking, low, high)]
    # The two other classes keep MathJax away: a text with two prices in dollars is no formula.
    classes = "assisters-ranking tex2jax_ignore mathjax_ignore"
    return f'<div class="{classes}">{"".join(parts)}</div>'


def score_text(ranked: RankedDocument) -> str:
    """The score in short: three decimals, or two digits of a score that these would call 0."""
    score = ranked.relevance_score
    if score is None:
        return "\N{EN DASH}"
    return f"{score:.1e}" if 0 < abs(score) < 0.0005 or abs(score) >= 1e6 else f"{score:.3f}"


def _range(ranking: Ranking) -> tuple[float, float]:
    """What the bars are drawn between: 0…1, or the ranking's own range if that is wider."""
    scores = [r.relevance_score for r in ranking if r.relevance_score is not None]
    if all(0 <= score <= 1 for score in scores):
        return 0.0, 1.0
    return min(scores), max(scores)


def _row(now: int, ranked: RankedDocument, low: float, high: float) -> str:
    before = ranked.index + 1
    mark, kind = ("▲", "up") if now < before else ("▼", "down") if now > before else ("=", "same")
    return (
        f'<tr><td class="rank">{before} → <strong>{now}</strong> '
        f'<span class="move {kind}">{mark}</span></td>'
        f'<td class="score">{score_text(ranked)}{_bar(ranked.relevance_score, low, high)}</td>'
        f'<td class="text" dir="auto">{escape(_shown(_scored_text(ranked)))}</td></tr>'
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


def _scored_text(ranked: RankedDocument) -> str:
    """What the score belongs to; of a long document, the passage."""
    within = ranked.passage is not None and ranked.passage.start > 0
    return f"… {ranked.passage_text}" if within else ranked.text


def _shown(text: str) -> str:
    return for_html(on_one_line(text, _LONGEST_TEXT))


def _notes(ranking: Ranking, low: float, high: float) -> list[str]:
    notes = []
    if len(ranking) > _MOST_ROWS:
        notes.append(f"… and {len(ranking) - _MOST_ROWS:,} more")
    if not ranking:
        notes.append("No documents.")
    usage = ranking.usage
    facts = [f"model {_shown(ranking.model)}", *in_words(usage)]
    if usage.cost:
        facts.append(dollars(usage.cost))
    if (low, high) != (0.0, 1.0):
        facts.append(f"bars from {low:.3g} to {high:.3g}")
    return [*notes, " · ".join(facts)]
