"""The whole of it over real collections: published BM25 figures, time and memory of the command."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import pytest

from assisters_rerank import Reranker
from assisters_rerank.evaluate import Collection, Evaluation, bm25, evaluate, read_beir
from assisters_rerank.evaluate.measures import mean, per_query
from assisters_rerank.local import LocalServer
from assisters_rerank.local.scorers.scorer import ScorerName

from ..local import beir, remembered
from ..peak_memory import took
from .test_evaluation import agree, read

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("evaluations"),
    pytest.mark.skipif(not beir.FOLDER.is_dir(), reason=f"needs the collections in {beir.FOLDER}"),
]

SCORERS: tuple[ScorerName, ...] = ("embedded", "lexical")

Evaluated = Callable[[str, ScorerName], tuple[Evaluation, Path]]
"""What was found with a collection and a scorer, and the folder with the exported runs."""


@cache
def collection(name: str) -> Collection:
    return read_beir(beir.FOLDER / f"{name}.tar.gz")


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> Evaluated:
    @cache
    def once(name: str, scorer: ScorerName) -> tuple[Evaluation, Path]:
        folder = tmp_path_factory.mktemp("runs")
        with (
            LocalServer(scorer=remembered.scorer(scorer)) as server,
            Reranker(base_url=server.base_url) as reranker,
        ):
            return evaluate(collection(name), reranker, export=folder), folder

    return once


def first_stage(name: str, depth: int) -> Mapping[str, float]:
    values = per_query(bm25(collection(name), depth), collection(name).qrels)
    return {measure: mean(by_query) for measure, by_query in values.items()}


def test_bm25_is_as_good_as_published() -> None:
    scifact = first_stage("scifact", 100)
    assert scifact["nDCG@10"] == pytest.approx(0.679, abs=0.01)
    assert 0.91 <= scifact["Recall@100"] <= 0.93
    # Over a thousand documents, as it is published; a hundred lose 0.024 of it.
    assert first_stage("vaswani", 1_000)["MAP"] == pytest.approx(0.29, abs=0.01)


@pytest.mark.parametrize("name", ["scifact", "vaswani"])
def test_the_figures_are_those_of_the_exported_runs(name: str, evaluated: Evaluated) -> None:
    found, runs = evaluated(name, "embedded")
    agree(found.first, read(runs / "first-stage.run"), collection(name))
    agree(found.models[0].figures, read(runs / "bge-reranker-v2.run"), collection(name))


def test_the_command_over_scifact_takes_less_than_three_minutes_and_400_megabytes(
    tmp_path: Path,
) -> None:
    report, page = tmp_path / "report.json", tmp_path / "report.html"
    folder = str(beir.FOLDER / "scifact.tar.gz")
    options = ["--local", "--json", str(report), "--html", str(page)]
    assert took(["eval", folder, *options], timeout=180).peak < 400
    found = json.loads(report.read_text())
    assert (found["documents"], found["queries"], found["stopped"]) == (5_183, 300, None)
    assert found["models"][0]["answered_by"] == "local-embedded"
    assert page.stat().st_size > 10_000


def rows(heading: str) -> dict[str, list[str]]:
    """The cells of the table under `Measured here` in docs/evaluation.md that has this column."""
    page = (Path(__file__).parents[2] / "docs" / "evaluation.md").read_text(encoding="utf-8")
    tables = page.split("## Measured here")[1].split("\n\n")
    (table,) = (text for text in tables if text.startswith("| collection") and heading in text)
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()[2:]]
    return {name.lower(): rest for name, *rest in cells}


def test_the_tables_of_the_guide_are_true(evaluated: Evaluated) -> None:
    order, whole = rows("oracle"), rows("Recall@100")
    assert order.keys() == whole.keys() == {"scifact", "vaswani", "cranfield"}
    for name in order:
        found = [evaluated(name, scorer)[0] for scorer in SCORERS]
        any_of_them = found[0]
        shown = [str(any_of_them.queries), f"{any_of_them.first['nDCG@10'].mean:.3f}"]
        maps = [f"{any_of_them.first['MAP'].mean:.3f}"]
        for evaluation in found:
            ndcg = evaluation.models[0].figures["nDCG@10"]
            shown.append(f"{ndcg.mean:.3f}")
            shown.append(f"{ndcg.gain:+.3f} ({ndcg.low:+.3f} to {ndcg.high:+.3f})")
            maps.append(f"{evaluation.models[0].figures['MAP'].mean:.3f}")
        assert order[name] == [*shown, f"{any_of_them.oracle['nDCG@10'].mean:.3f}"]
        recall = f"{any_of_them.first['Recall@100'].mean:.3f}"
        assert whole[name][:-1] == [f"{any_of_them.documents:,}", recall, *maps]
