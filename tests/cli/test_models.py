"""`assisters-rerank models`: the catalogue, for people and for programs."""

from __future__ import annotations

import json

import pytest

from assisters_rerank import CATALOGUE

from .command import run, run_here


@pytest.mark.parametrize("columns", [100, 160])
def test_every_model_is_one_line_with_its_figures(columns: int) -> None:
    done = run_here("models", columns=columns)
    assert (done.returncode, done.stderr) == (0, "")
    heading, *lines = done.stdout.splitlines()
    assert heading.split()[:2] == ["model", "tokens"]
    assert "ms at 10/50/100" in heading
    assert len(lines) == len(CATALOGUE)
    assert max(map(len, lines)) <= 100
    for line, model in zip(lines, CATALOGUE.values(), strict=True):
        assert line.startswith(model.id)
        for figure in (f"{model.max_tokens:,}", f"{model.dollars_per_million_tokens:.2f}"):
            assert f" {figure} " in line
    assert "50/150/300  short and medium documents" in lines[0]


@pytest.mark.parametrize("columns", [20, 40, 66, 80])
def test_a_narrow_terminal_loses_nothing(columns: int) -> None:
    lines = run_here("models", columns=columns).stdout.splitlines()
    assert max(map(len, lines)) <= columns
    words = " ".join(lines).split()
    for model in CATALOGUE.values():
        figures = (f"{model.max_tokens:,}", f"{model.dollars_per_million_tokens:.2f}")
        assert {model.id, *figures, *model.suited_to.split()} <= set(words)


def test_a_pipe_gets_one_line_a_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    assert len(run("models").stdout.splitlines()) == 1 + len(CATALOGUE)


def test_json_has_the_catalogue_s_fields() -> None:
    listed = [json.loads(line) for line in run_here("models", "--json").stdout.splitlines()]
    assert [model["id"] for model in listed] == list(CATALOGUE)
    assert listed[1]["max_tokens"] == 8192
    assert listed[1]["latency_ms"] == {"10": 80, "50": 250, "100": 500}
    assert all(model["suited_to"] for model in listed)
