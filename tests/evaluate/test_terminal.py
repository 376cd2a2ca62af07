"""An evaluation on terminals of several widths and abilities."""

from __future__ import annotations

import io
import re
from dataclasses import replace

import pytest
from rich.cells import cell_len
from rich.console import Console

from assisters_rerank.evaluate.report.terminal import show
from assisters_rerank.evaluate.results import Evaluation, Figure

from .evaluations import (
    ALL,
    BGE,
    HOSTILE_TEXTS,
    LOCAL,
    NOTHING,
    ONE_MODEL,
    ONE_QUERY,
    STOPPED,
    TWO_MODELS,
    UNKNOWN,
    WORSE,
)


def _shown(
    evaluation: Evaluation,
    width: int = 80,
    encoding: str = "utf-8",
    *,
    terminal: bool = False,
    environment: dict[str, str] | None = None,
) -> str:
    # Strict, as stdout is: what the encoding cannot say would end the command.
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="strict", newline="")
    show(
        evaluation,
        Console(
            file=file,
            width=width,
            force_terminal=terminal,
            _environ={"TERM": "xterm", **(environment or {})},
        ),
    )
    file.seek(0)
    return file.read()


def _lines(evaluation: Evaluation, width: int = 80) -> list[str]:
    return [" ".join(line.split()) for line in _shown(evaluation, width).splitlines()]


def _words(evaluation: Evaluation) -> str:
    return " ".join(_lines(evaluation))


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "cp1252"])
@pytest.mark.parametrize("width", [20, 40, 60, 80, 250])
def test_every_line_fits(name: str, encoding: str, width: int) -> None:
    lines = _shown(ALL[name], width, encoding).splitlines()
    assert max(map(cell_len, lines)) <= min(width, 100)


@pytest.mark.parametrize("width", [60, 80])
def test_a_row_of_measures_stands_on_one_line(width: int) -> None:
    lines = _lines(TWO_MODELS, width)
    oracle = "0.921 " if width == 80 else ""
    assert f"nDCG@10 0.679 0.712 {oracle}+0.033 +0.012, +0.054 <0.001 better" in lines
    assert f"nDCG@10 0.679 0.627 {oracle}-0.052 -0.082, -0.022 <0.001 worse" in lines
    assert f"Recall@100 0.921 0.921 {oracle}+0.000 +0.000, +0.000 1.000 same" in lines
    assert "* 70 0.712 216 322 30 $0.86" in lines
    assert "nDCG@10 by query: 92 improved, 41 worsened, 167 unchanged" in lines
    assert "nDCG@10 0.542 0.712" in lines
    assert "ms with 50 candidates 150 160 (30 calls)" in lines


def test_no_figure_is_cut_on_a_narrow_terminal() -> None:
    words = " ".join(_lines(TWO_MODELS, 40))
    row = "first 0.679; model 0.712; gain +0.033; 95 % interval +0.012, +0.054; p <0.001"
    assert f"measure nDCG@10: {row}; verdict better" in words
    assert "candidates 0: nDCG@10 0.679 candidates 10: nDCG@10 0.692; p50 ms 48;" in words
    assert "candidates * 70: nDCG@10 0.712; p50 ms 216; p95 ms 322; calls 30;" in words


def test_published_figures_are_named_as_what_they_are() -> None:
    assert "Published on BEIR: comparable only where the same model ran" in _words(ONE_MODEL)
    assert "ublished" not in _words(UNKNOWN)


def test_an_interval_with_zero_in_it_is_not_clear() -> None:
    words = _words(STOPPED)
    assert "nDCG@10 0.679 0.699 0.921 +0.020 -0.030, +0.070 0.420 unclear" in words
    assert "Is it better? Not clear" in words
    assert "includes zero: it may be chance; p = 0.420; but 12 queries are few" in words


def test_one_query_proves_nothing_whatever_its_interval() -> None:
    words = _words(ONE_QUERY)
    assert "+0.300 +0.300, +0.300 <0.001 too few" in words
    assert "Is it better? Too few to tell" in words
    assert "The values of 1 query differ; a verdict needs 10" in words


def test_what_stands_behind_the_figures_is_said() -> None:
    words = _words(LOCAL)
    for fact in (
        "24 queries of 300 without a relevant candidate: no reranker can help there.",
        "judged@10: 0.120 of the first stage's first ten documents have a judgement, 0.090 of the "
        "model's. What nobody judged counts as wrong, so the model may be better than measured.",
        "1,058 of 30,000 pairs longer than the model's window: it did not read their ends.",
        "1 warm-up call left out of latencies.",
        "Relevant: a grade of 2 or more.",
        "Dollars are at the service's prices; what this run took stands below.",
        "$0.86 For 1,000 queries with 70 candidates, at the service's prices; 216 ms per call "
        "(median; 95th percentile 322 ms; 30 calls)",
        "Took: $0.00",
    ):
        assert fact in words
    assert "service's prices" not in _words(ONE_MODEL)


def test_why_it_stopped_is_the_last_thing_said() -> None:
    last = " ".join(_words(STOPPED).split("Stopped early:")[1].split())
    assert last == f"{STOPPED.stopped}. The figures are of the queries that all models have done."
    assert "Stopped" not in _words(ONE_MODEL)
    assert "Is it better? Not measured" in _words(NOTHING)


def test_unknown_price_and_latency_are_said() -> None:
    words = _words(UNKNOWN)
    assert "No latency was measured: the scores came from the cache." in words
    assert "The model's price is unknown." in words
    assert "Took: price unknown, 301 requests" in words
    assert "$" not in words.replace("$ per 1,000 queries", "")


@pytest.mark.parametrize("place", [0, 3, 17, 40])
def test_at_most_a_dozen_thresholds_with_both_ends_and_the_chosen_one(place: int) -> None:
    chosen = BGE.thresholds[place].score
    shown = _shown(replace(ONE_MODEL, models=(replace(BGE, threshold_for_precision=chosen),)))
    table = shown.split("documents kept")[1].split("*: ")[0]
    rows = [line.replace("*", " ").split()[0] for line in table.splitlines() if line.strip()]
    assert len(rows) <= 12
    assert {"0", "1", f"{chosen:.5g}"} <= set(rows)
    assert re.search(rf"\* {chosen:.5g} ", table)


def test_a_precision_out_of_reach_is_said() -> None:
    words = _words(TWO_MODELS)
    assert "No threshold holds for precision 0.700." in words
    assert (
        "Which threshold? None that holds The nearest is 8. For precision 0.700; it rests on 12 "
        "documents of 11 queries. Chosen on one half of the queries, on the other precision 0.574 "
        "(0.400 to 0.700), recall 0.020"
    ) in words
    assert "0.75 For precision 0.700; it rests on 324 documents of 201 queries" in words


def test_no_depth_is_named_where_the_gain_is_not_clear() -> None:
    words = _words(STOPPED)
    assert (
        "How many candidates? None that holds On these queries 30 candidates give 96 % of the best "
        "gain; chosen on one half of the queries, the gain on the other is +0.004 (-0.020 to "
        "+0.030). It may be chance"
    ) in words
    assert "* 30" not in words
    assert "*: the fewest" not in words


def test_texts_command_neither_rich_nor_the_terminal() -> None:
    shown = _shown(HOSTILE_TEXTS, terminal=True, environment={"NO_COLOR": "1"})
    words = " ".join(re.sub("\x1b[^m]*m", "", shown).split())
    assert "[bold]not markup[/bold]" in words
    # What is left of escapes are rich's own for bold and dim.
    assert set(re.findall("\x1b[^m]*m", shown)) <= {"\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[1;2m"}
    assert not set("\x07\u202e\ud800") & set(shown)


def test_names_with_colons_are_no_emoji() -> None:
    name = "hub:key:8b"
    models = tuple(replace(model, model=name) for model in TWO_MODELS.models)
    shown = " ".join(_shown(replace(TWO_MODELS, models=models), 80, "ascii").split())
    assert f"{name} - {name} #2 " in shown


@pytest.mark.parametrize("name", ALL)
def test_ascii_is_plain_and_says_the_same(name: str) -> None:
    shown = _shown(ALL[name], 80, "ascii")
    assert shown.isascii()
    assert (
        "?"
        in shown.replace("better?", "")
        .replace("model?", "")
        .replace("that?", "")
        .replace("candidates?", "")
        .replace("threshold?", "")
        .replace("cost?", "")
    ) is (name == "hostile")


def test_nothing_is_said_by_colour_alone() -> None:
    colours = _shown(TWO_MODELS, terminal=True)
    assert re.search("\x1b\\[[0-9;]*3[12]m", colours)
    assert re.sub("\x1b\\[[0-9;]*m", "", colours) == _shown(TWO_MODELS)


SAME = Figure(0.712, 0.0, 0.0, 0.0)
CLOSE = Figure(0.712, 0.004, -0.01, 0.018, 0.4, 0.4, 60)


@pytest.mark.parametrize(
    ("difference", "said"),
    [
        (SAME, "Which model? The same bge-reranker-v2 and jina-reranker have the same nDCG@10 on "),
        (CLOSE, "above jina-reranker (by the 95 % interval at most 0.018 below)."),
        (replace(CLOSE, low=0.001, p_corrected=0.01), "Its nDCG@10 is above that of every other"),
    ],
)
def test_which_model_is_no_more_certain_than_the_pairs(difference: Figure, said: str) -> None:
    pair = replace(TWO_MODELS.pairs[0], difference=difference)
    assert said in _words(replace(TWO_MODELS, pairs=(pair,)))


def test_a_precision_is_said_to_rest_on_its_interval() -> None:
    none = replace(ONE_MODEL, models=(replace(BGE, chosen_threshold=None),))
    wanted = "has precision 0.700 by the lower end of its one-sided 95 % interval"
    assert f"None that holds No score {wanted}, on documents of 20 queries" in _words(none)
    assert f"*: 0.75 is the lowest that {wanted}" in _words(ONE_MODEL)


def test_one_model_with_two_settings_is_told_apart() -> None:
    models = (BGE, replace(WORSE, model=BGE.model), BGE)
    pairs = tuple(replace(TWO_MODELS.pairs[0], model=BGE.model, other=BGE.model) for _ in "abc")
    words = " ".join(_lines(replace(TWO_MODELS, models=models, pairs=pairs), 100))
    for label in (
        "Summary: bge-reranker-v2 ─",
        "Summary: bge-reranker-v2 #2 (answered by jina-reranker-v2-base-multilingual)",
        "Summary: bge-reranker-v2 #3 ─",
        "bge-reranker-v2 - bge-reranker-v2 #2 +",
        "bge-reranker-v2 #2 - bge-reranker-v2 #3 +",
    ):
        assert label in words
