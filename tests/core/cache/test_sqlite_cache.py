"""The cache in a file: as good as a dict, whoever else uses it, and whatever befalls it."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import sqlite3
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Set
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assisters_rerank import CachedScore, ConfigurationError, ScoreCache
from assisters_rerank.cache import sqlite_cache, sqlite_file
from assisters_rerank.cache.sqlite_cache import SqliteCache

from ..forked import ended, in_child

pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
can_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")

BATCH = 50


def batch(number: int) -> dict[str, CachedScore]:
    """Entries whose scores follow from their keys."""
    return {f"{number} {i}": CachedScore(number / 7 + i / 3, "m") for i in range(BATCH)}


def assert_whole(path: Path, written: set[int], maybe: Set[int] = frozenset()) -> None:
    """The file is intact, and holds these batches, perhaps some of the others, each as a whole."""
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        rows = connection.execute("SELECT key, score, model FROM scores").fetchall()
    held = {key: CachedScore(score, model) for key, score, model in rows}
    numbers = {int(key.split()[0]) for key in held}
    assert written <= numbers <= written | maybe
    assert held == {key: score for number in numbers for key, score in batch(number).items()}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "scores.db"


@pytest.fixture
def cache(path: Path) -> Iterator[SqliteCache]:
    with SqliteCache(path) as cache:
        yield cache


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_file, "PATIENCE", 0.1)


# ---- a dict

keys = st.sampled_from(["a", "b", "c", "\x00", "ä"]) | st.text(max_size=2)
floats = st.floats(allow_nan=False) | st.sampled_from([0.0, -0.0, 1.0, -1e300, 2.0**53, 5e-324])
entries = st.dictionaries(keys, st.builds(CachedScore, floats, st.none() | st.text(max_size=3)))


@given(st.lists(entries | st.lists(keys, max_size=5) | st.sampled_from(["clear", "close"])))
@settings(max_examples=40, deadline=None)
def test_it_is_a_dict_whose_scores_keep_every_bit(
    steps: list[dict[str, CachedScore] | list[str] | str],
) -> None:
    model: dict[str, CachedScore] = {}
    with tempfile.TemporaryDirectory() as folder, SqliteCache(Path(folder) / "c.db") as cache:
        for step in [*steps, "close"]:
            if isinstance(step, dict):
                cache.set_many(step)
                model |= step
            elif step == "clear":
                cache.clear()
                model.clear()
            elif step == "close":
                cache.close()
                cache = SqliteCache(cache.path)
            else:
                assert cache.get_many(step) == {key: model[key] for key in step if key in model}
        assert len(cache) == len(model)
        got = cache.get_many(list(model))
        assert {key: (struct.pack("<d", s), m) for key, (s, m) in got.items()} == {
            key: (struct.pack("<d", s), m) for key, (s, m) in model.items()
        }


@pytest.mark.parametrize("count", [499, 500, 501, 2_500])
def test_any_number_of_keys(cache: SqliteCache, count: int) -> None:
    scores = {str(i): CachedScore(i / 3, None) for i in range(count)}
    cache.set_many(scores)
    assert cache.get_many([*scores, "absent", *scores]) == scores


def test_a_bound_drops_what_was_written_first(path: Path) -> None:
    with SqliteCache(path, max_entries=2 * BATCH) as cache:
        for number in range(5):
            cache.set_many(batch(number))
        assert_whole(path, {3, 4})
        size = path.stat().st_size
        for number in range(5, 100):
            cache.set_many(batch(number))
    assert_whole(path, {98, 99})
    assert path.stat().st_size <= 3 * size


def test_nothing_is_written_if_one_entry_cannot_be(cache: SqliteCache, path: Path) -> None:
    cache.set_many(batch(0))
    with pytest.raises(sqlite3.IntegrityError):
        cache.set_many({**batch(1), "x": CachedScore(float("nan"), None)})
    with pytest.raises(UnicodeEncodeError):
        cache.set_many({**batch(1), "x": CachedScore(0.5, "\ud800")})
    assert_whole(path, {0})
    cache.set_many(batch(1))
    assert_whole(path, {0, 1})


def test_nothing_is_touched_before_it_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    cache = SqliteCache("new/folder/:memory:")
    assert isinstance(cache, ScoreCache)
    cache.set_many({})
    assert cache.get_many([]) == {}
    cache.close()
    assert list(tmp_path.iterdir()) == []
    cache = SqliteCache("new/folder/:memory:")
    monkeypatch.chdir("/")
    cache.set_many(batch(1))
    cache.close()
    assert_whole(tmp_path / "new" / "folder" / ":memory:", {1})
    assert repr(cache) == f"SqliteCache({str(tmp_path / 'new/folder/:memory:')!r})"
    assert repr(SqliteCache("/a", max_entries=3)) == "SqliteCache('/a', max_entries=3)"


@pytest.mark.parametrize(
    ("path", "bound", "told"),
    [
        (tempfile.gettempdir(), None, "is a folder"),
        ("", None, "is a folder"),
        (b"/a", None, "not bytes"),
        (None, None, "not NoneType"),
        ("a\0b", None, "null character"),
        ("/a", 0, "max_entries"),
        ("/a", True, "max_entries"),
    ],
)
def test_impossible_settings_are_refused(path: str, bound: int | None, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told) as refused:
        SqliteCache(path, max_entries=bound)
    assert "\n" not in str(refused.value)


# ---- others that use it at the same time


def test_threads_share_a_cache(cache: SqliteCache, path: Path) -> None:
    def work(thread: int) -> None:
        for number in range(thread * 10, thread * 10 + 10):
            cache.set_many(batch(number))
            assert cache.get_many(list(batch(number))) == batch(number)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert_whole(path, set(range(80)))


def _write_and_read(path: Path, own: range) -> int:
    hits = 0
    with SqliteCache(path) as cache:
        for number in own:
            cache.set_many(batch(number))
            for other in {number, *random.sample(range(120), 5)}:
                found = cache.get_many(list(batch(other)))
                assert found in ({}, batch(other))
                hits += bool(found)
    return hits


def test_processes_share_a_file_that_none_of_them_has_made(path: Path) -> None:
    with ProcessPoolExecutor(3, multiprocessing.get_context("spawn")) as pool:
        parts = [range(start, start + 40) for start in (0, 40, 80)]
        hits = [pool.submit(_write_and_read, path, part) for part in parts]
        assert all(done.result(60) >= 40 for done in hits)
    assert_whole(path, set(range(120)))


@can_fork
def test_many_processes_make_the_file_at_the_same_moment(tmp_path: Path) -> None:
    for turn in range(10):
        path = tmp_path / f"{turn}.db"
        reader, writer = os.pipe()

        def work(
            number: int, path: Path = path, reader: int = reader, writer: int = writer
        ) -> None:
            os.close(writer)
            os.read(reader, 1)  # until the parent closes its end
            SqliteCache(path).set_many(batch(number))

        children = [in_child(lambda number=number: work(number)) for number in range(6)]
        os.close(writer)
        assert [ended(child) for child in children] == [0] * 6
        os.close(reader)
        assert_whole(path, set(range(6)))


@can_fork
def test_a_process_killed_at_any_moment_leaves_the_file_intact(path: Path) -> None:
    cache, written, maybe = SqliteCache(path, max_entries=10_000), set[int](), set[int]()
    moments = random.Random(0)
    for turn in range(25):
        start = turn * 1000
        reader, writer = os.pipe()

        def write(start: int = start, writer: int = writer) -> None:
            for number in range(start, start + 900):
                cache.set_many(batch(number))
                os.write(writer, number.to_bytes(4, "big"))

        child = in_child(write)
        os.close(writer)
        time.sleep(moments.uniform(0, 0.04))
        os.kill(child, signal.SIGKILL)
        with open(reader, "rb") as pipe:
            told = pipe.read()
        assert ended(child) == -signal.SIGKILL
        done = {int.from_bytes(told[i : i + 4], "big") for i in range(0, len(told), 4)}
        written |= done
        maybe.add(start + len(done))
        if turn % 2:  # another process goes on, with what the killed one left behind
            with SqliteCache(path, max_entries=10_000) as other:
                other.set_many(batch(start + 999))
            written.add(start + 999)
    assert len(written) > 25
    # The bound of 200 batches has dropped the first ones, if that many were written.
    kept = set(sorted(written)[-190:])
    assert_whole(path, kept, written | maybe)


@can_fork
def test_a_child_opens_the_file_for_itself_and_outlives_its_parents_use(path: Path) -> None:
    # A child that relied on its parent's locks would write into a log that the parent has deleted.
    cache = SqliteCache(path)
    cache.set_many(batch(0))
    told, closed = os.pipe(), os.pipe()

    def work() -> None:
        os.close(closed[1])
        assert cache.get_many(list(batch(0))) == batch(0)
        cache.set_many(batch(1))
        os.write(told[1], b".")
        os.read(closed[0], 1)
        cache.set_many(batch(2))

    child = in_child(work)
    os.close(told[1])
    assert os.read(told[0], 1) == b"."
    cache.set_many(batch(3))
    cache.close()
    assert Path(f"{path}-wal").exists()  # the child's, still in use
    os.close(closed[1])
    assert ended(child) == 0
    os.close(told[0])
    os.close(closed[0])
    assert_whole(path, {0, 1, 2, 3})


@can_fork
def test_children_forked_while_another_thread_writes(path: Path) -> None:
    cache, stop, written = SqliteCache(path), threading.Event(), set[int]()

    def write() -> None:
        number = 1000
        while not stop.is_set():
            cache.set_many(batch(number))
            written.add(number)
            number += 1

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write)
        try:
            for number in range(15):
                assert ended(in_child(lambda number=number: cache.set_many(batch(number)))) == 0
        finally:
            stop.set()
        writing.result(10)
    assert_whole(path, {*range(15), *written})


@can_fork
@pytest.mark.usefixtures("impatient")
def test_a_child_forked_in_the_middle_of_a_use_does_without_the_cache(
    cache: SqliteCache, path: Path
) -> None:
    children: list[int] = []

    class Forking(list[str]):
        def __getitem__(self, some: object) -> list[str]:
            def work() -> None:
                for _ in range(2):
                    with pytest.raises(sqlite3.OperationalError, match="process forked"):
                        cache.get_many(["a"])
                cache.close()

            children.append(in_child(work))
            return list(self)

    cache.set_many(batch(0))
    assert cache.get_many(Forking(batch(0))) == batch(0)
    assert ended(children[0]) == 0
    cache.set_many(batch(1))
    assert_whole(path, {0, 1})


# ---- what befalls a file


@pytest.mark.timed
def test_a_locked_file_is_an_error_after_a_second(cache: SqliteCache, path: Path) -> None:
    cache.set_many(batch(0))
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert cache.get_many(list(batch(0))) == batch(0)
        start = time.monotonic()
        with pytest.raises(sqlite3.OperationalError, match="locked") as locked:
            cache.set_many(batch(1))
        assert 0.5 < time.monotonic() - start < 2.5
        assert str(path) in str(locked.value)
    cache.set_many(batch(1))
    assert_whole(path, {0, 1})


@pytest.mark.usefixtures("impatient")
def test_a_file_that_another_process_keeps_for_itself(cache: SqliteCache, path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            cache.get_many(["a"])
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            cache.set_many(batch(0))
    cache.set_many(batch(0))
    assert_whole(path, {0})


@pytest.mark.timed
def test_threads_wait_for_a_locked_file_together_not_one_after_the_other(
    cache: SqliteCache, path: Path
) -> None:
    cache.set_many(batch(0))
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        start = time.monotonic()
        with ThreadPoolExecutor(8) as pool:
            failed = [pool.submit(cache.set_many, batch(1)).exception for _ in range(8)]
            assert all(isinstance(error(), sqlite3.OperationalError) for error in failed)
        assert time.monotonic() - start < 4


@can_fork
def test_a_full_disk(path: Path) -> None:
    resource = pytest.importorskip("resource")
    cache = SqliteCache(path)
    cache.set_many(batch(0))
    reader, writer = os.pipe()

    def write(numbers: range) -> None:
        for number in numbers:
            cache.set_many(batch(number))
            os.write(writer, number.to_bytes(4, "big"))

    def fill() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        limit = path.stat().st_size + 100_000
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        with pytest.raises(sqlite3.OperationalError, match=r"full|I/O"):
            write(range(1, 1000))
        assert cache.get_many(list(batch(0))) == batch(0)
        with suppress(sqlite3.OperationalError):
            cache.close()

    child = in_child(fill)
    os.close(writer)
    with open(reader, "rb") as pipe:
        told = pipe.read()
    assert ended(child) == 0
    written = {int.from_bytes(told[i : i + 4], "big") for i in range(0, len(told), 4)}
    assert 0 < len(written) < 999
    cache.set_many(batch(1000))
    cache.close()
    assert_whole(path, {0, 1000, *written})


def assert_refused_and_left_alone(path: Path, told: str) -> None:
    before = path.read_bytes()
    with SqliteCache(path) as cache:
        for use in (
            lambda: cache.get_many(["a"]),
            lambda: cache.set_many(batch(0)),
            cache.clear,
            cache.__len__,
        ):
            with pytest.raises(sqlite3.DatabaseError, match=told) as refused:
                use()
            assert str(refused.value).startswith(f"{path}: ")
    assert path.read_bytes() == before


@pytest.mark.parametrize("size", [2, 99, 100, 511, 512, 4096, 20_000])
def test_a_file_of_random_bytes(path: Path, size: int) -> None:
    path.write_bytes(random.Random(size).randbytes(size))
    assert_refused_and_left_alone(path, "not a database")


@pytest.mark.parametrize("share", [0.01, 0.05, 0.3, 0.5, 0.9])
def test_a_file_that_was_cut_off(cache: SqliteCache, path: Path, share: float) -> None:
    cache.set_many({key: score for number in range(20) for key, score in batch(number).items()})
    cache.close()
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    assert_refused_and_left_alone(path, "malformed|not a database")


def test_a_damaged_file_yields_what_was_written_or_an_error(cache: SqliteCache, path: Path) -> None:
    scores = {key: score for number in range(10) for key, score in batch(number).items()}
    cache.set_many(scores)
    cache.close()
    whole, draw = path.read_bytes(), random.Random(0)
    hits = failures = 0
    for turn in range(40):
        if turn % 2:
            damaged = whole[: -draw.randrange(1, 4096)]  # SQLite takes what is missing for zeros
        else:
            place, length = draw.randrange(100, len(whole)), draw.choice([1, 8, 300, 5000])
            damaged = whole[:place] + draw.randbytes(length) + whole[place + length :]
        path.write_bytes(damaged)
        with SqliteCache(path) as cut:
            for key in draw.sample(list(scores), 100):
                try:
                    found = cut.get_many([key])
                except sqlite3.DatabaseError:
                    failures += 1
                else:
                    assert found in ({}, {key: scores[key]})
                    hits += len(found)
    assert hits
    assert failures


@pytest.mark.parametrize(
    ("statements", "told"),
    [
        ("CREATE TABLE scores (key TEXT, score REAL, model TEXT)", "no cache of scores"),
        ("PRAGMA user_version = 1", "no cache of scores"),
        ("PRAGMA application_id = 77; CREATE TABLE a (b)", "no cache of scores"),
        ("PRAGMA application_id = 1634955875; PRAGMA user_version = 2", "format 2"),
        ("PRAGMA application_id = 1634955875; PRAGMA user_version = 0", "format 0"),
    ],
)
def test_a_database_that_is_no_cache_of_ours(path: Path, statements: str, told: str) -> None:
    with closing(sqlite3.connect(path)) as other:
        other.executescript(statements)
    assert_refused_and_left_alone(path, told)


@pytest.mark.parametrize("damage", ["score = 0.25", "score = 'high'", "score = 1", "model = 'n'"])
def test_what_was_not_written_is_not_returned(cache: SqliteCache, path: Path, damage: str) -> None:
    cache.set_many(batch(0))
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("PRAGMA ignore_check_constraints = ON")
        other.execute(f"UPDATE scores SET {damage} WHERE key = '0 1'")
    assert cache.get_many(["0 2"]) == {"0 2": batch(0)["0 2"]}
    with pytest.raises(sqlite3.DatabaseError, match="damaged"):
        cache.get_many(["0 1", "0 2"])
    cache.set_many(batch(0))
    assert cache.get_many(list(batch(0))) == batch(0)


def test_an_empty_file_becomes_a_cache(path: Path) -> None:
    path.touch()
    with SqliteCache(path) as cache:
        cache.set_many(batch(0))
    assert_whole(path, {0})


@can_fork
@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_may_not_be_written(kind: str) -> None:
    with tempfile.TemporaryDirectory() as folder:  # another user can't reach into tmp_path
        path = Path(folder) / "scores.db"
        with SqliteCache(path) as cache:
            cache.set_many(batch(0))
        cache = SqliteCache(path)
        path.chmod(0o444)
        Path(folder).chmod(0o777 if kind == "file" else 0o555)

        def use() -> None:
            if os.getuid() == 0:
                os.setuid(65534)
            with pytest.raises(sqlite3.OperationalError, match="readonly"):
                cache.set_many(batch(1))
            if kind == "file":
                assert cache.get_many(list(batch(0))) == batch(0)
            else:  # the log of what was written last can't be looked into
                with pytest.raises(sqlite3.OperationalError, match="readonly"):
                    cache.get_many(list(batch(0)))
                with pytest.raises(PermissionError):
                    SqliteCache(Path(folder) / "new" / "scores.db").set_many(batch(0))

        assert ended(in_child(use)) == 0
        Path(folder).chmod(0o755)
        path.chmod(0o644)
        assert_whole(path, {0})


def test_a_folder_where_a_file_is(path: Path) -> None:
    path.touch()
    with pytest.raises(OSError, match=r"exists|directory"):
        SqliteCache(path / "scores.db").get_many(["a"])


def test_it_is_closed_with_the_interpreter_and_leaves_no_log(path: Path) -> None:
    script = (
        "import sys; from assisters_rerank.cache.sqlite_cache import SqliteCache\n"
        "cache = SqliteCache(sys.argv[1]); cache.set_many({'a': (0.5, None)})"
    )
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-c", script, str(path)], capture_output=True, check=True
    )
    assert done.stderr == b""
    assert [file.name for file in path.parent.iterdir()] == [path.name]


# ---- closed, bounded, read by many


def test_once_closed_it_reads_writes_and_makes_nothing_and_says_so_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "folder" / "scores.db"
    with SqliteCache(path) as cache:
        cache.set_many(batch(0))
    path.unlink()
    path.parent.rmdir()
    cache.set_many(batch(1))
    cache.clear()
    assert (cache.get_many(list(batch(0))), len(cache)) == ({}, 0)
    assert not path.parent.exists()
    (record,) = caplog.records
    assert str(path) in record.getMessage()


def test_what_is_written_again_drives_nothing_out(path: Path) -> None:
    with SqliteCache(path, max_entries=3 * BATCH) as cache:
        cache.set_many(batch(0))
        for _ in range(20):
            cache.set_many(batch(1))
        cache.set_many(batch(2))
        assert len(cache) == 3 * BATCH
        cache.set_many(batch(0))  # in its old place, which is the first to go
        cache.set_many(batch(3))
        assert_whole(path, {1, 2, 3})


def test_gaps_of_earlier_releases_count_for_nothing(path: Path) -> None:
    with SqliteCache(path) as cache:
        for number in range(3):
            cache.set_many(batch(number))
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("UPDATE scores SET rowid = rowid * 1000 WHERE rowid > 10")
    with SqliteCache(path, max_entries=4 * BATCH) as cache:
        cache.set_many(batch(3))
        assert_whole(path, {0, 1, 2, 3})
        cache.set_many(batch(4))
        assert len(cache) == 4 * BATCH


def test_a_file_far_beyond_a_new_bound_shrinks_step_by_step(path: Path) -> None:
    with SqliteCache(path) as cache:
        cache.set_many({str(i): CachedScore(0.5, None) for i in range(2_000)})
    with SqliteCache(path, max_entries=100) as cache:
        sizes = []
        for number in range(15):
            cache.set_many(batch(number))
            sizes.append(len(cache))
    assert sizes[0] == 2_000 - sqlite_cache._STEP
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] == 100


def test_readers_do_not_exclude_each_other(cache: SqliteCache) -> None:
    cache.set_many(batch(0))
    met = threading.Barrier(4)

    class Meeting(list[str]):
        def __getitem__(self, some: object) -> list[str]:  # in the middle of the read
            met.wait(5)
            return list(self)

    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(cache.get_many, [Meeting(batch(0)) for _ in range(4)]):
            assert found == batch(0)


def test_a_reader_waits_for_its_turn(cache: SqliteCache) -> None:
    cache.set_many(batch(0))
    with ThreadPoolExecutor(40) as pool:
        assert all(it == batch(0) for it in pool.map(cache.get_many, [list(batch(0))] * 400))


@pytest.mark.parametrize("use", ["get_many", "set_many", "close"])
def test_a_finalizer_may_use_the_file_in_the_middle_of_a_use(cache: SqliteCache, use: str) -> None:
    cache.set_many(batch(0))

    class Finalizing(list[str]):
        def __getitem__(self, some: object) -> list[str]:
            with suppress(sqlite3.Error):
                getattr(cache, use)(
                    *{"get_many": [list(batch(0))], "set_many": [batch(0)]}.get(use, [])
                )
            return list(self)

    done = threading.Thread(target=lambda: cache.get_many(Finalizing(batch(0))), daemon=True)
    done.start()
    done.join(5)
    assert not done.is_alive()
