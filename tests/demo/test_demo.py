"""The demo from end to end, as users run it: the installed command in a process of its own."""

from __future__ import annotations

import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest
from langchain_core.documents import Document as LangChainDocument

from assisters_rerank.commands import main
from assisters_rerank.commands.called import program
from assisters_rerank.commands.demo import QUESTIONS
from assisters_rerank.demo import corpus
from assisters_rerank.demo.corpus import Passage
from assisters_rerank.local import LocalServer

pytestmark = pytest.mark.slow
one_demo = pytest.mark.xdist_group("demo")
one_library = pytest.mark.xdist_group("standard library")

COMMAND = Path(sysconfig.get_path("scripts")) / "assisters-rerank"

# subprocess.call                  3 → 5  subprocess                      0.7355
ROW = re.compile(r"^(\S+) +(\d+) → (\d+)  (\S+) +(\d\.\d{4})$", re.MULTILINE)


@pytest.fixture(scope="module")
def page() -> str:
    """What the demo prints into a pipe, without a key and without settings."""
    done = subprocess.run([COMMAND, "demo"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@one_demo
def test_the_page_says_what_was_read_and_who_scores(page: str) -> None:
    read = re.search(r"([\d,]+) docstrings of Python", page)
    assert read is not None
    assert int(read[1].replace(",", "")) > 1_000
    assert "No ASSISTERS_API_KEY: a small local model serves, at http://127.0.0.1:" in page


@one_demo
@pytest.mark.parametrize("question", QUESTIONS)
def test_every_question_goes_through_both_frameworks(page: str, question: str) -> None:
    section = page.partition(f"\n{question} ─")[2]
    rows = ROW.findall(section)[:5]
    assert [int(now) for _, _, now, *_ in rows] == [1, 2, 3, 4, 5]
    before = {int(rank) for _, rank, *_ in rows}
    assert len(before) == 5
    assert max(before) <= 50
    scores = [float(score) for *_, score in rows]
    assert scores == sorted(scores, reverse=True)
    # What both lists have in common stands in each of them.
    by_bm25 = [name for name, *_ in rows]
    for _, rank, _, name, _ in rows:
        assert int(rank) > 5 or by_bm25[int(rank) - 1] == name
    took = re.findall(r"^(LangChain|LlamaIndex) +[\d,]+ ms.*, ([\d,]+) tokens", section, re.M)[:2]
    assert [name for name, _ in took] == ["LangChain", "LlamaIndex"]
    assert took[0][1] == took[1][1] != "0"
    assert "same order and scores as LangChain" in section
    assert len(re.split(r"\n\n", section)[0].splitlines()) < 24  # a screen


@one_demo
def test_the_rerank_changes_what_comes_first(page: str) -> None:
    """Otherwise the demo would show nothing."""
    firsts = [before for _, before, now, *_ in ROW.findall(page) if now == "1"]
    assert len(firsts) == 4
    assert firsts != ["1"] * 4


@one_demo
def test_piped_output_is_plain_and_fits_80_columns(page: str) -> None:
    assert "\x1b" not in page
    assert "\r" not in page
    shown, _, steps = page.partition("\nNext: your own code ─")
    assert max(map(len, shown.splitlines())) <= 80
    assert re.search(
        r"^Your own question  (\S*/)?assisters-rerank demo --query \"…\"$", steps, re.M
    )


@one_demo
def test_the_next_step_runs_as_printed(page: str) -> None:
    from langchain_core.retrievers import BaseRetriever
    from llama_index.core import MockEmbedding, VectorStoreIndex
    from llama_index.core.llms import MockLLM
    from llama_index.core.settings import Settings

    from assisters_rerank.local import Endpoint

    class Yours(BaseRetriever):
        def _get_relevant_documents(self, query: str, **_: object) -> list[LangChainDocument]:
            return [LangChainDocument("rain tomorrow")]

    printed = page.partition("\nNext: your own code ─")[2].partition("\n")[2]
    code = printed.partition("\nYour own question")[0]
    Settings.llm = MockLLM()
    names: dict[str, Any] = {
        "yours": Yours(),
        "index": VectorStoreIndex([], embed_model=MockEmbedding(2)),
    }
    exec(code, names)
    server: Endpoint = names["server"]
    with server:
        (document,) = names["retriever"].invoke("rain")
    assert document.metadata["relevance_score"] > 0


LOOPBACK_ONLY = """
import sys
def refuse_other_hosts(event, arguments):
    if event == "socket.connect" and arguments[1][0] not in ("127.0.0.1", "::1"):
        raise RuntimeError(f"connects to {arguments[1]}")
    if event == "socket.getaddrinfo" and arguments[0] not in (None, "127.0.0.1", "localhost"):
        raise RuntimeError(f"looks up {arguments[0]}")
sys.addaudithook(refuse_other_hosts)
"""

# The same demo over one module of the library: the rest takes seconds to read and to index.
OVER_STATISTICS = """
import functools, pathlib, sys
from assisters_rerank.demo import corpus
folder = pathlib.Path(sys.argv.pop())
corpus.read_passages = functools.partial(corpus.read_passages, folder)
from assisters_rerank.commands.main import main
main()
"""


@pytest.fixture
def only_statistics(tmp_path: Path) -> str:
    """A folder for `OVER_STATISTICS`."""
    shutil.copy(statistics.__file__, tmp_path)
    return str(tmp_path)


def test_ones_own_questions_and_nothing_leaves_the_machine(only_statistics: str) -> None:
    arguments = ["--query", "median of a list", "--query", "qqqzzz", "--top-n", "3"]
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            LOOPBACK_ONLY + OVER_STATISTICS,
            "demo",
            *arguments,
            only_statistics,
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    rows = ROW.findall(done.stdout)
    assert [now for _, _, now, *_ in rows] == ["1", "2", "3"]
    assert "statistics.median" in [name for *_, name, _ in rows]
    assert "qqqzzz ─" in done.stdout
    assert "no passage that shares a word" in done.stdout
    assert not any(question in done.stdout for question in QUESTIONS)


def test_the_first_table_waits_for_one_framework_and_for_what_is_needed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    program = """
import sys
sys.argv = ["assisters-rerank", "demo", "--query", "median of a list"]
from assisters_rerank.demo.tables import Page
def question(*_):
    assert "langchain_core" in sys.modules
    assert not [name for name in sys.modules if name.startswith(("llama_index", "tkinter"))]
    sys.exit(9)
Page.question = question
from assisters_rerank.commands.main import main
main()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (9, b"")


def test_ctrl_c_ends_it_without_a_word() -> None:
    with subprocess.Popen(
        [COMMAND, "demo"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.readline()  # it is at work
        running.send_signal(signal.SIGINT)
        assert running.stderr.read() == ""
        assert running.wait() == 130


def test_a_closed_pipe_is_silent(only_statistics: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", OVER_STATISTICS, "demo", "--query", "median", only_statistics],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.readline()
        running.stdout.close()
        assert running.stderr.read() == b""


def _run_here(
    monkeypatch: pytest.MonkeyPatch, stdlib: list[Passage], *arguments: str, **variables: str
) -> int:
    """Run the command in this process, where the corpus is read already; gives the exit code."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(corpus, "read_passages", lambda **_: stdlib)
    monkeypatch.setattr(sys, "argv", ["assisters-rerank", "demo", *arguments])
    try:
        main.main()
    except SystemExit as finished:
        return int(finished.code or 0)
    return 0


@one_library
@pytest.mark.parametrize("model", ["rerank-v1", "auto", "jina-reranker"])
def test_any_model_that_the_server_knows_will_do(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    stdlib: list[Passage],
    model: str,
) -> None:
    arguments = ("--query", "median of a list", "--model", model)
    with LocalServer() as server:
        code = _run_here(monkeypatch, stdlib, *arguments, ASSISTERS_BASE_URL=server.base_url)
        asked = {request.model for request in server.requests}
    captured = capsys.readouterr()
    assert (code, captured.err) == (0, "")
    assert asked == {"bge-reranker-v2" if model == "auto" else model}
    assert "statistics.median" in captured.out


def test_the_invitation_repeats_what_was_typed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    installed = tmp_path / "assisters-rerank"
    installed.touch(mode=0o755)
    for path, called, repeated in (
        (tmp_path, str(installed), "assisters-rerank"),
        ("", ".venv/bin/assisters-rerank", ".venv/bin/assisters-rerank"),
        ("", "my folder/assisters-rerank", "'my folder/assisters-rerank'"),
        ("", "/somewhere/assisters_rerank/__main__.py", "python -m assisters_rerank"),
    ):
        monkeypatch.setenv("PATH", str(path))
        monkeypatch.setattr(sys, "argv", [called, "demo"])
        assert program() == repeated


@one_library
def test_a_wrong_key_is_one_line_without_the_key(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], stdlib: list[Passage]
) -> None:
    with LocalServer(api_key="ask_right") as server:
        base_url = server.base_url
        code = _run_here(
            monkeypatch, stdlib, ASSISTERS_BASE_URL=base_url, ASSISTERS_API_KEY="ask_wrong"
        )
    captured = capsys.readouterr()
    assert code == 1
    assert len(captured.err.splitlines()) == 1
    assert "ASSISTERS_API_KEY" in captured.err
    assert "ask_wrong" not in captured.err + captured.out
    assert f"scores come from {base_url}" in captured.out


@one_library
def test_a_server_that_is_down_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], stdlib: list[Passage]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    code = _run_here(monkeypatch, stdlib, ASSISTERS_BASE_URL=f"http://127.0.0.1:{port}/v1")
    error = capsys.readouterr().err
    assert code == 1
    assert len(error.splitlines()) == 1
    assert str(port) in error
