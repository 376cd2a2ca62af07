"""How the demo looks: one table for each question, from the first stage's rank to the reranker's.

Only the sixteen named colours, which every terminal theme fits to its own background, and no
meaning only in a colour, so that piped output reads the same.
"""

from __future__ import annotations

import platform
from collections.abc import Sequence

from rich.console import Console, Group
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from ..text.foreign_text import for_terminal, on_one_line
from ..usage import in_words
from .answer import Answer
from .corpus import Passage

# Longer lines are hard to follow, however wide the terminal.
_MAX_WIDTH = 120
_LONGEST_MODEL = 60


class Page:
    """The demo's printed page, from top to bottom."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._width = min(console.width, _MAX_WIDTH)
        ascii_only = console.options.ascii_only
        self._arrow = "->" if ascii_only else "→"
        self._line = "-" if ascii_only else "─"

    def corpus(self, passages: int, seconds: float) -> None:
        """How much was read, and how long that took."""
        self._print(
            f"{passages:,} docstrings of Python {platform.python_version()}'s standard library "
            f"read and indexed in {seconds:.1f} s."
        )

    def legend(self, candidates: int, *, warm: bool) -> None:
        """How to read what follows; `warm` where calls are repeated before they are timed."""
        self._print(
            f"For each question BM25 finds {candidates} candidates and the reranker orders them, "
            "once through LangChain and once through LlamaIndex. Shown: the rank by BM25 "
            f"{self._arrow} the rank now, and the relevance score that each framework hands back."
            + (" Times are of a second call, when the model has seen the words." if warm else "")
        )

    def server(self, reason: str) -> None:
        """Where the scores come from."""
        self._print(reason)

    def question(
        self, query: str, candidates: Sequence[Passage], answers: Sequence[Answer]
    ) -> None:
        """One question: its reranked passages, what BM25 put first, and the usage.

        The rows are in the first answer's order, with each framework's own score next to them.
        """
        self._print("")
        title = Text(query, style="bold")
        self._print(Rule(title, align="left", style="dim", characters=self._line))
        if not candidates:
            self._print("BM25 finds no passage that shares a word with this question.")
            return
        first = answers[0]
        self._print(self._results(candidates, answers))
        notes = Table.grid(padding=(0, 2))
        notes.add_column(style="dim", no_wrap=True)
        notes.add_column(style="dim", ratio=1)
        bm25 = ", ".join(passage.name for passage in candidates[: len(first.results)])
        notes.add_row("only BM25", Text(bm25))
        for answer in answers:
            notes.add_row(answer.framework, Text(_took(answer, first)))
        self._print(notes)

    def invitation(self, program: str) -> None:
        """What to try next; `program` is what was typed to get here."""
        self._print("")
        # Whole, however long the path is: a command that is broken over lines cannot be copied.
        told = f'Ask your own question: {program} demo --query "…"'
        self._console.print(told, soft_wrap=True, markup=False, highlight=False)

    def _results(self, candidates: Sequence[Passage], answers: Sequence[Answer]) -> Table:
        before = {passage.name: rank for rank, passage in enumerate(candidates, start=1)}
        summaries = {passage.name: passage.summary for passage in candidates}
        scores = [dict(answer.results) for answer in answers]
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", expand=True)
        table.add_column("rank", justify="right", no_wrap=True)
        for answer in answers:
            table.add_column(answer.framework, justify="right", no_wrap=True)
        table.add_column("passage", ratio=1)
        digits = len(str(len(answers[0].results)))
        for now, (name, _) in enumerate(answers[0].results, start=1):
            table.add_row(
                self._move(before[name], now, digits),
                *(f"{score[name]:.3f}" if name in score else "" for score in scores),
                Group(
                    Text(name, style="bold", overflow="fold"),
                    Text(summaries[name], style="dim", no_wrap=True, overflow="ellipsis"),
                ),
            )
        return table

    def _move(self, before: int, now: int, digits: int) -> Text:
        style = "green" if now < before else "red" if now > before else "dim"
        return Text.assemble(f"{before} {self._arrow} ", (f"{now:>{digits}}", f"bold {style}"))

    def _print(self, what: str | Table | Rule) -> None:
        # Addresses and questions may hold brackets, which are not meant as markup.
        self._console.print(what, width=self._width, markup=False, highlight=False)


def _took(answer: Answer, first: Answer) -> str:
    facts = [f"{answer.seconds * 1000:,.0f} ms", *in_words(answer.usage)]
    if answer is first or answer.model != first.model:
        facts.append(f"model {for_terminal(on_one_line(answer.model, _LONGEST_MODEL))}")
    if answer is not first:
        names, first_names = ([name for name, _ in a.results] for a in (answer, first))
        facts.append(
            f"same order as {first.framework}"
            if names == first_names
            else f"order differs from {first.framework}: {', '.join(names)}"
        )
    return ", ".join(facts)
