"""A cache that fails is logged, and costs its scores and nothing else."""

from __future__ import annotations

import itertools
import logging
import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import anyio
import numpy as np
import pytest
import trio

from assisters_rerank import CachedScore, MemoryCache, Reranker, SqliteCache
from assisters_rerank.cache import sqlite_file

from ...faults.server import HostileServer
from ..answers import honest
from ..expectation import assert_right
from ..scripted_port import ScriptedPort, rank
from .test_call_cache import Call, sent, worlds

TEXTS = ["a", "b", "c"]
RUNS = pytest.mark.parametrize("run", [anyio.run, trio.run], ids=["asyncio", "trio"])


class Garbage:
    """Gives what it is told to give, and keeps nothing."""

    def __init__(self, give: Callable[[Sequence[str]], Any]) -> None:
        self._give = give

    def get_many(self, keys: Sequence[str]) -> Any:
        return self._give(keys)

    def set_many(self, scores: Mapping[str, CachedScore]) -> None:
        pass


def entries(entry: object) -> Callable[[Sequence[str]], Any]:
    return lambda keys: {keys[0]: entry, keys[1]: (0.5, "bge-reranker-v2")}


GARBAGE: dict[str, Callable[[Sequence[str]], Any]] = {
    "raises": lambda keys: 1 / 0,
    "raises-timeout": lambda keys: (_ for _ in ()).throw(TimeoutError("redis")),
    "none": lambda keys: None,
    "number": lambda keys: 7,
    "generator-that-raises": lambda keys: (1 / 0 for _ in keys),
    "nan": entries((float("nan"), None)),
    "infinite": entries((float("inf"), "m")),
    "too-large": entries((10**400, "m")),
    "bool": entries((True, "m")),
    "score-as-text": entries(("0.5", "m")),
    "model-as-number": entries((0.5, 7)),
    "bytes": entries((0.5, b"m")),
    "no-model": entries((0.5,)),
    "too-long": entries((0.5, "m", 1)),
    "bare-score": entries(0.5),
    "two-letters": entries("ab"),
    "mapping": entries({"score": 0.5, "model": "m"}),
    "null": entries(None),
}


@pytest.mark.parametrize("give", GARBAGE.values(), ids=GARBAGE)
def test_garbage_is_logged_and_everything_is_asked_for(
    give: Callable[[Sequence[str]], Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "assisters_rerank")
    port = ScriptedPort([honest])
    ranking = rank(port, TEXTS, cache=Garbage(give))
    assert_right(ranking, TEXTS)
    assert sent(port) == [TEXTS]
    assert ranking.usage.documents_cached == 0
    (record,) = caplog.records
    assert "cache" in record.getMessage()


@pytest.mark.parametrize("give", [lambda keys: {}, lambda keys: {"other": (0.5, None)}])
def test_what_was_not_asked_for_is_not_looked_at(
    give: Callable[[Sequence[str]], Any], caplog: pytest.LogCaptureFixture
) -> None:
    assert_right(rank(ScriptedPort([honest]), TEXTS, cache=Garbage(give)), TEXTS)
    assert caplog.records == []


@pytest.mark.parametrize("score", [1, 0, -3, np.float64(0.5)])
def test_every_finite_number_is_a_score(score: float) -> None:
    """JSON of other makers, and databases, give 1.0 back as 1."""
    cache = Garbage(lambda keys: dict.fromkeys(keys, (score, "bge-reranker-v2")))
    ranking = rank(ScriptedPort([]), ["a"], cache=cache)
    assert ranking[0].relevance_score == score
    assert type(ranking[0].relevance_score) is float


class Broken(MemoryCache):
    """Fails where it is told to."""

    def __init__(self, *where: str) -> None:
        super().__init__()
        self.where = where

    def get_many(self, keys: Sequence[str]) -> dict[str, CachedScore]:
        if "get" in self.where:
            raise OSError("SECRET-free reason")
        return super().get_many(keys)

    def set_many(self, scores: Mapping[str, CachedScore]) -> None:
        if "set" in self.where:
            raise OSError("SECRET-free reason")
        super().set_many(scores)


@worlds
@pytest.mark.parametrize("where", [("get",), ("set",), ("get", "set")])
def test_a_cache_that_raises_changes_nothing_but_the_log(
    where: tuple[str, ...], call: Call, honest_server: HostileServer,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    caplog.set_level(logging.WARNING, "assisters_rerank")
    reranker = Reranker(
        base_url=honest_server.url, cache=Broken(*where), max_documents_per_request=2
    )
    assert_right(call(reranker, TEXTS), TEXTS)
    assert len(honest_server.requests) == 2
    assert len(caplog.records) == ("get" in where) + 2 * ("set" in where)
    assert all("SECRET-free reason" in record.getMessage() for record in caplog.records)


def test_a_read_that_fails_keeps_nothing_from_being_written() -> None:
    cache = Broken("get")
    rank(ScriptedPort([honest]), TEXTS, cache=cache)
    cache.where = ()
    rank(ScriptedPort([]), TEXTS, cache=cache)


def test_a_keyboard_interrupt_is_no_failing_cache() -> None:
    def interrupted(keys: Sequence[str]) -> Any:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rank(ScriptedPort([]), TEXTS, cache=Garbage(interrupted))


class Hanging(MemoryCache):
    """Hangs where it is told to, until the test ends."""

    def __init__(self, where: str) -> None:
        super().__init__()
        self.where = where
        self.over = threading.Event()

    def get_many(self, keys: Sequence[str]) -> dict[str, CachedScore]:
        if self.where == "get":
            self.over.wait(10)
        return super().get_many(keys)

    def set_many(self, scores: Mapping[str, CachedScore]) -> None:
        if self.where == "set":
            self.over.wait(10)
        super().set_many(scores)


@RUNS
def test_a_read_that_hangs_costs_its_scores_not_the_call(
    run: Callable[..., object], honest_server: HostileServer
) -> None:
    cache = Hanging("get")
    reranker = Reranker(base_url=honest_server.url, cache=cache, timeout=2)

    async def main() -> None:
        before = anyio.current_time()
        assert_right(await reranker.arerank("q", TEXTS), TEXTS)
        assert anyio.current_time() - before < 2
        cache.over.set()

    run(main)


@pytest.mark.parametrize("where", ["get", "set"])
def test_a_slow_cache_of_a_sync_call_takes_none_of_the_requests_time(where: str) -> None:
    class Slow(MemoryCache):
        def get_many(self, keys: Sequence[str]) -> dict[str, CachedScore]:
            port.clock += 100 * (where == "get")
            return super().get_many(keys)

        def set_many(self, scores: Mapping[str, CachedScore]) -> None:
            port.clock += 100 * (where == "set")

    port = ScriptedPort([honest] * 3)
    options = {"cache": Slow(), "timeout": 5, "max_documents_per_request": 1}
    assert_right(rank(port, TEXTS, **options), TEXTS)
    assert all(0 < sent.budget <= 5 for sent in port.sent)


@RUNS
def test_a_write_that_hangs_costs_no_scores(
    run: Callable[..., object], honest_server: HostileServer, caplog: pytest.LogCaptureFixture
) -> None:
    cache = Hanging("set")
    reranker = Reranker(base_url=honest_server.url, cache=cache, timeout=0.3)

    async def main() -> None:
        before = anyio.current_time()
        assert_right(await reranker.arerank("q", TEXTS), TEXTS)
        assert anyio.current_time() - before < 2
        cache.over.set()

    run(main)
    assert "cache" in caplog.text


@RUNS
def test_a_cancelled_call_leaves_a_hanging_cache_alone(
    run: Callable[..., object], never_asked: dict[str, Any]
) -> None:
    cache = Hanging("get")
    reranker = Reranker(base_url="https://h.test/v1", cache=cache, **never_asked)

    async def main() -> None:
        with anyio.move_on_after(0.05) as scope:
            await reranker.arerank("q", TEXTS)
        assert scope.cancelled_caught
        cache.over.set()

    run(main)


def corrupt(path: Path) -> None:
    path.write_bytes(b"SQLite format 3\0" + bytes(range(256)) * 40)


def foreign(path: Path) -> None:
    path.write_text("name,score\n" * 100)


def another_database(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE mine (a)")
    connection.close()


def locked(path: Path) -> sqlite3.Connection:
    with SqliteCache(path) as cache:
        cache.set_many({"k": CachedScore(0.5, None)})
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    connection.execute("BEGIN EXCLUSIVE")
    return connection


def in_a_folder_that_is_a_file(path: Path) -> None:
    path.parent.rmdir()
    path.parent.write_text("a file")


BROKEN_FILES: dict[str, Callable[[Path], sqlite3.Connection | None]] = {
    "corrupt": corrupt,
    "foreign": foreign,
    "another-database": another_database,
    "locked": locked,
    "no-folder": in_a_folder_that_is_a_file,
}


@pytest.mark.parametrize("break_it", BROKEN_FILES.values(), ids=BROKEN_FILES)
@worlds
def test_a_file_that_can_not_be_used_changes_nothing_but_the_log(
    break_it: Callable[[Path], sqlite3.Connection | None],
    call: Call,
    honest_server: HostileServer,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sqlite_file, "PATIENCE", 0.01)
    path = tmp_path / "folder" / "scores.db"
    path.parent.mkdir()
    holding = break_it(path)
    with SqliteCache(path) as cache, Reranker(base_url=honest_server.url, cache=cache) as reranker:
        for _ in range(2):
            assert_right(call(reranker, TEXTS), TEXTS)
    assert len(honest_server.requests) == 2
    assert len(caplog.records) == 4
    assert all(str(path.parent) in record.getMessage() for record in caplog.records)
    if holding is not None:
        holding.close()


def test_a_lock_that_ends_lets_the_cache_work_again(
    honest_server: HostileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_file, "PATIENCE", 0.01)
    holding = locked(tmp_path / "scores.db")
    with (
        SqliteCache(tmp_path / "scores.db") as cache,
        Reranker(base_url=honest_server.url, cache=cache) as reranker,
    ):
        reranker.rerank("q", TEXTS)
        holding.close()
        reranker.rerank("q", TEXTS)
        assert_right(reranker.rerank("q", TEXTS), TEXTS)
    assert len(honest_server.requests) == 2


def test_every_shards_write_may_fail_by_itself() -> None:
    class Every(MemoryCache):
        calls = itertools.count()

        def set_many(self, scores: Mapping[str, CachedScore]) -> None:
            if next(self.calls) % 2:
                raise OSError("no")
            super().set_many(scores)

    cache = Every()
    assert_right(
        rank(ScriptedPort([honest] * 3), TEXTS, cache=cache, max_documents_per_request=1), TEXTS
    )
    assert len(cache) == 2
