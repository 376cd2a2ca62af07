"""The exit codes of `eval`: a gate, what it refuses before any request, and a run that failed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from assisters_rerank.local import LocalServer

from .command import run_here
from .conftest import LastNumber
from .judged import write_collection

pytestmark = pytest.mark.slow


class Failing(LastNumber):
    """Cannot score one query."""

    def score(self, query: str, documents: Sequence[str]) -> list[float]:
        if query.endswith("7"):
            raise RuntimeError("out of memory")
        return super().score(query, documents)


@pytest.fixture
def baseline(folder: Path, server: LocalServer) -> Path:
    """The report of a run before, in the current folder, with the collection `c`."""
    write_collection(folder / "c")
    assert run_here("eval", "c", "--no-cache", "--json", "before.json").returncode == 0
    server.requests.clear()
    return folder / "before.json"


def change(file: Path, by: float) -> None:
    report = json.loads(file.read_text())
    for values in report["models"][0]["values"].values():
        values.update({query: value + by for query, value in values.items()})
    file.write_text(json.dumps(report))


@pytest.mark.parametrize("measure", [[], ["--gate-measure", "P@5"], ["--gate-measure", "MAP"]])
def test_a_run_like_before_passes_and_a_lower_one_exits_1(
    baseline: Path, measure: list[str]
) -> None:
    options = ["c", "--no-cache", "--measure", "P@5"]
    assert run_here("eval", *options, "--json", str(baseline)).returncode == 0
    gate = ["--gate", "before.json", *measure, "--json", "now.json", "--html", "now.html"]
    done = run_here("eval", *options, *gate)
    assert (done.returncode, "passed: not one query" in " ".join(done.stdout.split())) == (0, True)
    change(baseline, 0.5)
    done = run_here("eval", *options, *gate)
    assert done.returncode == 1
    assert "not passed: significantly below" in " ".join(done.stdout.split())
    (found,) = json.loads(Path("now.json").read_text())["gates"]
    assert (found["passed"], found["queries"]) == (False, 12)
    assert "Against the baseline" in Path("now.html").read_text()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--gate", "none.json"], "none.json: No such file or directory; make the baseline anew"),
        (["--gate", "c"], "Is a directory"),
        (["--gate", "c/corpus.jsonl"], "not valid JSON"),
        (["--gate", "before.json", "--gate-measure", "ERR@5"], "has no ERR@5 of single queries"),
        (["--gate", "before.json", "-m", "a", "-m", "b"], "has no further model a"),
        (["--gate", "before.json", "--json", "before.json"], "name the same file"),
        (["--gate-measure", "MAP"], "give --gate, too"),
    ],
)
def test_what_cannot_be_compared_is_refused_before_any_request(
    baseline: Path, server: LocalServer, options: list[str], said: str
) -> None:
    done = run_here("eval", "c", "--no-cache", *options)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert said in line
    assert server.requests == []


def test_another_collections_baseline_is_refused(baseline: Path, server: LocalServer) -> None:
    write_collection(baseline.parent / "d")
    done = run_here("eval", "d", "--no-cache", "--gate", "before.json")
    assert done.returncode == 2
    assert "the baseline is of 'c' and not of 'd'" in done.stderr
    assert server.requests == []


def test_a_run_that_a_failure_ends_exits_3_with_its_report(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_collection(folder / "c")
    with LocalServer(scorer=Failing()) as server:
        monkeypatch.setenv("ASSISTERS_BASE_URL", server.base_url)
        options = ["--no-cache", "--max-retries", "0", "--json", "r.json"]
        done = run_here("eval", "c", *options)
    assert done.returncode == 3
    assert "Stopped early: bge-reranker-v2 after 7 of 12 queries" in " ".join(done.stdout.split())
    assert json.loads((folder / "r.json").read_text())["failed"] is True
