"""The page of an evaluation without a browser: well-formed, harmless, and right in what it says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from html.parser import HTMLParser
from typing import Any
from xml.etree.ElementTree import Element, TreeBuilder

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import UndefinedError

from assisters_rerank import Usage
from assisters_rerank.evaluate.report import page as module
from assisters_rerank.evaluate.report.page import to_html
from assisters_rerank.evaluate.report.scales import scale
from assisters_rerank.evaluate.results import Evaluation

from .evaluations import (
    ALL,
    BGE,
    FIRST,
    GATED,
    HOSTILE_TEXTS,
    LOCAL,
    ONE_MODEL,
    ONE_QUERY,
    STOPPED,
    TWO_MODELS,
    UNKNOWN,
)

_VOID = {"meta"}


class _Strict(HTMLParser):
    """Reads what a browser would, and forgives nothing: every element closed, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.builder = TreeBuilder()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs)
        self.builder.start(tag, {name: value or "" for name, value in attrs})
        if tag in _VOID:
            self.builder.end(tag)
        else:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        self.builder.end(tag)

    def handle_data(self, data: str) -> None:
        if self.open:
            self.builder.data(data)


def _parsed(text: str) -> Element:
    parser = _Strict()
    parser.feed(text)
    parser.close()
    assert parser.open == []
    return parser.builder.close()


def _page(evaluation: Evaluation) -> Element:
    return _parsed(to_html(evaluation))


def _text(element: Element) -> str:
    return " ".join("".join(element.itertext()).split())


def _answers(evaluation: Evaluation) -> list[list[str]]:
    shorts = ".//span[@class]"
    return [
        [_text(dd.findall(shorts)[0]) for dd in card.iter("dd")]
        for card in _page(evaluation).iter("section")
    ]


@pytest.mark.parametrize("name", ALL)
def test_the_page_is_well_formed_and_loads_nothing(name: str) -> None:
    written = to_html(ALL[name])
    written.encode("utf-8")
    page = _parsed(written)
    found = {element.tag for element in page.iter()}
    assert not found & {"script", "link", "img", "iframe", "object", "a", "form", "base"}
    names = {attribute for element in page.iter() for attribute in element.attrib}
    assert not {each for each in names if each.startswith("on")} | names & {"src", "href", "style"}
    style = page.find(".//style")
    assert style is not None
    assert "url(" not in _text(style)
    assert "@import" not in _text(style)
    assert "nan" not in " ".join(v for e in page.iter() for v in e.attrib.values()).split()


@pytest.mark.parametrize("name", ALL)
def test_what_is_drawn_is_also_said_and_every_table_has_heads(name: str) -> None:
    page = _page(ALL[name])
    assert page.attrib["lang"] == "en"
    assert len(list(page.iter("h1"))) == 1
    for drawing in page.iter("svg"):
        title = drawing.find("title")
        assert drawing.get("aria-hidden") == "true" or (title is not None and _text(title))
    for table in page.iter("table"):
        assert table.find("caption") is not None
        heads = table.findall("thead/tr/th")
        assert {head.get("scope") for head in heads} == {"col"}
        rows = table.findall("tbody/tr")
        assert rows
        assert {len(row) for row in rows} == {len(heads)}
        assert {row[0].get("scope") for row in rows} == {"row"}


def test_the_five_answers_stand_first() -> None:
    assert _answers(TWO_MODELS) == [
        ["▲ Better", "+0.012 to +0.054", "70", "0.75", "$0.86"],
        ["▼ Worse", "-0.082 to -0.022", "None", "None that holds", "$1.23"],
    ]
    assert _answers(STOPPED)[0][0] == "≈ Not clear"
    assert _answers(ONE_QUERY)[0][0] == "≈ Too few to tell"
    assert _answers(UNKNOWN)[0][3:] == ["0.65", "Price unknown"]


def test_a_stop_and_unknowns_are_said() -> None:
    assert f"Stopped early: {STOPPED.stopped}." in _text(_page(STOPPED))
    said = _text(_page(UNKNOWN))
    assert "No latency was measured" in said
    assert "no price is known" in said


def test_what_stands_behind_the_figures_is_said() -> None:
    said = _text(_page(LOCAL))
    for fact in (
        "24 queries of 300 without a relevant candidate",
        "bge-reranker-v2: judged@10: 0.120 of the first stage's first ten",
        "bge-reranker-v2: 1,058 of 30,000 pairs longer than the model's window",
        "bge-reranker-v2: 1 warm-up call left out of latencies",
        "Latency of a call, ms (30 calls a point)",
        "Dollars per 1,000 queries, at the service's prices",
        "ms with 50 candidates150160 (30 calls)",
    ):
        assert fact in said
    heads = [_text(row) for row in _page(LOCAL).iterfind(".//details//thead/tr")]
    assert "Candidates nDCG@10 p50 ms, calls p95 ms $ per 1,000 queries".replace(" ", "") in [
        head.replace(" ", "") for head in heads
    ]


def test_each_two_models_are_compared() -> None:
    said = _text(_page(TWO_MODELS))
    assert "Which model? bge-reranker-v2: Its nDCG@10 is above that of every other model." in said
    assert "+0.085 better +0.050 to +0.120 p < 0.001" in said
    assert "corrected for 1 pair (Holm)" in said
    assert "Which model?" not in _text(_page(ONE_MODEL))


def test_an_axis_of_nothing_begins_at_nothing() -> None:
    axis = scale([0.0, 0.0], 0, 1)
    assert axis.low == 0
    assert all(value >= 0 for value, _ in axis.ticks)


def test_a_plot_has_the_first_stage_the_oracle_and_every_depth() -> None:
    figure = next(_page(ONE_MODEL).iter("figure"))
    legend = figure.find("ul")
    assert legend is not None
    assert [_text(entry) for entry in legend] == ["bge-reranker-v2", "BM25", "oracle"]
    drawing = figure.find("svg")
    assert drawing is not None
    line = drawing.find("g/polyline")
    assert line is not None
    places = [tuple(map(float, point.split(","))) for point in line.attrib["points"].split()]
    assert len(places) == 11
    first, oracle = (
        float(drawing.findall(f"line[@class='level {kind}']")[0].attrib["y1"])
        for kind in ("first", "oracle")
    )
    # It begins at the first stage, rises from there, and stays below the oracle: up is less.
    assert places[0][1] == pytest.approx(first, abs=0.06)
    heights = [y for _, y in places]
    assert heights == sorted(heights, reverse=True)
    assert oracle < heights[-1] < first


def test_relevant_documents_are_marked_in_words() -> None:
    items = [_text(item) for item in _page(ONE_MODEL).iterfind(".//div[@class='sides']//li")]
    assert len(items) == 4 * 6
    assert all(
        ("✓ relevant" in item) is (f"-doc-{n}" in item)
        for item in items
        for n in [1 if "-doc-1" in item else 3]
    )


def test_texts_stay_texts() -> None:
    said = _text(_page(HOSTILE_TEXTS))
    assert "\"'>{{ 7 * 7 }}{% raw %}<script>console.error('ran')</script><img src=https:" in said
    assert not set("\x1b\x07\u202e\ud800") & set(said)


def _saying(value: Any, text: str) -> Any:
    """The same with this text for every text in it, and before all names but those of measures."""
    if isinstance(value, str):
        return text
    if isinstance(value, Mapping):
        kept = {name: "" if name in FIRST or name.startswith("ms@") else text for name in value}
        return {kept[name] + name: _saying(part, text) for name, part in value.items()}
    if isinstance(value, tuple | list):
        return tuple(_saying(part, text) for part in value)
    if not is_dataclass(value) or isinstance(value, type | Usage):
        return value
    parts = {field.name: getattr(value, field.name) for field in fields(value)}
    return replace(value, **{name: _saying(part, text) for name, part in parts.items()})


_SHORT = replace(BGE, changes=BGE.changes[:2], depths=BGE.depths[:2], thresholds=BGE.thresholds[:2])
_EVERY_PART = replace(
    GATED, models=(_SHORT, replace(_SHORT, answered_by="another")), stopped="stopped"
)


def _shape(text: str) -> list[tuple[str, list[str]]]:
    """The page's elements, each with the names of its attributes."""
    written = to_html(_saying(_EVERY_PART, text))
    written.encode("utf-8")
    return [(element.tag, sorted(element.attrib)) for element in _parsed(written).iter()]


PLAIN = _shape("plain")
HOSTILE_KINDS = {
    "a script": "</title></style><script>alert(1)</script>",
    "quotes": '" onmouseover="alert(1)" x=\'y\' `z`',
    "entities": "&lt;b&gt; &amp;quot; &#60;",
    "a template": "{{ evaluation }}{% include 'page.html' %}{# #}${x}%s{0}",
    "lines": "one\r\ntwo\u2028three\u0085\x0b\x0c",
    "right to left": "\u202e\u2067\u05d0\u05d1\u200f",
    "controls": "\x00\x1b[31m\x7f\x9b\ufffe\uffff",
    "half a character": "\ud800\udc00 \udfff",
    "comments and CDATA": "<!-- --> ]]> <![CDATA[ <?php ?>",
    "no blank": "<b>" * 5_000,
}


@pytest.mark.parametrize("kind", HOSTILE_KINDS)
def test_no_text_becomes_markup_wherever_it_stands(kind: str) -> None:
    assert _shape("a" + HOSTILE_KINDS[kind]) == PLAIN


@settings(max_examples=20, deadline=None)
@given(st.text(st.characters(exclude_categories=()), max_size=60))
def test_no_text_at_all_becomes_markup(text: str) -> None:
    assert _shape(f"a{text}") == PLAIN


def test_a_name_that_a_template_misspells_is_an_error() -> None:
    with pytest.raises(UndefinedError, match="evaluatoin"):
        module._TEMPLATES.from_string("{{ evaluatoin }}").render()


finite = st.floats(-1e12, 1e12)


@given(st.lists(finite, min_size=1, max_size=5), st.integers(2, 8), st.booleans())
def test_an_axis_holds_its_values_and_its_ticks_rise(
    values: list[float], ticks: int, tight: bool
) -> None:
    axis = scale(values, 0.0, 100.0, ticks=ticks, tight=tight)
    assert all(-0.01 <= axis(value) <= 100.01 for value in values)
    places = [axis(value) for value, _ in axis.ticks]
    assert places == sorted(places)
    assert len(places) <= ticks + 2


def test_ticks_are_round() -> None:
    assert [text for _, text in scale([0.679, 0.921], 0, 1).ticks] == [
        "0.6",
        "0.7",
        "0.8",
        "0.9",
        "1.0",
    ]
    assert [text for _, text in scale([-12, 12], 0, 1, ticks=6).ticks] == [
        "-15",
        "-10",
        "-5",
        "0",
        "5",
        "10",
        "15",
    ]
    assert re.fullmatch(r"-?[\d.,]+", scale([0.5], 0, 1).ticks[0][1])


def test_gates_notes_and_queries_left_out_are_told() -> None:
    page = _page(GATED)
    said = _text(page)
    assert "bge-reranker-v2 against bge-reranker-v2 in baseline.json: not passed: signif" in said
    assert "passed: the values of too few queries differ to tell (7; a verdict needs 10)" in said
    assert "2 queries left out, which cannot be asked" in said
    (failed,) = page.iterfind(".//li[@class='failed']")
    assert "bge-reranker-v2 in baseline.json: not passed" in _text(failed)
    assert "Queries left out (2), and why" in said
    assert "q17: query: it has 600 tokens, the window 512." in said


def test_one_model_with_two_settings_is_told_apart_everywhere() -> None:
    other = TWO_MODELS.models[1]
    again = replace(other, model=BGE.model, answered_by=None)
    page = _text(_page(replace(TWO_MODELS, models=(BGE, again))))
    answered = f" (answered by {other.answered_by})" if other.answered_by else ""
    expected = _text(_page(TWO_MODELS)).replace(other.model + answered, other.model)
    assert page == expected.replace(other.model, f"{BGE.model} #2")


def test_names_that_are_cut_to_the_same_are_told_apart() -> None:
    long = "a" * 70
    models = [replace(model, model=long + model.model) for model in TWO_MODELS.models]
    page = _text(_page(replace(GATED, models=tuple(models))))
    label = "a" * 59 + "…"
    assert f"{label} #2 against jina-reranker in baseline.json: passed" in page
    assert f"{label} {label} #2" in page  # one next to the other
