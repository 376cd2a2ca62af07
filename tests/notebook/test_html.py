"""The HTML of a ranking: what it says, and that it is harmless and well-formed."""

from __future__ import annotations

import re
import subprocess
import sys
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assisters_rerank import Document, Passage, RankedDocument, Ranking, Usage
from assisters_rerank.text.foreign_text import for_html, on_one_line

from .rankings import ALL, long_ranking, ranking, split_ranking


def _parsed(shown: Ranking) -> ElementTree.Element:
    """The markup, read by an XML parser: stricter than any browser."""
    return ElementTree.fromstring(shown._repr_html_())


def _text(element: ElementTree.Element) -> str:
    return "".join(element.itertext())


def _rows(shown: Ranking) -> list[list[str]]:
    rows = _parsed(shown).iterfind(".//tbody/tr")
    return [[_text(cell) for cell in row] for row in rows]


def _bars(shown: Ranking) -> list[float]:
    bars = _parsed(shown).iterfind(".//tbody//span[@class='bar']")
    widths = [re.fullmatch(r"width:([\d.]+)%", bar.attrib["style"]) for bar in bars]
    return [float(width[1]) for width in widths if width]


def _notes(shown: Ranking) -> list[str]:
    return [_text(note) for note in _parsed(shown).iterfind(".//p[@class='note']")]


def test_a_row_is_rank_before_and_now_score_and_text() -> None:
    shown = ranking((2, 0.97, "third"), (1, 0.5, "second"), (0, 0.00001234, "first"))
    assert _rows(shown) == [
        ["3 → 1 ▲", "0.9700", "third"],
        ["2 → 2 =", "0.5000", "second"],
        ["1 → 3 ▼", "1.2e-05", "first"],
    ]
    assert [_text(head) for head in _parsed(shown).iterfind(".//thead/tr/th")] == [
        "rank",
        "score",
        "text",
    ]


def test_model_and_usage_are_below() -> None:
    assert _notes(ranking((0, 0.5, "a"))) == ["model bge-reranker-v2 · 1 request · 1,234 tokens"]
    usage = Usage(requests=3, retries=1, search_units=7)
    assert _notes(ranking((0, 0.5, "a"), usage=usage)) == [
        "model bge-reranker-v2 · 3 requests · 1 retry · 7 search units"
    ]
    usage = Usage(requests=1, total_tokens=1, search_units=1)
    assert _notes(ranking((0, 0.5, "a"), usage=usage)) == [
        "model bge-reranker-v2 · 1 request · 1 token · 1 search unit"
    ]
    usage = Usage(requests=1, documents_cached=9, total_tokens=40, tokens_estimated=True, cost=2e-6)
    assert _notes(ranking((0, 0.5, "a"), usage=usage)) == [
        "model bge-reranker-v2 · 1 request · 9 scores from the cache · about 40 tokens · $0.0000020"
    ]


def test_scores_between_0_and_1_are_drawn_as_they_are() -> None:
    assert _bars(ranking((0, 1.0, "a"), (1, 0.25, "b"), (2, 0.0, "c"))) == [100, 25, 0]
    assert _bars(ranking((0, 0.5, "a"), (1, 0.4, "b"))) == [50, 40]


def test_other_scores_are_drawn_over_their_range() -> None:
    shown = ranking((0, 6.0, "a"), (1, 0.0, "b"), (2, -2.0, "c"))
    assert _bars(shown) == [100, 25, 0]
    assert _notes(shown)[-1].endswith(" · bars from -2 to 6")
    assert _bars(ranking((0, -3.0, "a"), (1, -3.0, "b"))) == [100, 100]
    # The ends of what a float can hold.
    assert _bars(ranking((0, 1.7e308, "a"), (1, 0.0, "b"), (2, -1.7e308, "c"))) == [100, 50, 0]


def test_a_long_ranking_is_cut_but_its_bars_know_the_rest() -> None:
    shown = long_ranking(1_030)
    assert len(_rows(shown)) == 20
    assert _notes(shown)[0] == "… and 1,010 more"
    assert len(_rows(long_ranking(20))) == 20
    assert not any("more" in note for note in _notes(long_ranking(20)))
    rows = [(i, 10.0 - i, "text") for i in range(31)]
    assert _bars(ranking(*rows))[0] == 100
    assert _bars(ranking(*rows))[10] == pytest.approx(66.7)


def test_degraded_is_said_and_nothing_is_drawn() -> None:
    shown = ranking(
        (0, None, "a"), (1, None, "b"), usage=Usage(), degraded="<503> \x00" + "x" * 300
    )
    warning = _parsed(shown).find(".//p[@class='degraded']")
    assert warning is not None
    none = "\N{EN DASH}"
    assert _text(warning).startswith("Degraded: the service could not score these documents")
    assert "without scores. <503> " in _text(warning)
    assert len(_text(warning)) < 350
    assert _rows(shown) == [["1 → 1 =", none, "a"], ["2 → 2 =", none, "b"]]
    assert _bars(shown) == []
    assert _parsed(ranking((0, 0.5, "a"))).find(".//p[@class='degraded']") is None


def test_an_empty_ranking_says_so() -> None:
    shown = ranking(usage=Usage())
    assert _notes(shown) == ["No documents.", "model bge-reranker-v2 · 0 requests"]
    assert _parsed(shown).find(".//table") is None


def test_texts_are_shortened() -> None:
    ((*_, text),) = _rows(ranking((0, 0.5, "word " * 1_000)))
    assert text == "word " * 39 + "word…"
    ((*_, text),) = _rows(ranking((0, 0.5, "x" * 200)))
    assert text == "x" * 200
    ((*_, text),) = _rows(ranking((0, 0.5, " two\n\n lines\t")))
    assert text == "two lines"
    ((*_, text),) = _rows(ranking((0, 0.5, "a" + " " * 5_000 + "b")))
    assert text == "a…"


@given(st.text(st.characters(codec=None), max_size=300), st.text(max_size=30))
def test_any_text_stays_a_text(text: str, model: str) -> None:
    """Markup, quotes, control and half characters, in documents and in what a server says."""
    shown = Ranking(ranking((0, 0.5, text)).results, model)
    ((*_, cell),) = _rows(shown)
    words = " ".join(text.split())
    assert len(cell) == min(len(words), 200)
    for shown_as, char in zip(cell[:199], words, strict=False):
        assert shown_as == char or (shown_as == "�" and not char.isprintable())
    assert len(_notes(shown)[-1].splitlines()) == 1  # whatever the model is called
    html = shown._repr_html_()
    html.encode()  # a notebook sends it as UTF-8
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", html)
    assert {element.tag for element in _parsed(shown).iter()} <= {
        "div", "style", "table", "thead", "tbody", "tr", "th", "td", "span", "strong", "p", "mark",
    }  # fmt: skip


def test_there_is_no_script_and_nothing_to_load() -> None:
    for shown in ALL:
        root = _parsed(shown)
        assert {name for element in root.iter() for name in element.attrib} <= {
            "class",
            "style",
            "scope",
            "dir",
            "aria-hidden",
        }
        style = root.findtext("style") or ""
        assert "url(" not in style
        assert "@import" not in style


def test_the_style_reaches_only_the_ranking() -> None:
    style = _parsed(ALL[0]).findtext("style") or ""
    selectors = re.findall(r"([^{}]+)\{", style)
    assert len(selectors) > 5
    for selector in ",".join(selectors).split(","):
        assert selector.strip().startswith(".assisters-ranking "), selector


def test_mathjax_is_kept_away() -> None:
    """Jupyter would set "$5 and $10" as a formula."""
    assert {"tex2jax_ignore", "mathjax_ignore"} <= set(_parsed(ALL[0]).attrib["class"].split())


def test_calls_do_not_pay_for_it() -> None:
    program = """
import sys
import assisters_rerank
assert "assisters_rerank.notebook" not in sys.modules
assisters_rerank.Ranking((), "m")._repr_html_()
assert "assisters_rerank.notebook" in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_of_a_long_document_the_passage_is_shown_that_the_score_belongs_to() -> None:
    text = "This page is about something else. " * 60 + "Cats eat fish."
    start = text.index("Cats")
    ranked = RankedDocument(0, 0.9, Document(text, text), Passage(start, len(text)))
    ((*_, shown),) = _rows(Ranking((ranked,), "m"))
    assert shown == "… Cats eat fish."


TEXT = "One is here. Two is there. Three is gone. Four is back. Five is last."
PASSAGES = [(0, 12, 0.1), (13, 26, 0.9), (27, 41, 0.2), (42, 55, 0.8), (56, 69, 0.7)]


def _marks(shown: Ranking) -> list[tuple[str, int]]:
    """What is marked, and how deep in percent."""
    marks = _parsed(shown).iterfind(".//mark")
    return [(_text(mark), int(re.findall(r"(\d+)%", mark.attrib["style"])[0])) for mark in marks]


def test_the_best_passages_are_marked_in_the_text_the_better_the_deeper() -> None:
    shown = split_ranking(TEXT, *PASSAGES)
    ((*_, text),) = _rows(shown)
    assert text == ("… 0.9000 Two is there. … 0.8000 Four is back. 0.7000 Five is last.")
    assert _marks(shown) == [
        ("0.9000 Two is there.", 28),
        ("0.8000 Four is back.", 25),
        ("0.7000 Five is last.", 23),
    ]


def test_only_what_reaches_the_prompt_is_shown_of_a_document_that_was_cut_off() -> None:
    shown = split_ranking(TEXT, *PASSAGES, end=26)
    ((*_, text),) = _rows(shown)
    assert text == "0.1000 One is here. 0.9000 Two is there."
    whole = RankedDocument(0, 0.9, Document(TEXT, TEXT), context_end=12)
    ((*_, text),) = _rows(Ranking((whole,), "m", context_tokens=1_234))
    assert text == "One is here."
    assert _notes(Ranking((whole,), "m", context_tokens=1_234))[-1].endswith(
        " · 1,234 tokens of context"
    )


def test_neighbours_that_overlap_are_shown_once_and_long_ones_shortened() -> None:
    shown = split_ranking("one two three", (0, 7, 0.5), (4, 13, 0.25))
    assert [text for text, _ in _marks(shown)] == ["0.5000 one two", "0.2500 three"]
    shown = split_ranking("word " * 200, (0, 499, 0.5), (500, 999, 0.25))
    assert [len(text) for text, _ in _marks(shown)] == [207, 207]  # score, space, 200


def test_passages_of_logits_are_marked_within_the_range() -> None:
    shown = split_ranking("a b", (0, 1, -3.0), (2, 3, -9.0))
    assert [depth for _, depth in _marks(shown)] == [30, 30]  # one document has no range
    results = shown.results + ranking((1, -5.0, "c")).results
    assert [depth for _, depth in _marks(Ranking(results, "m"))] == [30, 6]


@given(st.text(st.characters(codec=None), min_size=1, max_size=60), st.data())
def test_marks_in_any_text_are_well_formed_and_hold_the_passages(
    text: str, data: st.DataObject
) -> None:
    ends = sorted(data.draw(st.sets(st.integers(0, len(text)), min_size=2, max_size=8)))
    spans = [
        (start, end, data.draw(st.floats(allow_nan=False)))
        for start, end in zip(ends[::2], ends[1::2], strict=False)
    ]
    shown = split_ranking(text, *spans)
    marks = _parsed(shown).findall(".//mark")
    assert len(marks) == min(3, len(spans))
    passages = [for_html(on_one_line(text[start:end], 200)) for start, end, _ in spans]
    for mark in marks:
        number = mark.findtext("span")
        assert (number is None) == (len(marks) == 1)
        assert _text(mark).removeprefix(f"{number} ") in passages
