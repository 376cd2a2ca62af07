"""What ends a command early: Ctrl-C, a reader that has had enough, a full disk."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from assisters_rerank.local import LocalServer

from .command import COMMAND

pytestmark = pytest.mark.slow


class Stuck:
    """A scorer that tells when it is asked, and then does not answer."""

    name = "stuck"

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.released = threading.Event()

    def score(self, query: str, documents: Sequence[str]) -> list[float]:
        self.asked.set()
        self.released.wait(30)
        return [0.0] * len(documents)


@pytest.fixture
def stuck(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stuck]:
    scorer = Stuck()
    with LocalServer(scorer=scorer) as server:
        monkeypatch.setenv("ASSISTERS_BASE_URL", server.base_url)
        yield scorer
        scorer.released.set()


@pytest.mark.parametrize("documents", [1, 1_000])
def test_ctrl_c_ends_a_running_call_without_a_word(
    stuck: Stuck, folder: Path, documents: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    (folder / "in").write_text("".join(f"document {number}\n" for number in range(documents)))
    with subprocess.Popen(
        [COMMAND, "rerank", "query", "in"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as running:
        assert stuck.asked.wait(20)
        running.send_signal(signal.SIGINT)
        stdout, stderr = running.communicate(timeout=10)
    assert (running.returncode, stdout, stderr) == (130, b"", b"")


def test_ctrl_c_ends_a_local_server_too(folder: Path) -> None:
    """Wherever it strikes once the work has begun."""
    (folder / "in").write_text("".join(f"some words and {number}\n" for number in range(20_000)))
    program = """
import os, signal, threading
from assisters_rerank.commands.progress import ReportingReranker
def soon(*_, **__):
    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
    return original(*_, **__)
original, ReportingReranker.rerank_watched = ReportingReranker.rerank_watched, soon
from assisters_rerank.commands.main import main
main()
"""
    done = subprocess.run(
        [sys.executable, "-c", program, "rerank", "some", "in", "--local"],
        capture_output=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stdout) == (130, b"")
    # Where wordllama has no wheel, the server says so as it starts.
    assert [line for line in done.stderr.splitlines() if b"wordllama" not in line] == []


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("arguments", [[], ["--json"]])
def test_a_closed_pipe_is_silent(folder: Path, arguments: list[str]) -> None:
    (folder / "in").write_text("".join(f"{'word ' * 40}{number}\n" for number in range(2_000)))
    with subprocess.Popen(
        [COMMAND, "rerank", "query", "in", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        assert b"1999" in running.stdout.readline()
        running.stdout.close()
        assert running.stderr.read() == b""
        assert running.wait() == 1


@pytest.mark.usefixtures("server")
def test_a_short_output_into_a_closed_pipe_is_silent() -> None:
    """It fits into the buffer, and would fail only when the interpreter ends."""
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [COMMAND, "rerank", "query"],
        input=b"a 1\n",
        stdout=writing,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, b"")


@pytest.mark.usefixtures("server")
@pytest.mark.skipif(os.name != "posix", reason="needs a shell")
@pytest.mark.parametrize(
    ("closed", "code", "stdout", "stderr"),
    [
        ("2>&-", 0, b"1.0\ta 1\n", b""),
        (">&-", 0, b"", b"1 document, "),
        ("<&-", 1, b"", b"assisters-rerank: -: standard input is closed"),
    ],
)
def test_a_stream_that_was_closed_from_the_start(
    closed: str, code: int, stdout: bytes, stderr: bytes
) -> None:
    done = subprocess.run(
        f'"{COMMAND}" rerank query - {closed}',
        shell=True,
        input=b"a 1\n",
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (code, stdout)
    assert done.stderr.startswith(stderr)
    assert len(done.stderr.splitlines()) == bool(stderr)


@pytest.mark.usefixtures("server")
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_told_with_what_was_paid() -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [COMMAND, "rerank", "query"],
            input=b"a 1\n",
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert done.returncode == 1
    problem, paid = done.stderr.decode().splitlines()
    assert problem == "assisters-rerank: No space left on device"
    assert paid.startswith("assisters-rerank: 1 document was scored and paid for, of 1 (1 request,")


@pytest.mark.parametrize("where", ["assisters_rerank.errors", "typer", "assisters_rerank.reranker"])
def test_ctrl_c_while_it_starts_is_silent(where: str) -> None:
    """At whatever import it comes, also in one that takes every exception for a missing module."""
    program = f"""
import os, signal, sys
sys.argv[0] = "assisters-rerank"
class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == {where!r}:
            sys.meta_path.remove(self)
            try:
                os.kill(os.getpid(), signal.SIGINT)
                import time; time.sleep(0.01)
            except KeyboardInterrupt:
                raise ImportError("not installed")
sys.meta_path.insert(0, Interrupting())
from assisters_rerank.commands.main import main
main()
"""
    done = subprocess.run(
        [sys.executable, "-c", program, "rerank", "query"],
        input=b"a 1\n",
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")


def test_ctrl_c_right_after_the_server_s_greeting_is_clean() -> None:
    with subprocess.Popen(
        [COMMAND, "serve", "--port", "0", "--scorer", "lexical"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as running:
        assert running.stdout is not None
        assert b"Serving" in running.stdout.readline()
        running.send_signal(signal.SIGINT)
        _, stderr = running.communicate(timeout=20)
    assert stderr == b""
    assert running.returncode in (0, 130)
