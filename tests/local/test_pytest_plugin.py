"""The fixture for users' tests, in a pytest of its own."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

from .surroundings import environment_without_proxies, run_python

MODULE = "pytest_assisters"

USERS_TESTS = """
import os
import sys

from assisters_rerank import Reranker

seen = []
before = dict(os.environ)


def test_the_server_answers(assisters_server):
    with Reranker(base_url=assisters_server.base_url) as reranker:
        assert reranker.rerank("cat", ["a dog", "a cat"])[0].index == 1
    assert [request.query for request in assisters_server.requests] == ["cat"]
    seen.append(assisters_server)


def test_every_test_has_its_own(assisters_server):
    assert assisters_server is not seen[0]
    assert assisters_server.requests == []


def test_nothing_else_is_set(assisters_server, assisters_session_server):
    changed = set(before.items()) ^ set(os.environ.items())
    assert {name for name, _ in changed} <= {"PYTEST_CURRENT_TEST"}
    seen.append(assisters_session_server)


def test_the_run_has_one(assisters_session_server, assisters_server):
    assert assisters_session_server is seen[1]
    with Reranker(base_url=assisters_session_server.base_url) as reranker:
        reranker.rerank("cat", ["a cat"])
    assert len(assisters_session_server.requests) == 1
    assert assisters_server.requests == []
"""


def test_the_fixture(tmp_path: Path) -> None:
    (tmp_path / "test_users.py").write_text(USERS_TESTS, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", MODULE, "-p", "no:cacheprovider"],
        cwd=tmp_path,
        env=environment_without_proxies() | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 passed" in done.stdout


def test_pytest_finds_it_by_itself() -> None:
    (found,) = entry_points(group="pytest11", name="assisters_rerank")
    assert found.value == MODULE


def test_pytest_loads_nothing_of_ours_before_a_test_asks() -> None:
    printed = run_python(
        "import sys, pytest\n"
        "before = set(sys.modules)\n"
        f"import {MODULE}\n"
        "print(sorted(set(sys.modules) - before))\n"
    )
    assert printed == f"{[MODULE]}\n"


GATED = """
from dataclasses import replace

import pytest

from assisters_rerank.evaluate.report.json_report import from_json


@pytest.mark.parametrize("change", [0.0, -0.2, 0.2])
def test_gate(assisters_gate, change):
    evaluation = from_json(open("now.json").read())
    (model,) = evaluation.models
    values = {"nDCG@10": {q: v + change for q, v in model.values["nDCG@10"].items()}}
    evaluation = replace(evaluation, models=(replace(model, values=values),))
    compared = assisters_gate(evaluation, "baseline.json")
    assert len(compared.gates) == 1


def test_too_few(assisters_gate):
    evaluation = from_json(open("now.json").read())
    (model,) = evaluation.models
    values = {"nDCG@10": dict.fromkeys(["q0", "q1", "q2"], 0.1)}
    assisters_gate(replace(evaluation, models=(replace(model, values=values),)), "baseline.json")


def test_failed(assisters_gate):
    assisters_gate(replace(from_json(open("now.json").read()), failed=True), "baseline.json")


def test_other(assisters_gate):
    assisters_gate(replace(from_json(open("now.json").read()), collection="o"), "baseline.json")


def test_none(assisters_gate):
    assisters_gate(from_json(open("now.json").read()), "none.json")
"""


def test_the_gate(tmp_path: Path) -> None:
    from dataclasses import replace

    from assisters_rerank.evaluate.report.json_report import to_json
    from tests.evaluate.evaluations import BGE, ONE_MODEL

    values = {"nDCG@10": {f"q{number}": 0.5 for number in range(20)}}
    evaluation = replace(ONE_MODEL, models=(replace(BGE, values=values),))
    (tmp_path / "now.json").write_text(to_json(evaluation), encoding="utf-8")
    (tmp_path / "test_gated.py").write_text(GATED, encoding="utf-8")
    (tmp_path / "test_written.py").write_text(
        "def test_it(assisters_gate):\n"
        "    from assisters_rerank.evaluate.report.json_report import from_json\n"
        "    assisters_gate(from_json(open('now.json').read()), 'baseline.json')\n",
        encoding="utf-8",
    )

    def run(*options: str) -> str:
        return subprocess.run(
            [
                sys.executable,
                "-m",
                "pytest",
                "-q",
                "-p",
                MODULE,
                "-p",
                "no:cacheprovider",
                *options,
            ],
            cwd=tmp_path,
            env=environment_without_proxies() | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        ).stdout

    assert "1 passed" in run("--assisters-update-baseline", "test_written.py")
    said = run("test_gated.py")
    assert "4 failed, 3 passed" in said
    assert "not passed: significantly below the baseline; nDCG@10 -0.200" in said
    assert "UserWarning: bge-reranker-v2 against" in said
    assert "The evaluation ended early" in said
    assert "the baseline is of 'SciFact' and not of 'o'" in said
    assert "none.json: No such file or directory" in said
