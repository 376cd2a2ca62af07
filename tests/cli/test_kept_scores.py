"""A long run that ends early says what was paid for, keeps the scores, and goes on from there."""

from __future__ import annotations

import os
import pwd
import shlex
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from assisters_rerank.commands import kept_scores, progress
from assisters_rerank.local import LocalServer, service_or_local

from .command import run_here
from .conftest import LastNumber

DOCUMENTS = 1_000
SIX_HUNDRED = "600 documents were scored and paid for, of 1,000 (6 requests, "


class Ending(LastNumber):
    """Answers six requests, and then does what it is told."""

    def __init__(self) -> None:
        self.then: Callable[[], None] | None = None
        self.calls = 0
        self._lock = threading.Lock()

    def score(self, query: str, documents: Sequence[str]) -> list[float]:
        with self._lock:
            self.calls += 1
            if self.then is not None and self.calls > 6:
                self.then()
        return super().score(query, documents)


def die() -> None:
    raise RuntimeError("dead")


@pytest.fixture
def scorer() -> Ending:
    return Ending()


@pytest.fixture
def service(scorer: Ending, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalServer]:
    """A server, a long file `in`, and a cache folder of the user's."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
    (folder / "in").write_text("".join(f"document {n}\n" for n in range(DOCUMENTS)))
    with LocalServer(scorer=scorer) as server:
        monkeypatch.setenv("ASSISTERS_BASE_URL", server.base_url)
        yield server


def kept(folder: Path) -> list[Path]:
    return sorted((folder / "cache").rglob("*.db*"))


def rerank(*more: str) -> tuple[int, str, str]:
    options = ("--max-retries", "0", "--max-concurrency", "1")
    done = run_here("rerank", "a  query", "in", *options, *more)
    # What the server has to say of its scorer's failure is not the command's.
    said = [line for line in done.stderr.splitlines() if "The scorer failed: R" not in line]
    return done.returncode, done.stdout, "\n".join(said)


def test_a_complete_run_leaves_nothing(service: LocalServer, folder: Path) -> None:
    code, stdout, _ = rerank()
    assert (code, stdout.count("\n")) == (0, DOCUMENTS)
    assert kept(folder) == []


def test_after_a_failure_the_printed_command_pays_only_for_the_rest(
    service: LocalServer, scorer: Ending, folder: Path
) -> None:
    scorer.then = die
    code, stdout, stderr = rerank()
    assert (code, stdout) == (1, "")
    error, advice = stderr.splitlines()
    assert "Status 500" in error
    assert advice.startswith(f"assisters-rerank: {SIX_HUNDRED}")
    (file, *_) = kept(folder)
    assert f"their scores are kept in {file}" in advice
    program, *words = shlex.split(advice.partition("only for the rest: ")[2])
    assert program.endswith("assisters-rerank")
    assert words[:3] == ["rerank", "a  query", "in"]
    scorer.then = None
    service.requests.clear()
    done = run_here(*words)
    assert done.returncode == 0
    assert done.stdout.startswith("999.0\tdocument 999\n")
    assert "4 requests, 600 scores from the cache" in done.stderr
    assert sum(len(request.documents) for request in service.requests) == 400
    assert kept(folder) == []


def test_ctrl_c_says_the_same(service: LocalServer, scorer: Ending, folder: Path) -> None:
    def interrupt() -> None:
        scorer.then = None
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.05)  # while it is on its way, which is waited for

    scorer.then = interrupt
    code, stdout, stderr = rerank()
    assert (code, stdout) == (130, "")
    (advice,) = stderr.splitlines()
    # The seventh was on its way, is paid for, and kept.
    assert advice.startswith("assisters-rerank: 700 documents were scored and paid for, of 1,000")
    service.requests.clear()
    assert rerank()[0] == 0
    assert sum(len(request.documents) for request in service.requests) == 300


def test_a_pass_through_is_no_complete_run(
    service: LocalServer, scorer: Ending, folder: Path
) -> None:
    scorer.then = die
    code, stdout, stderr = rerank("--on-error", "passthrough")
    assert (code, stdout.count("\n")) == (0, DOCUMENTS)
    assert SIX_HUNDRED in stderr
    assert kept(folder) != []


def test_the_order_of_the_documents_does_not_matter(
    service: LocalServer, scorer: Ending, folder: Path
) -> None:
    scorer.then = die
    rerank()
    scorer.then = None
    lines = (folder / "in").read_text().splitlines(keepends=True)
    (folder / "in").write_text("".join(reversed(lines)))
    assert "600 scores from the cache" in rerank()[2]
    assert kept(folder) == []


def test_without_a_cache_nothing_is_kept_and_that_is_said(
    service: LocalServer, scorer: Ending, folder: Path
) -> None:
    scorer.then = die
    code, _, stderr = rerank("--no-cache")
    assert code == 1
    assert SIX_HUNDRED in stderr
    assert stderr.endswith("their scores are lost")
    assert kept(folder) == []


def test_what_ends_before_anything_is_paid_for_is_one_line(
    service: LocalServer, scorer: Ending
) -> None:
    scorer.then, scorer.calls = die, 6
    code, _, stderr = rerank()
    assert (code, len(stderr.splitlines())) == (1, 1)


def test_a_cache_of_ones_own_is_left_where_it_is(service: LocalServer, folder: Path) -> None:
    assert rerank("--cache", "own.db")[0] == 0
    assert (folder / "own.db").exists()
    assert kept(folder) == []
    code, _, stderr = rerank("--cache", "own.db", "--no-cache")
    assert (code, "exclude each other" in stderr) == (2, True)


@pytest.mark.parametrize("file", ["/dev/null/scores.db", "broken.db"])
def test_a_cache_that_cannot_be_used_is_refused_before_anything_is_paid_for(
    service: LocalServer, folder: Path, file: str
) -> None:
    (folder / "broken.db").write_text("no database, but long enough to be one" * 100)
    code, _, stderr = rerank("--cache", file)
    assert (code, len(stderr.splitlines())) == (1, 1)
    assert f"{file} cannot be used" in stderr
    assert service.requests == []


def _no_home(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(_: int) -> None:
        raise KeyError("uid not found")

    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr(pwd, "getpwuid", unknown)


@pytest.mark.parametrize("home", ["none", "", "/dev/null"])
def test_without_a_home_folder_it_works_and_says_once_that_nothing_is_kept(
    service: LocalServer, folder: Path, monkeypatch: pytest.MonkeyPatch, home: str
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    if home == "none":
        _no_home(monkeypatch)
    else:
        monkeypatch.setenv("HOME", home)
    code, stdout, stderr = rerank()
    assert (code, stdout.count("\n")) == (0, DOCUMENTS)
    line, usage = stderr.splitlines()
    assert line.startswith("assisters-rerank: The scores of this run are not kept: ")
    assert usage.startswith("1,000 documents, 10 requests, ")
    assert sorted(path.name for path in folder.iterdir()) == ["in"]


def test_a_run_may_take_longer_than_the_time_of_a_request(
    service: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    passed = 0.0
    send = progress._Counting.send

    async def slowly(self: progress._Counting, request: object, budget: float) -> object:
        nonlocal passed
        answer = await send(self, request, budget)  # type: ignore[arg-type]
        passed += 20.0
        return answer

    monkeypatch.setattr(progress._Counting, "now", lambda _: time.monotonic() + passed)
    monkeypatch.setattr(progress._Counting, "send", slowly)
    assert rerank("--timeout", "30")[0] == 0
    assert passed == 200.0


def test_a_request_gets_no_more_than_its_time(
    service: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[float] = []
    send = progress.Blocking.send

    async def watched(self: progress.Blocking, request: object, budget: float) -> object:
        given.append(budget)
        return await send(self, request, budget)  # type: ignore[arg-type]

    monkeypatch.setattr(progress.Blocking, "send", watched)
    assert rerank("--timeout", "30")[0] == 0
    assert given == [30.0] * 10


def test_files_of_runs_that_nobody_went_on_with_are_removed(folder: Path) -> None:
    for name, days in (("run-old.db", 31), ("run-new.db", 29), ("scores.db", 99)):
        (folder / name).touch()
        os.utime(folder / name, times=(time.time() - days * 86_400,) * 2)
    kept_scores.remove(kept_scores.opened(folder / "run-own.db"))
    assert sorted(path.name for path in folder.iterdir()) == ["run-new.db", "scores.db"]


def test_a_local_server_of_the_command_remembers_no_requests() -> None:
    from assisters_rerank import Reranker

    with service_or_local(local=True) as endpoint, Reranker(base_url=endpoint.base_url) as reranker:
        reranker.rerank("query", ["a document that is remembered"])
        import gc

        kept = [each for each in gc.get_objects() if type(each).__name__ == "RecordedRequest"]
    assert not any("a document that is remembered" in each.documents for each in kept)
