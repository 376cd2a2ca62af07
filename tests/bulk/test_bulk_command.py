"""The command `assisters-rerank bulk`: what it says, how it ends, and how it goes on."""

from __future__ import annotations

import io
import signal
import subprocess
import sys
import threading
from contextlib import redirect_stderr
from pathlib import Path

import pytest
from typer.main import get_command

from assisters_rerank import RerankOptions
from assisters_rerank.bulk import BulkProgress
from assisters_rerank.commands.application import application
from assisters_rerank.commands.bulk_progress import facts, shown

from ..cli.command import COMMAND, run_here, run_in_terminal
from .conftest import QUERIES
from .standin import Standin

# Secrets, objects that only a program has, and what makes no sense here: the journal is the cache,
# and documents without scores are no result.
NOT_OFFERED = {
    "api_key", "http_client", "async_http_client", "cache", "cache_namespace", "count_tokens",
    "prices", "async_transport", "extra_headers", "listwise", "passthrough_after",
    "count_context_tokens", "on_error",
}  # fmt: skip


@pytest.fixture
def server(standin: Standin, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Standin:
    """A server that the command finds by itself, in a folder that is the current one."""
    monkeypatch.setenv("ASSISTERS_BASE_URL", standin.base_url)
    monkeypatch.chdir(tmp_path)
    return standin


def test_every_option_of_a_reranker_is_offered_or_said_not_to_be() -> None:
    command = get_command(application()).commands["bulk"]  # type: ignore[attr-defined]
    parameters = {parameter.name for parameter in command.params}
    assert RerankOptions.model_fields.keys() - NOT_OFFERED <= parameters
    assert not NOT_OFFERED & parameters


def test_a_file_is_reranked(server: Standin, source: Path) -> None:
    done = run_here("bulk", "in.jsonl", "out.jsonl", "--concurrency", "4", "--top-n", "2")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.startswith("out.jsonl: 40 queries, 200 pairs in ")
    assert "40 requests" in done.stderr
    assert Path("out.jsonl").read_text().count('"rank"') == 2 * QUERIES
    assert server.most_in_flight <= 4
    again = run_here("bulk", "in.jsonl", "out.jsonl")
    assert again.returncode == 1
    assert "out.jsonl is there already" in again.stderr
    assert run_here("bulk", "in.jsonl", "out2.jsonl", "--quiet").stderr == ""


def test_failures_are_counted_and_the_command_goes_on(server: Standin, source: Path) -> None:
    server.refusal = lambda query: (400, "no") if query == "query 7" else None
    done = run_here("bulk", "in.jsonl", "out.jsonl")
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith(
        "assisters-rerank: 1 of 40 queries failed; they stand in out.jsonl.errors.jsonl. To ask "
        "for them again: "
    )
    assert last.endswith("bulk in.jsonl out.jsonl")
    server.refusal = lambda query: None
    assert (
        "39 of them known from before, 5 pairs" in run_here("bulk", "in.jsonl", "out.jsonl").stderr
    )


def test_what_ends_a_run_says_what_is_kept(server: Standin, source: Path) -> None:
    server.refusal = lambda query: (402, "top up") if query == "query 30" else None
    done = run_here("bulk", "in.jsonl", "out.jsonl", "--concurrency", "1")
    assert done.returncode == 1
    assert "30 of 40 queries are done, and kept in out.jsonl.part. To go on" in done.stderr
    assert done.stderr.splitlines()[-1].endswith("bulk in.jsonl out.jsonl --concurrency 1")


@pytest.mark.parametrize(
    ("sent", "code"),
    [pytest.param(signal.SIGINT, 130, marks=pytest.mark.slow), (signal.SIGTERM, 143)],
)
@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
def test_a_signal_waits_for_what_is_under_way(
    server: Standin, source: Path, sent: signal.Signals, code: int
) -> None:
    server.latency = 0.15
    enough = threading.Event()
    server.on_request = lambda: enough.set() if server.seen.total() >= 9 else None
    with subprocess.Popen(
        [sys.executable, "-m", "assisters_rerank", "bulk", "in.jsonl", "out.jsonl"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert enough.wait(30)
        running.send_signal(sent)
        _, said = running.communicate(timeout=30)
    assert running.returncode == code
    done = len(server.paid)
    assert said == (
        f"assisters-rerank: {done} of 40 queries are done, and kept in out.jsonl.part. To go on, "
        "and pay only for the rest: python -m assisters_rerank bulk in.jsonl out.jsonl\n"
    )
    server.latency = 0
    assert run_here("bulk", "in.jsonl", "out.jsonl").returncode == 0
    assert server.paid_again == 0


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
@pytest.mark.slow  # it waits for the 3 s
def test_a_signal_waits_for_three_seconds_at_most(server: Standin, source: Path) -> None:
    server.latency = 60
    enough = threading.Event()
    server.on_request = enough.set
    with subprocess.Popen([COMMAND, "bulk", "in.jsonl", "out.jsonl"]) as running:
        assert enough.wait(30)
        running.send_signal(signal.SIGINT)
        assert running.wait(10) == 130


def test_local_runs_go_on_too(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The local server has another address each time."""
    monkeypatch.chdir(tmp_path)
    assert run_here("bulk", "in.jsonl", "out.jsonl", "--local", "--limit", "3").returncode == 0
    done = run_here("bulk", "in.jsonl", "out.jsonl", "--local", "--limit", "5")
    assert "5 queries, 3 of them known from before" in done.stderr
    assert "$0.00 in all" in done.stderr


def test_a_dry_run_counts(server: Standin, source: Path) -> None:
    done = run_here("bulk", "in.jsonl", "out.jsonl", "--dry-run")
    assert done.returncode == 0
    rows = dict(line.rsplit("  ", 1) for line in done.stdout.splitlines())
    rows = {name.strip(): value for name, value in rows.items()}
    assert (rows["queries"], rows["pairs"], rows["minutes on the plan Free"]) == (
        "40",
        "200",
        "4.0",
    )
    assert rows["cost"].startswith("$")
    limited = run_here("bulk", "in.jsonl", "out.jsonl", "--dry-run", "--requests-per-minute", "20")
    assert "minutes with these limits  2.0" in limited.stdout
    assert not server.seen
    assert [file.name for file in Path().iterdir()] == ["in.jsonl"]


@pytest.mark.parametrize(
    ("words", "said", "code"),
    [
        (("none.jsonl", "out.jsonl"), "none.jsonl: there is no such file", 1),
        (("in.jsonl", "out.csv"), "give the target one of the suffixes", 1),
        (("in.jsonl", "in.jsonl"), "name the same file", 2),
        (("in.jsonl", "out.jsonl", "--concurrency", "0"), "--concurrency", 2),
        (("in.jsonl", "out.jsonl", "--local", "--base-url", "http://127.0.0.1:9"), "--local", 2),
        (("in.run", "out.jsonl"), "a run has no texts", 1),
    ],
)
def test_mistakes_are_one_line(
    server: Standin, source: Path, words: tuple[str, ...], said: str, code: int
) -> None:
    Path("in.run").touch()
    done = run_here("bulk", *words)
    assert done.returncode == code
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert not server.seen


NOW = BulkProgress(
    queries=1_000,
    done=400,
    resumed=100,
    failed=2,
    pairs=30_000,
    pairs_per_second=1_234.5,
    cost=0.5,
    projected_cost=1.25,
    waiting="tokens a minute: 31 s",
    seconds=29.0,
)


def test_progress_says_all_that_matters() -> None:
    assert facts(NOW) == (
        "1,234 pairs a second, $0.50 of about $1.25, waiting for tokens a minute: 31 s, 2 failed, "
        "100 known from before"
    )


def test_without_a_terminal_a_line_comes_every_30_seconds() -> None:
    from dataclasses import replace

    with redirect_stderr(io.StringIO()) as written, shown(wanted=True) as show:
        for seconds in (1.0, 29.0, 30.5, 31.0, 59.0, 60.6, 61.0):
            show(replace(NOW, seconds=seconds))
    lines = written.getvalue().splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("assisters-rerank: 400 of 1,000 queries, 1,234 pairs a second")


def test_a_narrow_terminal_shows_the_number_of_queries(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    with redirect_stderr(Terminal()) as written, shown(wanted=True) as show:
        show(NOW)
    assert "402/1,000 queries, 1,234 pairs a" in written.getvalue()


@pytest.mark.slow
def test_a_terminal_has_a_bar(server: Standin, source: Path) -> None:
    server.latency = 0.1
    screen = run_in_terminal("bulk", "in.jsonl", "out.jsonl", "--concurrency", "2", columns=100)
    assert screen.code == 0
    assert "/40 queries, " in screen.text
    assert screen.text.splitlines()[-1].startswith("out.jsonl: 40 queries, 200 pairs")
