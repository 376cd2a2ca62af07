"""How a ranking is written: a table on a terminal, tab-separated into a pipe, or JSONL."""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Iterator, Sequence

from ..notebook import Piece, score_text, scored_pieces
from ..ranking import RankedDocument, Ranking, shown_pieces
from ..text.foreign_text import for_terminal, on_one_line
from ..usage import count, dollars, in_words
from .reading.records import Input

# More than terminals are wide; the rest of a text would be cut anyway.
_LONGEST_ROW = 1_000


def show(ranking: Ranking, inputs: Sequence[Input], *, as_json: bool) -> None:
    """Writes the ranking of `inputs` to stdout."""
    if not as_json and sys.stdout.isatty():
        _table(ranking, inputs)
        return
    for ranked in ranking:
        sys.stdout.write(_json(ranked, inputs[ranked.index]) if as_json else _tabbed(ranked))
        sys.stdout.write("\n")


def summary(ranking: Ranking, documents: int, seconds: float) -> str:
    """One line on what the ranking took."""
    usage = ranking.usage
    kept = "" if len(ranking) == documents else f"{len(ranking):,} of "
    facts = [kept + count(documents, "document"), *in_words(usage)]
    if usage.cost:
        facts.append(dollars(usage.cost))
    if ranking.context_tokens is not None:
        facts.append(f"{ranking.context_tokens:,} tokens of context")
    facts += [f"{seconds:.1f} s", f"model {_visible(ranking.model)}"]
    if ranking.degraded:
        facts.append("degraded: first order, no scores")
    return ", ".join(facts)


def _tabbed(ranked: RankedDocument) -> str:
    # Only what would break the line is replaced, so that `cut -f2-` gives the text back.
    text = " ".join(re.split("[\r\n]+", ranked.context))
    return f"{'' if ranked.relevance_score is None else ranked.relevance_score}\t{text}"


def _json(ranked: RankedDocument, source: Input) -> str:
    fields: dict[str, object] = (
        {"text": source.text} if source.fields is None else dict(source.fields)
    )
    for stale in ("relevance_score", "rerank_degraded"):
        fields.pop(stale, None)
    if ranked.relevance_score is None:
        fields["rerank_degraded"] = True
    else:
        fields["relevance_score"] = ranked.relevance_score
    if ranked.context_end is not None:
        fields["context"] = ranked.context
    # Where the input has fields of these names, they are the user's.
    for name, value in (("index", ranked.index), ("file", source.file), ("line", source.line)):
        fields.setdefault(name, value)
    try:
        line = json.dumps(fields, ensure_ascii=False, allow_nan=False)
    except ValueError:
        fields = {name: _without_nan(value) for name, value in fields.items()}
        line = json.dumps(fields, ensure_ascii=False)
    try:
        line.encode(sys.stdout.encoding)
    except UnicodeEncodeError:
        return json.dumps(fields)
    return line


def _without_nan(value: object) -> object:
    """The value with null for NaN and infinities, which Python reads and JSON does not have."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {name: _without_nan(each) for name, each in value.items()}
    return [_without_nan(each) for each in value] if isinstance(value, list) else value


def _table(ranking: Ranking, inputs: Sequence[Input]) -> None:
    from rich.console import Console
    from rich.table import Table

    if not ranking:
        return
    console = Console(highlight=False, emoji=False)
    several = len({source.file for source in inputs}) > 1
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", expand=True)
    table.add_column("rank", justify="right", no_wrap=True)
    table.add_column("score", justify="right", no_wrap=True)
    if several:
        table.add_column("from", style="dim", no_wrap=True)
    table.add_column("text", ratio=1, no_wrap=True, overflow="ellipsis")
    arrow = "->" if console.options.ascii_only else "→"
    longest = console.width // 3 if several else 0
    for row in _rows(ranking, inputs, arrow, longest):
        table.add_row(*row)
    console.print(table)


def _rows(
    ranking: Ranking, inputs: Sequence[Input], arrow: str, longest: int
) -> Iterator[list[str]]:
    """Their cells; the file and line in at most `longest` columns of the terminal, 0 for none."""
    from rich.markup import escape

    digits = len(str(len(ranking)))
    for now, ranked in enumerate(ranking, start=1):
        before = ranked.index + 1
        colour = "green" if now < before else "red" if now > before else "dim"
        score = score_text(ranked.relevance_score)
        row = [f"{before} {arrow} [bold {colour}]{now:>{digits}}[/]", score]
        if longest:
            source = inputs[ranked.index]
            row.append(escape(_end_of(_visible(f"{source.file}:{source.line}"), longest)))
        yield [*row, _marked(shown_pieces(ranked))]


def _marked(pieces: Sequence[Piece]) -> str:
    """A line for each passage, the best one bold; or all of the text, if it was not split."""
    from rich.markup import escape

    passages = scored_pieces(pieces)
    if len(passages) < 2:
        return escape(_visible(" ".join(piece.text for piece in pieces)))
    best = max(passages, key=lambda piece: piece.score or 0.0)
    return "\n".join(
        f"[{'bold' if each is best else 'dim'}]{score_text(each.score)}[/]  "
        + escape(_visible(each.text))
        for each in passages
    )


def _end_of(text: str, longest: int) -> str:
    """The file's name and the line are at the end: a path's beginning is what can be spared."""
    from rich.cells import cell_len

    if cell_len(text) <= longest:
        return text
    while text and cell_len(text) >= longest:
        text = text[1:]
    return f"…{text}"


def _visible(text: str) -> str:
    return for_terminal(on_one_line(text, _LONGEST_ROW))
