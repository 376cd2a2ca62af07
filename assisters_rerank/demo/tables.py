"""How the demo looks: for each question BM25's list and the reranked one, side by side.

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

from ..notebook import score_text
from ..text.foreign_text import for_terminal, on_one_line
from ..usage import in_words
from .answer import Answer
from .corpus import Passage

# Longer lines are hard to follow, however wide the terminal.
_MAX_WIDTH = 120
_LONGEST_MODEL = 60

_OWN_CODE = """\
from assisters_rerank.local import service_or_local
server = service_or_local()  # the service if there is a key, else as here

from langchain_assisters import AssistersRerank, RerankRetriever
reranker = AssistersRerank(base_url=server.base_url, top_n=5)
retriever = RerankRetriever(base_retriever=yours, reranker=reranker)

from llama_index_assisters import AssistersRerank
reranker = AssistersRerank(base_url=server.base_url, top_n=5)
engine = index.as_query_engine(similarity_top_k=50, node_postprocessors=[reranker])
"""


class Page:
    """The demo's printed page, from top to bottom."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._width = min(console.width, _MAX_WIDTH)
        ascii_only = console.options.ascii_only
        self._arrow = "->" if ascii_only else "→"
        self._line = "-" if ascii_only else "─"
        self._dots = "..." if ascii_only else "…"

    def corpus(self, passages: int, seconds: float) -> None:
        """How much was read, and how long that took."""
        self._print(
            f"{passages:,} docstrings of Python {platform.python_version()}'s standard library "
            f"read and indexed in {seconds:.1f} s."
        )

    def legend(self, candidates: int, *, warm: bool) -> None:
        """How to read what follows; `warm` where calls are repeated before they are timed."""
        self._print(
            f"Left: what BM25 puts first of its {candidates} candidates. Right: the candidates "
            f"reranked, with the rank before {self._arrow} now."
            + (" Times are of a second call." if warm else "")
        )

    def server(self, reason: str) -> None:
        """Where the scores come from."""
        self._print(reason)

    def question(self, query: str, candidates: Sequence[Passage], answer: Answer) -> None:
        """One question: BM25's first passages, the reranked ones, and what the rerank took."""
        self._print("")
        title = Text(query, style="bold")
        self._print(Rule(title, align="left", style="dim", characters=self._line))
        if not candidates:
            self._print("BM25 finds no passage that shares a word with this question.")
            return
        self._print(self._results(candidates, answer))
        self._note(answer, _took(answer, [f"model {_shown(answer.model)}"]))

    def compared(self, answer: Answer, first: Answer) -> None:
        """What another framework made of the same question."""
        facts = [] if answer.model == first.model else [f"model {_shown(answer.model)}"]
        if answer.results == first.results:
            facts.append(f"same order and scores as {first.framework}")
        else:
            names, first_names = ([name for name, _ in each.results] for each in (answer, first))
            differs = "scores differ" if names == first_names else "order differs"
            listed = ", ".join(f"{name} {score_text(score)}" for name, score in answer.results)
            facts.append(f"{differs} from {first.framework}: {listed}")
        self._note(answer, _took(answer, facts))

    def next_steps(self, program: str) -> None:
        """How to go on in one's own code; `program` is what was typed to get here."""
        self._print("")
        title = Text("Next: your own code", style="bold")
        self._print(Rule(title, align="left", style="dim", characters=self._line))
        # Whole, however long the path is: what is broken over lines cannot be copied.
        for line in [
            _OWN_CODE,
            f'Your own question  {program} demo --query "{self._dots}"',
            f'Your own texts     {program} rerank "{self._dots}" notes.txt --local',
        ]:
            self._console.print(line, soft_wrap=True, markup=False, highlight=False)

    def _note(self, answer: Answer, took: str) -> None:
        note = Table.grid(padding=(0, 2))
        note.add_column(style="dim", no_wrap=True, min_width=len("LlamaIndex"))
        note.add_column(style="dim", ratio=1)
        note.add_row(answer.framework, Text(took))
        self._print(note)

    def _results(self, candidates: Sequence[Passage], answer: Answer) -> Table:
        before = {passage.name: rank for rank, passage in enumerate(candidates, start=1)}
        table = Table(
            box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim", expand=True
        )
        table.add_column("only BM25", ratio=1)
        table.add_column("rank", justify="right", no_wrap=True)
        table.add_column("reranked", ratio=1)
        table.add_column("score", justify="right", no_wrap=True)
        digits = len(str(len(answer.results)))
        for now, (name, score) in enumerate(answer.results, start=1):
            table.add_row(
                _described(candidates[now - 1]),
                self._move(before[name], now, digits),
                _described(candidates[before[name] - 1]),
                score_text(score),
            )
        return table

    def _move(self, before: int, now: int, digits: int) -> Text:
        style = "green" if now < before else "red" if now > before else "dim"
        return Text.assemble(f"{before} {self._arrow} ", (f"{now:>{digits}}", f"bold {style}"))

    def _print(self, what: str | Table | Rule) -> None:
        # Addresses and questions may hold brackets, which are not meant as markup.
        self._console.print(what, width=self._width, markup=False, highlight=False)


def _described(passage: Passage) -> Group:
    return Group(
        Text(passage.name, style="bold", overflow="fold"),
        Text(passage.summary, style="dim", no_wrap=True, overflow="ellipsis"),
    )


def _took(answer: Answer, facts: Sequence[str]) -> str:
    return ", ".join([f"{answer.seconds * 1000:,.0f} ms", *in_words(answer.usage), *facts])


def _shown(model: str) -> str:
    return for_terminal(on_one_line(model, _LONGEST_MODEL))
