"""A run that was broken off goes on: nothing is paid for twice, and the result is the same."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from assisters_rerank import ConfigurationError, Reranker
from assisters_rerank.bulk import BulkStopped, rerank_file
from assisters_rerank.bulk.journal import Journal

from .conftest import QUERIES, entries, write
from .standin import Standin

CONCURRENCY = 4

PROGRAM = """
import sys
from assisters_rerank import Reranker
from assisters_rerank.bulk import rerank_file
source, target, url = sys.argv[1:]
reranker = Reranker(base_url=url, max_retries=0)
rerank_file(source, target, reranker, concurrency=4)
"""


@pytest.fixture
def expected(reranker: Reranker, source: Path, tmp_path: Path, standin: Standin) -> bytes:
    """What a run that nothing interrupts writes."""
    target = tmp_path / "whole.jsonl"
    rerank_file(source, target, reranker)
    standin.paid.clear()
    standin.seen.clear()
    return target.read_bytes()


def kill_after(requests: int, standin: Standin, source: Path, target: Path) -> None:
    """A process of its own that is killed when the server has got so many requests of it."""
    enough = threading.Event()
    at = standin.seen.total() + requests
    standin.on_request = lambda: enough.set() if standin.seen.total() >= at else None
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, source, target, standin.base_url]
    ) as running:
        assert enough.wait(30)
        running.send_signal(signal.SIGKILL)
        running.wait(30)
    standin.on_request = lambda: None


@pytest.mark.parametrize("kills", [1, pytest.param(20, marks=pytest.mark.slow)])
def test_a_killed_run_goes_on(
    standin: Standin, reranker: Reranker, source: Path, tmp_path: Path, expected: bytes, kills: int
) -> None:
    moments = random.Random(7)
    if kills > 1:
        source = write(tmp_path / "long.jsonl", entries(400))
        rerank_file(source, tmp_path / "long-whole.jsonl", reranker)
        expected = (tmp_path / "long-whole.jsonl").read_bytes()
        standin.paid.clear()
        standin.seen.clear()
    target = tmp_path / "out.jsonl"
    standin.latency = 0.005
    for kill in range(1, kills + 1):
        kill_after(moments.randint(1, 15), standin, source, target)
        assert standin.paid_again <= CONCURRENCY * kill
        assert not target.exists()
    report = rerank_file(source, target, reranker, concurrency=CONCURRENCY)
    assert target.read_bytes() == expected
    assert standin.paid_again <= CONCURRENCY * kills
    assert report.resumed >= 1 or kills == 1
    assert len(standin.paid) == report.queries


def stopped(reranker: Reranker, source: Path, target: Path, number: int) -> Path:
    """The journal of a run that has done so many queries."""
    rerank_file(source, target, reranker, limit=number)
    target.unlink()
    return target.with_name(target.name + ".part")


@pytest.mark.parametrize("cut", [1, 30])
def test_a_torn_line_is_cut_off(
    standin: Standin, reranker: Reranker, source: Path, tmp_path: Path, expected: bytes, cut: int
) -> None:
    target = tmp_path / "out.jsonl"
    journal = stopped(reranker, source, target, 20)
    os.truncate(journal, journal.stat().st_size - cut)
    report = rerank_file(source, target, reranker)
    assert (report.resumed, standin.paid_again) == (19, 1)
    assert target.read_bytes() == expected


def test_a_line_that_a_power_failure_left_is_asked_for_again(
    standin: Standin, reranker: Reranker, source: Path, tmp_path: Path, expected: bytes
) -> None:
    target = tmp_path / "out.jsonl"
    journal = stopped(reranker, source, target, 20)
    lines = journal.read_bytes().splitlines(keepends=True)
    lines[7] = b"\0" * (len(lines[7]) - 1) + b"\n"
    journal.write_bytes(b"".join(lines))
    assert rerank_file(source, target, reranker).resumed == 19
    assert (target.read_bytes(), standin.paid_again) == (expected, 1)


def test_only_what_has_changed_is_asked_for_again(
    standin: Standin, reranker: Reranker, source: Path, tmp_path: Path
) -> None:
    target = tmp_path / "out.jsonl"
    stopped(reranker, source, target, 20)
    lines = entries()
    lines[3]["query"] = "another query"
    lines[5]["documents"] = list(reversed(lines[5]["documents"]))  # type: ignore[call-overload]
    lines[7]["documents"][0]["id"] = "another id"  # type: ignore[index]
    write(source, [*lines[10:], *lines[:10]])
    assert rerank_file(source, target, reranker).resumed == 17
    rerank_file(source, tmp_path / "anew.jsonl", reranker)
    assert target.read_bytes() == (tmp_path / "anew.jsonl").read_bytes()


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"model": "jina-reranker"}, 'model="bge-reranker-v2", and not "jina-reranker"'),
        ({"long_documents": "truncate"}, "long_documents"),
        ({"max_tokens": 100}, "max_tokens"),
        ({"score_activation": "sigmoid"}, "score_activation"),
        ({"extra_body": {"priority": 1}}, "extra_body"),
        ({"top_n": 3}, "top_n=null, and not 3"),
        ({"count_tokens": len}, "count_tokens"),
    ],
)
def test_another_model_or_option_is_refused_by_name(
    reranker: Reranker, source: Path, tmp_path: Path, changes: dict[str, object], named: str
) -> None:
    target = tmp_path / "out.jsonl"
    journal = stopped(reranker, source, target, 5)
    before = journal.read_bytes()
    with pytest.raises(ConfigurationError, match=named):
        rerank_file(source, target, reranker.with_options(**changes))
    assert journal.read_bytes() == before
    others = {"timeout": 7.0, "max_retries": 9, "requests_per_minute": 9_999, "max_concurrency": 2}
    assert rerank_file(source, target, reranker.with_options(**others)).resumed == 5


def test_another_address_is_refused(reranker: Reranker, source: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.jsonl"
    stopped(reranker, source, target, 5)
    with pytest.raises(ConfigurationError, match="address="):
        rerank_file(source, target, Reranker(base_url="http://127.0.0.1:9/v1"))


def test_a_file_that_is_no_journal_is_left_alone(
    reranker: Reranker, source: Path, tmp_path: Path
) -> None:
    (tmp_path / "out.jsonl.part").write_text("my notes\n")
    with pytest.raises(ConfigurationError, match="is no journal"):
        rerank_file(source, tmp_path / "out.jsonl", reranker)
    assert (tmp_path / "out.jsonl.part").read_text() == "my notes\n"


def test_a_second_run_is_kept_out(
    standin: Standin, reranker: Reranker, source: Path, tmp_path: Path
) -> None:
    journal = Journal(tmp_path / "out.jsonl.part", {"format": 1})
    with pytest.raises(ConfigurationError, match="another run is writing to this target"):
        rerank_file(source, tmp_path / "out.jsonl", reranker)
    journal.close()
    assert standin.seen.total() == 0
    assert rerank_file(source, tmp_path / "out.jsonl", reranker).failed == 0


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such limit")
def test_a_full_disk_loses_nothing(
    standin: Standin, reranker: Reranker, source: Path, tmp_path: Path, expected: bytes
) -> None:
    import resource

    target = tmp_path / "out.jsonl"
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4_000, hard))
    try:
        with pytest.raises(BulkStopped, match=r"out\.jsonl\.part cannot be written"):
            rerank_file(source, target, reranker, concurrency=CONCURRENCY)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    journal = target.with_name("out.jsonl.part")
    assert 3_000 < journal.stat().st_size <= 4_000
    assert journal.read_bytes().endswith(b"\n")
    assert rerank_file(source, target, reranker).resumed > 10
    assert target.read_bytes() == expected
    assert standin.paid_again <= CONCURRENCY


def test_a_target_that_cannot_be_written_keeps_the_journal(
    standin: Standin,
    reranker: Reranker,
    source: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    target = tmp_path / "out.jsonl"

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", full)
        with pytest.raises(BulkStopped, match="No space left on device"):
            rerank_file(source, target, reranker)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["in.jsonl", "out.jsonl.part"]
    assert rerank_file(source, target, reranker).resumed == QUERIES
    assert standin.paid_again == 0


def test_a_source_that_changes_meanwhile_is_noticed(
    standin: Standin, reranker: Reranker, source: Path, tmp_path: Path
) -> None:
    standin.on_request = lambda: os.utime(source, ns=(1, standin.seen.total()))
    with pytest.raises(ConfigurationError, match="changed during the run"):
        rerank_file(source, tmp_path / "out.jsonl", reranker)
    standin.on_request = lambda: None
    assert rerank_file(source, tmp_path / "out.jsonl", reranker).resumed == QUERIES


def test_the_journal_says_what_was_paid(reranker: Reranker, source: Path, tmp_path: Path) -> None:
    journal = stopped(reranker, source, tmp_path / "out.jsonl", 3)
    first, *lines = map(json.loads, journal.read_text().splitlines())
    assert (first["format"], first["model"]) == (1, "bge-reranker-v2")
    assert first["address"] == reranker.base_url
    assert [line["q"] for line in lines] == ["q0", "q1", "q2"] or len(lines) == 3
    assert sum(line["c"] for line in lines) == pytest.approx(reranker.total_usage.cost)
    assert sum(line["t"] for line in lines) == reranker.total_usage.total_tokens


@pytest.mark.parametrize("notes", ["my notes", "{", '{"mine": 1'])
def test_a_file_without_a_line_end_is_left_alone_too(
    reranker: Reranker, source: Path, tmp_path: Path, notes: str
) -> None:
    part = tmp_path / "out.jsonl.part"
    part.write_text(notes)
    if notes == "{":  # may be the beginning of a first line that a kill has torn
        assert rerank_file(source, tmp_path / "out.jsonl", reranker).failed == 0
        return
    with pytest.raises(ConfigurationError, match="is no journal"):
        rerank_file(source, tmp_path / "out.jsonl", reranker)
    assert part.read_text() == notes


@pytest.mark.parametrize("left", [b'{"format":1,"addr', b"\0" * 300])
def test_a_torn_first_line_is_begun_anew(
    reranker: Reranker, source: Path, tmp_path: Path, left: bytes
) -> None:
    (tmp_path / "out.jsonl.part").write_bytes(left)
    assert rerank_file(source, tmp_path / "out.jsonl", reranker).queries == QUERIES


def test_a_journal_of_another_format_is_refused_as_such(
    reranker: Reranker, source: Path, tmp_path: Path
) -> None:
    target = tmp_path / "out.jsonl"
    journal = stopped(reranker, source, target, 5)
    newer = journal.read_bytes().replace(b'"format":1', b'"format":2', 1)
    journal.write_bytes(newer)
    with pytest.raises(ConfigurationError, match="another version of assisters-rerank"):
        rerank_file(source, target, reranker)
    assert journal.read_bytes() == newer


def test_damaged_lines_are_asked_for_again(
    standin: Standin, reranker: Reranker, source: Path, tmp_path: Path, expected: bytes
) -> None:
    target = tmp_path / "out.jsonl"
    journal = stopped(reranker, source, target, 20)
    lines = journal.read_bytes().splitlines(keepends=True)
    for at, damaged in enumerate(
        [
            lines[1][:20] + b"\n",
            lines[2].replace(b'"q":', b'"q":[],"z":'),
            lines[3].replace(b'"c":', b'"c":"x","z":'),
            lines[4].replace(b'"i":[', b'"i":["0",'),
            b"[]\n",
        ],
        1,
    ):
        lines[at] = damaged
    journal.write_bytes(b"".join(lines))
    assert rerank_file(source, target, reranker).resumed == 15
    assert (target.read_bytes(), standin.paid_again) == (expected, 5)


@pytest.mark.skipif(sys.platform == "win32", reason="other locks")
def test_a_folder_without_locks_is_refused(
    reranker: Reranker, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fcntl

    def none(*_: object) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(fcntl, "flock", none)
    with pytest.raises(ConfigurationError, match=r"cannot be locked: No locks available\."):
        rerank_file(source, tmp_path / "out.jsonl", reranker)
