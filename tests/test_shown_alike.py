"""What a usage took is worded alike in the notebook, both commands and the report."""

from __future__ import annotations

import io
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from assisters_rerank import Document, RankedDocument, Ranking, Usage
from assisters_rerank.commands.output import summary
from assisters_rerank.demo.answer import Answer
from assisters_rerank.demo.corpus import Passage
from assisters_rerank.demo.tables import Page
from assisters_rerank.evaluate.report.wording import one_line, took
from assisters_rerank.text.foreign_text import for_html, for_terminal, on_one_line
from assisters_rerank.usage import in_words

USAGES = {
    Usage(): "0 requests",
    Usage(requests=1, total_tokens=1): "1 request, 1 token",
    Usage(requests=1, total_tokens=1, tokens_estimated=True, search_units=1): (
        "1 request, about 1 token, 1 search unit"
    ),
    Usage(requests=1234, retries=1, documents_cached=1, total_tokens=5678, search_units=0): (
        "1,234 requests, 1 retry, 1 score from the cache, 5,678 tokens, 0 search units"
    ),
    Usage(requests=2, retries=2, documents_cached=3, cost=None): (
        "2 requests, 2 retries, 3 scores from the cache"
    ),
}


def in_the_demo(usage: Usage) -> str:
    console = Console(file=io.StringIO(), width=200)
    answer = Answer("LangChain", (("name", 0.5),), 0.1, usage, "m")
    Page(console).question("q", [Passage("name", "", "")], answer)
    file = console.file
    assert isinstance(file, io.StringIO)
    return file.getvalue()


def in_a_notebook(usage: Usage) -> str:
    ranking = Ranking((RankedDocument(0, 0.5, Document("a", "a")),), "m", usage)
    return "".join(ElementTree.fromstring(ranking._repr_html_()).itertext())


@pytest.mark.parametrize(("usage", "words"), USAGES.items())
def test_the_same_usage_is_the_same_words_everywhere(usage: Usage, words: str) -> None:
    assert ", ".join(in_words(usage)) == words
    assert f" ms, {words}, model m" in " ".join(in_the_demo(usage).split())
    assert f"model m · {words.replace(', ', ' · ')}" in in_a_notebook(usage)
    assert summary(Ranking((), "m", usage), 2, 1.0) == f"0 of 2 documents, {words}, 1.0 s, model m"
    assert ", ".join(took(usage)).endswith(f", {words}, {usage.documents_sent} documents sent")


def test_the_money_is_told_where_it_was_asked_for() -> None:
    dear, unknown = Usage(requests=1, cost=0.0012), Usage(requests=1, cost=None)
    assert took(dear)[0] == "$0.0012"
    assert took(unknown)[0] == "price unknown"
    assert "1 request, $0.0012, 1.0 s" in summary(Ranking((), "m", dear), 2, 1.0)
    assert "$" not in summary(Ranking((), "m", unknown), 2, 1.0)


OBEYED = "\x1b[31m", "\x07", "\x9b2J", "\u202e", "\u2066", "\ud800", "\ufffe"


@pytest.mark.parametrize("text", OBEYED)
def test_nothing_is_obeyed_on_a_terminal(text: str) -> None:
    shown = for_terminal(f"a{text}b")
    assert shown == "a\N{REPLACEMENT CHARACTER}" + text[1:] + "b"
    assert one_line(f"a{text}b") == shown
    assert text[0] not in summary(Ranking((), f"a{text}b"), 1, 1.0)


@given(st.text(st.characters(codec=None)))
def test_any_text_can_be_shown(text: str) -> None:
    terminal, page = for_terminal(text), for_html(text)
    assert len(terminal) == len(page) == len(text)
    assert not any(char.isascii() and not char.isprintable() for char in terminal)
    for shown in (terminal, page):
        shown.encode()
        assert for_html(shown) == shown
    assert ElementTree.fromstring(f"<p>{page.replace('&', '').replace('<', '')}</p>").tag == "p"


@given(st.text(max_size=60), st.integers(1, 20))
def test_a_line_is_cut_and_says_so(text: str, longest: int) -> None:
    line, words = on_one_line(text, longest), " ".join(text.split())
    assert len(line) <= longest
    assert len(line.splitlines()) <= 1
    assert line == words or (line.endswith("…") and words.startswith(line[:-1]))
