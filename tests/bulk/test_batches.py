"""`BatchReranker`: what goes into a worker, how many queries are under way, what fails."""

from __future__ import annotations

import asyncio
import os
import pickle
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from assisters_rerank import ConfigurationError, MemoryCache, Reranker
from assisters_rerank.bulk.ray import _Actor, _for_ray, rerank

from .conftest import no_utf8
from .standin import Standin, score

pa = pytest.importorskip("pyarrow")

from assisters_rerank.bulk import BatchReranker  # noqa: E402

MADE: list[int] = []
URL: list[str] = []


def make() -> Reranker:
    MADE.append(threading.get_ident())
    return Reranker(base_url=URL[0], max_retries=0)


@pytest.fixture(autouse=True)
def address(standin: Standin) -> None:
    MADE.clear()
    URL[:] = [standin.base_url]


def table(first: int, number: int) -> Any:
    queries = range(first, first + number)
    return pa.table(
        {
            "query_id": [f"q{at}" for at in queries],
            "query": [f"query {at}" for at in queries],
            "doc_ids": [["a", "b"] for _ in queries],
            "documents": [["one text", "another"] for _ in queries],
        }
    )


def test_a_row_for_each_query_in_order(standin: Standin) -> None:
    rows = BatchReranker(make)(table(0, 20)).to_pylist()
    assert [row["query_id"] for row in rows] == [f"q{at}" for at in range(20)]
    for at, row in enumerate(rows):
        scores = {
            name: score(f"query {at}", text) for name, text in (("a", "one text"), ("b", "another"))
        }
        best = sorted(scores, key=lambda name: -scores[name])
        assert row == {
            "query_id": f"q{at}",
            "doc_ids": best,
            "scores": [scores[name] for name in best],
            "model": "standin-1",
            "error": None,
        }


def test_record_batches_and_empty_tables(standin: Standin) -> None:
    worker = BatchReranker(make)
    assert worker(table(0, 3).to_batches()[0]).num_rows == 3
    assert worker(table(0, 0)).num_rows == 0


def test_the_bound_holds_for_all_threads(standin: Standin) -> None:
    standin.latency = 0.01
    worker = BatchReranker(make, concurrency=3)
    with ThreadPoolExecutor(4) as threads:
        tables = list(threads.map(lambda at: worker(table(at * 10, 10)), range(4)))
    assert [one.num_rows for one in tables] == [10] * 4
    assert standin.most_in_flight == 3
    assert len(MADE) == 1


def test_tables_are_ranked_one_after_the_other(standin: Standin) -> None:
    """What is half done when a worker is killed is paid for again: that is one table, not all."""
    standin.latency = 0.005
    worker = BatchReranker(make, concurrency=3)
    futures = [worker.submit(table(at * 20, 20)) for at in range(3)]
    ends: list[tuple[int, int]] = []
    for at, future in enumerate(futures):
        future.add_done_callback(lambda _, at=at: ends.append((at, standin.seen.total())))  # type: ignore[misc]
    assert [one.result(10).num_rows for one in futures] == [20] * 3
    for at, seen in sorted(ends):
        assert seen <= (at + 1) * 20 + 2 * 3


def test_a_table_that_nobody_waits_for_takes_no_seat(standin: Standin) -> None:
    standin.latency = 30
    worker = BatchReranker(make, concurrency=2)
    given_up = worker.submit(table(0, 9))
    while standin.seen.total() < 2:
        time.sleep(0.001)
    given_up.cancel()
    standin.latency = 0
    assert worker.submit(table(9, 9)).result(10).num_rows == 9


def test_one_failure_is_a_value(standin: Standin) -> None:
    standin.refusal = lambda query: (400, "no") if query == "query 1" else None
    given = table(0, 4).to_pylist()
    given[2]["query"] = None
    given[3]["documents"] = None
    rows = BatchReranker(make)(pa.Table.from_pylist(given)).to_pylist()
    assert [row["query_id"] for row in rows] == ["q0", "q1", "q2", "q3"]
    assert rows[0]["error"] is None
    assert rows[1]["error"].startswith("InvalidRequestError: ")
    assert rows[2]["error"] == "ConfigurationError: the row: the query must be a string."
    assert rows[3]["error"].startswith("ConfigurationError: ")
    assert [row["scores"] for row in rows[1:]] == [None] * 3


@pytest.mark.parametrize("column", ["query_id", "query", "documents", "doc_ids"])
def test_a_value_that_cannot_be_read_is_one_failure(standin: Standin, column: str) -> None:
    columns: dict[str, Any] = table(0, 2).to_pydict()
    columns |= {"documents": [["a"], ["b"]], "doc_ids": [["a"], ["b"]]}
    columns[column] = no_utf8(in_lists=column.startswith("doc"))
    rows = BatchReranker(make)(pa.table(columns)).to_pylist()
    assert "cannot be read: it is no UTF-8" in rows[0]["error"]
    assert rows[0]["query_id"] == (None if column == "query_id" else "q0")
    assert rows[1]["error"] is None


def broken(_: str) -> int:
    raise RuntimeError("no such vocabulary")


def test_whatever_fails_is_a_value(standin: Standin) -> None:
    worker = BatchReranker(lambda: make().with_options(count_tokens=broken, tokens_per_minute=9))
    rows = worker(table(0, 2)).to_pylist()
    assert all("no such vocabulary" in row["error"] for row in rows)


def test_it_is_pickled_before_and_after_its_first_use(standin: Standin) -> None:
    worker = BatchReranker(make, concurrency=3)
    assert pickle.loads(pickle.dumps(worker))(table(0, 2)).num_rows == 2
    worker(table(0, 2))
    assert pickle.loads(pickle.dumps(worker))(table(0, 2)).num_rows == 2
    assert len(MADE) == 3


def test_a_reranker_that_loses_nothing_may_be_given(
    standin: Standin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSISTERS_BASE_URL", standin.base_url)
    monkeypatch.setenv("ASSISTERS_API_KEY", "ask_a_secret_that_nobody_may_see")
    worker = BatchReranker(Reranker(max_retries=0))
    data = pickle.dumps(worker)
    assert b"ask_a_secret" not in data
    assert "ask_a_secret" not in repr(worker) + str(vars(worker))
    assert pickle.loads(data)(table(0, 2)).column("error").to_pylist() == [None, None]
    for settings, named in (
        ({"api_key": "ask_a_secret_that_nobody_may_see"}, "api_key"),
        ({"cache": MemoryCache(), "count_tokens": len}, "cache and count_tokens"),
    ):
        with pytest.raises(ConfigurationError, match=named):
            BatchReranker(Reranker(**settings))


def test_a_missing_column_is_named() -> None:
    with pytest.raises(ConfigurationError, match="no column documents"):
        BatchReranker(make)(pa.table({"query_id": ["a"], "query": ["b"]}))
    with pytest.raises(ConfigurationError, match="concurrency"):
        BatchReranker(make, concurrency=0)


@pytest.mark.parametrize("ids", [["7", "8"], [7, 8]])
def test_ray_gets_the_ids_as_they_came(standin: Standin, ids: list[object]) -> None:
    """Its checkpoint knows queries by them: texts in the place of numbers ended the next run."""

    async def ranked(given: Any) -> Any:
        return [each async for each in _Actor(BatchReranker(make))(given)]

    given = table(0, 2).set_column(0, "query_id", pa.array(ids))
    (found,) = asyncio.run(ranked(given))
    assert found.schema.field("query_id").type == given.schema.field("query_id").type
    assert found.column("query_id").to_pylist() == ids
    assert found.column("error").null_count == 2


def test_several_workers_need_a_limit_to_share(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    for arguments, message in (
        ({"num_workers": 2}, "give requests_per_minute or tokens_per_minute"),
        ({"num_workers": 4, "requests_per_minute": 3}, "3 is less than 1 for each of 4"),
        ({"num_workers": 0}, "give at least 1"),
    ):
        with pytest.raises(ConfigurationError, match=message):
            rerank(None, make, **arguments)


@pytest.mark.parametrize("path", ["s3://bucket/folder", "file:///folder", "/folder/checkpoint"])
def test_ray_gets_addresses_and_absolute_paths_as_they_are(path: str) -> None:
    assert _for_ray(path) == path


@pytest.mark.parametrize("path", ["checkpoint", "./a/checkpoint", "../checkpoint"])
def test_ray_gets_no_path_that_depends_on_the_working_folder(path: str) -> None:
    assert Path(_for_ray(path)) == (Path.cwd() / path).resolve()


@pytest.mark.parametrize("address", ["s3://bucket/folder", "gs://bucket", "file:///folder"])
def test_an_address_that_has_lost_a_slash_is_refused(address: str) -> None:
    with pytest.raises(ConfigurationError, match=r"checkpoint: .* give it as text"):
        _for_ray(os.fspath(Path(address)))
