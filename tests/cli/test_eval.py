"""`assisters-rerank eval`: what it writes, what it refuses, and how it goes on."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import threading
from collections import Counter
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import pytest

from assisters_rerank import Reranker, SqliteCache
from assisters_rerank.evaluate import Evaluation
from assisters_rerank.evaluate.report.json_report import from_json
from assisters_rerank.local import LocalServer

from .command import COMMAND, run, run_here, run_in_terminal
from .conftest import LastNumber
from .judged import DOCUMENTS, QUERIES, write_collection

pytestmark = pytest.mark.slow

PAIRS = QUERIES * DOCUMENTS


@pytest.fixture
def judged(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a collection `c` in it; it is the user's cache folder, too."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
    write_collection(folder / "c")
    return folder


def asked(server: LocalServer) -> Counter[tuple[str, str]]:
    return Counter(
        (request.query, document)
        for request in server.requests
        if request.status == 200
        for document in request.documents
    )


def report(file: Path) -> Evaluation:
    return from_json(file.read_text())


def one_line(done: subprocess.CompletedProcess[str], code: int) -> str:
    assert (done.returncode, done.stdout) == (code, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("assisters-rerank: ")
    return line


def test_the_report_and_its_files(judged: Path, server: LocalServer) -> None:
    done = run("eval", "c", "--json", "r.json", "--html", "r.html", "--export", "a/runs")
    assert (done.returncode, done.stderr) == (0, "")
    assert "nDCG@10" in done.stdout
    assert "12 queries" in done.stdout
    found = report(judged / "r.json")
    assert (found.collection, found.documents, found.queries) == ("c", DOCUMENTS, QUERIES)
    assert found.models[0].answered_by == "last-number"
    assert found.models[0].improved == QUERIES
    assert (judged / "r.html").read_text().lower().startswith("<!doctype html>")
    assert {file.name for file in (judged / "a" / "runs").iterdir()} == {
        "first-stage.run",
        "bge-reranker-v2.run",
        "per-query.json",
    } | ({"per-query.parquet"} if find_spec("pyarrow") else set())
    assert set(asked(server).values()) == {1}
    assert sum(asked(server).values()) == PAIRS


def test_the_second_time_nothing_is_paid_for(judged: Path, server: LocalServer) -> None:
    assert run("eval", "c").returncode == 0
    assert (judged / "cache" / "assisters-rerank" / "scores.db").exists()
    server.requests.clear()
    done = run_here("eval", "c", "--json", "r.json")
    assert (done.returncode, server.requests) == (0, [])
    assert report(judged / "r.json").models[0].usage.documents_cached == PAIRS
    assert run_here("eval", "c", "--cache", "other.db").returncode == 0
    assert sum(asked(server).values()) == PAIRS


def test_a_run_of_ones_own(judged: Path, server: LocalServer) -> None:
    (judged / "own.run").write_text("q0 Q0 d3 1 9.5 x\nq0 Q0 d14 2 8.5 x\nq1 Q0 d1 1 3 x\n")
    assert run_here("eval", "c", "--run", "own.run", "--json", "r.json").returncode == 0
    found = report(judged / "r.json")
    assert (found.first_stage, found.candidates, found.queries) == ("own.run", 2, QUERIES)
    assert sum(asked(server).values()) == 3


def test_depth_precision_and_models(judged: Path, server: LocalServer) -> None:
    models = ["-m", "bge-reranker-v2", "--model", "jina-reranker"]
    options = ["--depth", "13", "--precision", "0.1", "--at-once", "3"]
    assert run_here("eval", "c", *models, *options, "--json", "r.json").returncode == 0
    found = report(judged / "r.json")
    assert (found.candidates, found.wanted_precision) == (13, 0.1)
    assert [result.model for result in found.models] == models[1::2]
    assert Counter(request.model for request in server.requests).keys() == set(models[1::2])


def test_max_cost(judged: Path, server: LocalServer) -> None:
    assert run_here("eval", "c", "--json", "all.json").returncode == 0
    cost = report(judged / "all.json").models[0].usage.cost
    assert cost
    half = ["--max-cost", f"{cost / 2:.9f}", "--cache", "half.db"]
    done = run_here("eval", "c", *half, "--json", "r.json")
    assert done.returncode == 0
    found = report(judged / "r.json")
    assert found.stopped is not None
    assert "max_cost=$" in found.stopped
    assert "max_cost=$" in done.stdout.replace("\n", "")
    spent = found.models[0].usage.cost
    assert spent
    assert spent <= cost / 2
    line = one_line(run_here("eval", "c", "--max-cost", "0", "--cache", "new.db"), code=1)
    assert "nothing to report yet" in line
    # The same command again goes on where the money ended.
    assert run_here("eval", "c", *half, "--json", "r.json").returncode == 0
    assert report(judged / "r.json").models[0].usage.documents_cached > 0


def test_local_needs_no_key_and_keeps_nothing(judged: Path) -> None:
    done = run_here("eval", "c", "--local", "--json", "r.json")
    assert done.returncode == 0
    result = report(judged / "r.json").models[0]
    assert result.answered_by is not None
    assert result.answered_by.startswith("local-")
    assert result.usage.cost == 0
    assert not (judged / "cache").exists()


def test_a_local_model_outside_the_catalogue_costs_nothing(judged: Path) -> None:
    done = run_here(
        "eval", "c", "--local", "-m", "rerank-v1", "--max-cost", "0", "--json", "r.json"
    )
    assert done.returncode == 0
    assert report(judged / "r.json").models[0].usage.cost == 0


@pytest.mark.parametrize("command", [("eval", "c"), ("rerank", "query", "c/corpus.jsonl")])
def test_local_and_cache_exclude_each_other(judged: Path, command: tuple[str, ...]) -> None:
    line = one_line(run_here(*command, "--local", "--cache", "own.db"), code=2)
    assert "--local and --cache exclude each other: the local server has another" in line
    assert not (judged / "own.db").exists()


def test_other_judgements(judged: Path, server: LocalServer) -> None:
    (judged / "own.qrels").write_text("q0 0 d3 1\nq1 0 gone 1\nq1 0 d2 1\n")
    line = one_line(run_here("eval", "c", "--qrels", "own.qrels"), code=1)
    assert "own.qrels, line 2: document 'gone' does not exist" in line
    own = ["--qrels", "own.qrels", "--allow-missing"]
    assert run_here("eval", "c", *own, "--json", "r.json").returncode == 0
    assert report(judged / "r.json").queries == 2
    (judged / "c" / "qrels.dev.tsv").write_text("q2\td1\t1\n")
    assert run_here("eval", "c", "--split", "dev", "--json", "r.json").returncode == 0
    assert report(judged / "r.json").queries == 1
    both = one_line(run_here("eval", "c", "--split", "dev", *own), code=1)
    assert "give one of them" in both


def test_without_a_key_the_line_names_both_ways_out(judged: Path) -> None:
    line = one_line(run_here("eval", "c"), code=1)
    assert "set the variable ASSISTERS_API_KEY, or add --local" in line


def test_local_and_base_url_exclude_each_other(judged: Path) -> None:
    line = one_line(run_here("eval", "c", "--local", "--base-url", "http://127.0.0.1:9/v1"), code=2)
    assert "--local and --base-url exclude each other" in line


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--json", "no/r.json"], "--json: the folder does not exist: no"),
        (["--html", "no/where/r.html"], "--html: the folder does not exist: no/where"),
        (["--json", "c"], "--json: c is a folder"),
        (["--export", "c/corpus.jsonl"], "--export: c/corpus.jsonl is not a folder"),
    ],
)
def test_files_that_can_not_be_written_are_said_before_anything_is_paid_for(
    judged: Path, server: LocalServer, options: list[str], said: str
) -> None:
    assert said in one_line(run_here("eval", "c", *options), code=2)
    assert server.requests == []


BAD = {
    "JSON": (
        "corpus.jsonl",
        '{"_id": "d0", "text": "a"}\n{"_id" "d1"}\n',
        "corpus.jsonl, line 2: ",
    ),
    "an object": ("queries.jsonl", "[1]\n", "queries.jsonl, entry 1: not a JSON object"),
    "an id twice": ("corpus.jsonl", '{"_id": "d0", "text": "a"}\n' * 2, "corpus.jsonl, line 2: "),
    "no text": (
        "corpus.jsonl",
        '{"_id": "d0"}\n',
        "corpus.jsonl, line 1: there is no field for text",
    ),
    "empty qrels": (
        "qrels.tsv",
        "query-id\tcorpus-id\tscore\n",
        "qrels.tsv: there is no judgement",
    ),
    "all zero": ("qrels.tsv", "q0\td0\t0\n", "qrels.tsv: no grade is above 0"),
    "a grade": ("qrels.tsv", "q0\td0\tgood\nq0\td1\tbad\n", "qrels.tsv, line 1: the grade is"),
    "a grade too high": ("qrels.tsv", "q0\td0\t1000001\n", "qrels.tsv, line 1: the grade is"),
    "a query": ("qrels.tsv", "q0\td0\t1\nq99\td0\t1\n", "qrels.tsv, line 2: query 'q99' does not"),
    "a document": ("qrels.tsv", "q0\td99\t1\n", "qrels.tsv, line 1: document 'd99' does not"),
    "UTF-8": ("corpus.jsonl", '{"_id": "d0", "text": "\xff"}\n', "corpus.jsonl, line 1: not UTF-8"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_line_with_file_and_line(
    judged: Path, server: LocalServer, case: str
) -> None:
    name, text, said = BAD[case]
    (judged / "c" / name).write_text(text, encoding="latin-1")
    assert f"c/{said}" in one_line(run_here("eval", "c"), code=1)
    assert server.requests == []


def test_a_bad_run_is_one_line_with_file_and_line(judged: Path, server: LocalServer) -> None:
    (judged / "bad.run").write_text("q0 Q0 d3 1 9.5 x\nq0 Q0 d99 2 8.5 x\n")
    line = one_line(run("eval", "c", "--run", "bad.run"), code=1)
    assert "bad.run, line 2: document 'd99' does not exist" in line
    assert "nowhere.run" in one_line(run_here("eval", "c", "--run", "nowhere.run"), code=1)
    assert "nowhere: there is no such folder" in one_line(run_here("eval", "nowhere"), code=1)
    assert server.requests == []


def test_a_server_that_is_not_there_is_one_line(judged: Path) -> None:
    address = ["--base-url", "http://127.0.0.1:9/v1", "--max-retries", "0"]
    assert "127.0.0.1:9" in one_line(run_here("eval", "c", *address), code=1)


def run_without(package: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    program = f"""
import sys
sys.modules[{package!r}] = None
from assisters_rerank.commands.main import main
main()
"""
    return subprocess.run(
        [COMMAND.with_name("python"), "-c", program, *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    "package", ["bm25s", "ir_measures", "Stemmer", "numpy", "scipy", "tomli_w"]
)
def test_without_the_extra_the_line_names_it(judged: Path, package: str) -> None:
    done = run_without(package, "eval", "c")
    assert 'pip install "assisters-rerank[eval]"' in one_line(done, code=2)


def test_only_a_page_needs_the_templates_and_it_misses_them_at_once(
    judged: Path, server: LocalServer
) -> None:
    done = run_without("jinja2", "eval", "c", "--base-url", server.base_url, "--html", "c.html")
    assert 'pip install "assisters-rerank[eval]"' in one_line(done, code=2)
    assert server.requests == []
    done = run_without("jinja2", "eval", "c", "--base-url", server.base_url, "--quiet")
    assert done.returncode == 0, done.stderr


class Stuck(LastNumber):
    """A scorer that tells of one call, and does not answer it."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.calls = 0
        self.asked = threading.Event()
        self.released = threading.Event()

    def score(self, query: str, documents: Sequence[str]) -> list[float]:
        self.calls += 1
        if self.calls == self.at:
            self.asked.set()
            self.released.wait(30)
        return super().score(query, documents)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
@pytest.mark.parametrize("at_once", ["1", "3"])
def test_an_interrupted_run_goes_on_and_pays_nothing_twice(
    judged: Path, monkeypatch: pytest.MonkeyPatch, how: signal.Signals, at_once: str
) -> None:
    scorer = Stuck(at=12)
    with LocalServer(scorer=scorer) as server:
        monkeypatch.setenv("ASSISTERS_BASE_URL", server.base_url)
        arguments = ["eval", "c", "--json", "r.json", "--at-once", at_once]
        with subprocess.Popen(
            [COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as running:
            assert scorer.asked.wait(30)
            running.send_signal(how)
            stdout, stderr = running.communicate(timeout=15)
        assert stdout == b""
        if how == signal.SIGINT:
            assert running.returncode == 130
            (line,) = stderr.decode().splitlines()
            assert "the same command goes on from here" in line
            assert str(judged / "cache" / "assisters-rerank" / "scores.db") in line
        with SqliteCache(judged / "cache" / "assisters-rerank" / "scores.db") as cache:
            kept = len(cache)
        assert kept > 50
        server.requests.clear()
        scorer.released.set()
        done = run_here(*arguments)
        assert (done.returncode, done.stderr) == (0, "")
    found = report(judged / "r.json")
    assert found.stopped is None
    assert found.models[0].usage.documents_cached == kept
    assert found.models[0].usage.documents_sent == PAIRS - kept


def test_ctrl_c_with_local_says_that_nothing_is_kept(judged: Path) -> None:
    program = """
import os, signal
from assisters_rerank.evaluate import collection_scores
def soon(*given):
    os.kill(os.getpid(), signal.SIGINT)
    return original(*given)
original, collection_scores.ask = collection_scores.ask, soon
from assisters_rerank.commands.main import main
main()
"""
    done = subprocess.run(
        [COMMAND.with_name("python"), "-c", program, "eval", "c", "--local"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert "none is kept with --local" in one_line(done, code=130)


def test_a_full_disk_does_not_take_the_report(judged: Path, server: LocalServer) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    done = run("eval", "c", "--json", "/dev/full")
    assert done.returncode == 1
    assert "nDCG@10" in done.stdout
    assert "No space left" in done.stderr


@pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal")
def test_a_terminal_has_a_bar_with_the_time_left(judged: Path, server: LocalServer) -> None:
    screen = run_in_terminal("eval", "c", columns=100)
    assert screen.code == 0
    assert re.search(r"━.* \d+/12 queries \d:\d\d:\d\d left [\d:-]+", screen.text)
    assert "nDCG@10" in screen.text
    quiet = run_in_terminal("eval", "c", "--quiet", columns=100)
    assert "/12 queries" not in quiet.text


def test_the_json_is_json(judged: Path, server: LocalServer) -> None:
    assert run_here("eval", "c", "--json", "r.json").returncode == 0
    assert json.loads((judged / "r.json").read_text())["version"] == 1


def test_settings_and_rerankers_of_a_file(
    judged: Path, server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two servers with a key each; the settings that come out have neither key nor address."""
    (judged / "r.toml").write_text(
        f'[[reranker]]\nmodel = "bge-reranker-v2"\nbase_url = "{server.base_url}"\n'
        'key_variable = "KEY_1"\n'
        f'[[reranker]]\nmodel = "rerank-v1"\nbase_url = "{server.base_url}"\n'
    )
    command = ("eval", "c", "--rerankers", "r.toml", "--json", "r.json", "--no-cache")
    assert "no environment variable of this name is set" in one_line(run_here(*command), code=1)
    assert server.requests == []
    monkeypatch.setenv("KEY_1", "sk-secret")
    done = run_here(*command, "--save-settings", "rerank.toml")
    assert (done.returncode, done.stderr) == (0, "")
    assert [result.model for result in report(judged / "r.json").models] == [
        "bge-reranker-v2",
        "rerank-v1",
    ]
    text = (judged / "rerank.toml").read_text()
    assert "secret" not in text
    assert "127.0.0.1" not in text
    assert Reranker.from_file(judged / "rerank.toml").model in ("bge-reranker-v2", "rerank-v1")
    for option in (["-m", "x"], ["--local"], ["--base-url", server.base_url]):
        line = one_line(run_here(*command, *option), code=2)
        assert "exclude each other: the file names models and servers" in line


def test_a_first_collection(judged: Path) -> None:
    done = run_here("eval", "new", "--init")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "Next: assisters-rerank eval new --local"
    assert run_here("eval", "new", "--local", "--depth", "3").returncode == 0
    assert "it is there already" in one_line(run_here("eval", "new", "--init"), code=1)


def test_names_of_ones_own(judged: Path, server: LocalServer) -> None:
    corpus = (judged / "c" / "corpus.jsonl").read_text()
    (judged / "mine.jsonl").write_text(corpus.replace('"text":', '"abstract":'))
    command = ("eval", "c", "--corpus", "mine.jsonl")
    line = one_line(run_here(*command), code=1)
    assert "mine.jsonl, line 1: there is no field for text" in line
    assert "--field text=NAME" in line
    own = ("--field", "text=abstract", "--field", "query=text")
    assert run_here(*command, *own).returncode == 0
    assert "give MEANING=NAME" in one_line(run_here("eval", "c", "--field", "x"), code=2)
