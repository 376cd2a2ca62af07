"""However a run ends: what is under way is kept, other calls go on, and the target is free."""

from __future__ import annotations

import asyncio
import json
import threading
from pathlib import Path

import pytest

from assisters_rerank import ConfigurationError, Reranker
from assisters_rerank.bulk import BulkProgress, arerank_file, file_runs, rerank_file
from assisters_rerank.bulk.bulk_run import BulkRun

from .conftest import QUERIES, entries, write
from .standin import Standin


def test_runs_and_calls_of_one_reranker_leave_each_other_alone(
    standin: Standin, reranker: Reranker, tmp_path: Path
) -> None:
    """The end of the short run is not the end of the connections."""
    standin.latency = 0.01
    short = write(tmp_path / "short.jsonl", entries(4))
    long = write(tmp_path / "long.jsonl", [{**one, "query": "other"} for one in entries(200)])

    async def calls() -> None:
        for _ in range(20):
            await reranker.arerank("a call", ["one", "another"])

    async def all_at_once() -> list[int]:
        runs = [
            arerank_file(short, tmp_path / "short-out.jsonl", reranker),
            arerank_file(long, tmp_path / "long-out.jsonl", reranker),
        ]
        reports, _ = await asyncio.gather(asyncio.gather(*runs), calls())
        return [report.failed for report in reports]

    assert asyncio.run(all_at_once()) == [0, 0]


def test_a_refusal_ends_no_run_that_had_answers(
    standin: Standin, reranker: Reranker, source: Path, tmp_path: Path
) -> None:
    target = tmp_path / "out.jsonl"
    standin.refusal = lambda query: (400, "no") if query == "query 7" else None
    for resumed in (0, QUERIES - 1):
        report = rerank_file(source, target, reranker)
        assert (report.resumed, report.failed) == (resumed, 1)
    write(source, entries(QUERIES + 5))
    report = rerank_file(source, target, reranker)
    assert (report.queries, report.failed, standin.paid_again) == (QUERIES + 5, 1, 0)


def test_an_unusable_row_is_no_reason_to_pay_twice(
    standin: Standin, reranker: Reranker, tmp_path: Path
) -> None:
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    standin.latency = 0.01
    rows = [{"query_id": str(at), "query": f"q {at}", "documents": ["a"]} for at in range(100)]
    rows[80]["documents"] = [None]  # type: ignore[list-item]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "in.parquet")
    with pytest.raises(ConfigurationError, match="row 80: every document must"):
        rerank_file(tmp_path / "in.parquet", tmp_path / "out.jsonl", reranker)
    rows[80]["documents"] = ["a"]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "in.parquet")
    rerank_file(tmp_path / "in.parquet", tmp_path / "out.jsonl", reranker)
    assert len(standin.paid) == 100
    assert standin.paid_again == 0


def test_what_a_function_of_the_caller_raises_ends_the_run_and_keeps_what_is_under_way(
    standin: Standin, reranker: Reranker, source: Path, tmp_path: Path
) -> None:
    def count(text: str) -> int:
        if text == "query 30":
            raise RuntimeError("no such vocabulary")
        return 1

    standin.latency = 0.01
    counting = reranker.with_options(count_tokens=count, tokens_per_minute=10**6)
    for _ in range(2):
        with pytest.raises(RuntimeError, match="no such vocabulary"):
            rerank_file(source, tmp_path / "out.jsonl", counting, concurrency=4)
    assert standin.paid_again == 0


def test_a_broken_progress_ends_the_run_and_its_lock(
    standin: Standin, reranker: Reranker, source: Path, tmp_path: Path
) -> None:
    def broken(progress: BulkProgress) -> None:
        if progress.done:
            raise RuntimeError("the bar is broken")

    standin.latency = 0.05
    with pytest.raises(RuntimeError, match="the bar is broken"):
        rerank_file(source, tmp_path / "out.jsonl", reranker, concurrency=2, progress=broken)
    assert rerank_file(source, tmp_path / "out.jsonl", reranker).failed == 0
    assert standin.paid_again == 0


def test_a_twin_that_is_cancelled_while_it_prepares_lets_the_target_go(
    reranker: Reranker, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, may_go_on, closed = threading.Event(), threading.Event(), threading.Event()
    prepared, close = file_runs.prepared, BulkRun.close

    def slow(*given: object) -> BulkRun:
        begun.set()
        assert may_go_on.wait(10)
        return prepared(*given)  # type: ignore[arg-type]

    def close_and_tell(run: BulkRun) -> None:
        close(run)
        closed.set()

    async def cancelled() -> None:
        task = asyncio.ensure_future(arerank_file(source, tmp_path / "out.jsonl", reranker))
        assert await asyncio.to_thread(begun.wait, 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        may_go_on.set()
        assert await asyncio.to_thread(closed.wait, 10)

    with monkeypatch.context() as patched:
        patched.setattr(file_runs, "prepared", slow)
        patched.setattr(BulkRun, "close", close_and_tell)
        asyncio.run(cancelled())
    assert rerank_file(source, tmp_path / "out.jsonl", reranker).failed == 0


def test_documents_with_ids_may_be_objects_in_parquet_too(
    standin: Standin, reranker: Reranker, source: Path, tmp_path: Path
) -> None:
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    rows = [json.loads(line) for line in source.read_text().splitlines()]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "in.parquet")
    rerank_file(source, tmp_path / "out.jsonl", reranker)
    rerank_file(tmp_path / "in.parquet", tmp_path / "other.jsonl", reranker)
    assert (tmp_path / "out.jsonl").read_bytes() == (tmp_path / "other.jsonl").read_bytes()
    twice = pa.table(
        [["a"], ["b"], ["b"], [["c"]]], names=["query_id", "query", "query", "documents"]
    )
    pq.write_table(twice, tmp_path / "twice.parquet")
    with pytest.raises(ConfigurationError, match="two columns have one name"):
        rerank_file(tmp_path / "twice.parquet", tmp_path / "third.jsonl", reranker)
