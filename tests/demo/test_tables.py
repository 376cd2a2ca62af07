"""How the demo's page looks on terminals of several widths and abilities."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from assisters_rerank import Usage
from assisters_rerank.demo.answer import Answer
from assisters_rerank.demo.corpus import Passage
from assisters_rerank.demo.tables import Page

CANDIDATES = [
    Passage(f"package{i}.module.Class.method_with_a_long_name", "", "What it does. " * i)
    for i in range(1, 51)
]
NAMES = [passage.name for passage in CANDIDATES]


def _answer(framework: str, names: list[str]) -> Answer:
    results = tuple((name, 0.9 - place / 10) for place, name in enumerate(names))
    return Answer(framework, results, 0.0123, Usage(requests=1, total_tokens=1234), "local-one")


SAME = [_answer("LangChain", NAMES[10:5:-1]), _answer("LlamaIndex", NAMES[10:5:-1])]


def _page(
    width: int = 80, encoding: str = "utf-8", *, terminal: bool = False
) -> tuple[Page, Console]:
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="replace", newline="")
    console = Console(file=file, width=width, force_terminal=terminal, _environ={"TERM": "xterm"})
    return Page(console), console


def _ask(page: Page, answers: list[Answer], query: str = "q") -> None:
    page.question(query, CANDIDATES, answers[0])
    page.compared(answers[1], answers[0])


def _printed(console: Console) -> str:
    file = console.file
    assert isinstance(file, io.TextIOWrapper)
    file.seek(0)
    return file.read()


@pytest.mark.parametrize("width", [40, 60, 80, 140, 250])
def test_every_line_fits_the_terminal(width: int) -> None:
    page, console = _page(width)
    page.server("No key: scores come from the local model at http://127.0.0.1:12345/v1.")
    page.corpus(5_000, 2.5)
    page.legend(50, warm=True)
    _ask(page, SAME, "how do I keep lines short " * 5)
    lines = _printed(console).splitlines()
    assert max(map(len, lines)) <= min(width, 120)
    # What surrounds it and one question, with names that need two lines each.
    assert width < 80 or len(lines) <= 24


def test_what_is_to_be_copied_is_never_broken() -> None:
    page, console = _page(40)
    page.next_steps("/a/path/that/is/longer/than/the/terminal/is/wide/assisters-rerank")
    lines = _printed(console).splitlines()
    assert any(line.endswith('wide/assisters-rerank demo --query "…"') for line in lines)
    assert "retriever = RerankRetriever(base_retriever=yours, reranker=reranker)" in lines


def test_a_row_has_what_bm25_put_there_and_the_reranked_passage_with_its_score() -> None:
    page, console = _page(120)
    page.question(
        "question",
        CANDIDATES,
        Answer("LangChain", ((NAMES[6], 0.75), (NAMES[0], -3.5)), 0.1, Usage(), "m"),
    )
    rows = [" ".join(line.split()) for line in _printed(console).splitlines()]
    assert f"{NAMES[0]} 7 → 1 {NAMES[6]} 0.7500" in rows
    assert f"{NAMES[1]} 1 → 2 {NAMES[0]} -3.5000" in rows


def test_time_usage_and_a_differing_order_are_told() -> None:
    page, console = _page(120)
    units = Usage(requests=2, search_units=1)
    other = Answer("LlamaIndex", ((NAMES[0], 0.5), (NAMES[1], 0.4)), 1.5, units, "another-one")
    _ask(page, [SAME[0], other])
    printed = " ".join(_printed(console).split())
    assert "LangChain 12 ms, 1 request, 1,234 tokens, model local-one" in printed
    assert "LlamaIndex 1,500 ms, 2 requests, 1 search unit, model another-one, order" in printed
    assert f"order differs from LangChain: {NAMES[0]} 0.5000, {NAMES[1]} 0.4000" in printed


def test_other_scores_in_the_same_order_are_told() -> None:
    page, console = _page(120)
    first = Answer("LangChain", ((NAMES[0], 0.5),), 0.1, Usage(), "m")
    _ask(page, [first, Answer("LlamaIndex", ((NAMES[0], 0.4),), 0.1, Usage(), "m")])
    printed = " ".join(_printed(console).split())
    assert f"scores differ from LangChain: {NAMES[0]} 0.4000" in printed


def test_the_same_order_and_model_are_not_repeated() -> None:
    page, console = _page(120)
    _ask(page, SAME)
    printed = " ".join(_printed(console).split())
    assert "LlamaIndex 12 ms, 1 request, 1,234 tokens, same order and scores as" in printed


def test_no_candidates_is_a_sentence() -> None:
    page, console = _page()
    page.question("q", [], _answer("LangChain", []))
    assert "BM25 finds no passage that shares a word with this question." in _printed(console)


def test_brackets_are_text_and_not_markup() -> None:
    page, console = _page()
    page.server("Scores come from http://[::1]:8000/v1.")
    _ask(page, SAME, "what does [bold]a[/bold] mean")
    printed = _printed(console)
    assert "http://[::1]:8000/v1" in printed
    assert "what does [bold]a[/bold] mean" in printed


def test_only_the_named_colours_are_used() -> None:
    """They are the ones that light and dark themes define for their own background."""
    page, console = _page(terminal=True)
    _ask(page, SAME)
    codes = set(re.findall(r"\x1b\[([\d;]+)m", _printed(console)))
    assert codes
    # bold, dim, red, green and their combinations; 0 resets.
    assert {code for group in codes for code in group.split(";")} <= {"0", "1", "2", "31", "32"}


def test_a_terminal_without_unicode_gets_ascii() -> None:
    page, console = _page(encoding="ascii")
    page.legend(50, warm=True)
    _ask(page, SAME)
    printed = _printed(console)
    assert "11 -> 1" in printed
    assert "q ------" in printed
    # What is left is rich's ellipsis at the end of a cut line.
    assert re.findall(r"\?(?! *(\n|\d+ ->| {6}))", printed) == []
