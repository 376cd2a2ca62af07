"""Ray Data, in a cluster of this machine. `-m engines` runs it, where Ray is installed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assisters_rerank import Reranker
from assisters_rerank.bulk import rerank_file

from .conftest import entries, write
from .standin import Standin

pytestmark = pytest.mark.engines
pytest.importorskip("ray")
pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

Record = Callable[[str, object], None]

QUERIES = 300
CONCURRENCY = 4
BLOCK = 64

PROGRAM = """
import json, os, sys
import ray
from assisters_rerank import Reranker
from assisters_rerank.bulk.ray import rerank

source, target, options = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])

def make():
    with open(target + ".pids", "a") as file:
        file.write(f"{os.getpid()}\\n")
    return Reranker(max_retries=0)

cpus = max(4, options.get("num_workers", 1) + 2)
ray.init(num_cpus=cpus, include_dashboard=False, object_store_memory=200_000_000)
ranked = rerank(ray.data.read_parquet(source), make, **options)
print(ranked)
ranked.write_parquet(target)
print("finished")
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return written(tmp_path / "in.parquet", QUERIES)


def written(path: Path, queries: int) -> Path:
    rows: list[dict[str, Any]] = entries(queries)
    table = pa.table(
        {
            "query_id": [row["query_id"] for row in rows],
            "query": [row["query"] for row in rows],
            "doc_ids": [[each["id"] for each in row["documents"]] for row in rows],
            "documents": [[each["text"] for each in row["documents"]] for row in rows],
        }
    )
    pq.write_table(table, path)
    return path


def start(standin: Standin, source: Path, target: Path, **options: object) -> subprocess.Popen[str]:
    words = [sys.executable, "-c", PROGRAM, str(source), str(target), json.dumps(options)]
    environment = {
        **os.environ,
        "ASSISTERS_BASE_URL": standin.base_url,
        "ASSISTERS_API_KEY": "ask_a_secret_that_nobody_may_see",
        "RAY_USAGE_STATS_ENABLED": "0",
    }
    return subprocess.Popen(
        words,
        env=environment,
        cwd=target.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def ids_in(folder: Path) -> list[str]:
    found: list[str] = pq.read_table(folder).column("query_id").to_pylist()
    return found


def finished(running: subprocess.Popen[str]) -> str:
    said, _ = running.communicate(timeout=400)
    assert running.returncode == 0, said
    assert "ask_a_secret" not in said
    return said


def test_the_scores_are_those_of_a_file(standin: Standin, source: Path, tmp_path: Path) -> None:
    standin.latency = 0.01
    standin.refusal = lambda query: (500, "broken") if query == "query 7" else None
    finished(start(standin, source, tmp_path / "out", concurrency=6))
    assert 1 < standin.most_in_flight <= 6
    rows = {row["query_id"]: row for row in pq.read_table(tmp_path / "out").to_pylist()}
    assert len(rows) == QUERIES
    assert rows["q7"]["error"].startswith("StatusError: ")
    lines = write(tmp_path / "in.jsonl", entries(QUERIES))
    rerank_file(lines, tmp_path / "out.jsonl", Reranker(base_url=standin.base_url, max_retries=0))
    for line in map(json.loads, (tmp_path / "out.jsonl").read_text().splitlines()):
        row = rows[line["query_id"]]
        assert row["doc_ids"] == [result["doc_id"] for result in line["results"]]
        assert row["scores"] == [result["score"] for result in line["results"]]


def test_a_killed_driver_goes_on_from_its_checkpoint(
    standin: Standin, source: Path, tmp_path: Path, record_property: Record
) -> None:
    standin.latency = 0.4
    enough = threading.Event()
    standin.on_request = lambda: enough.set() if len(standin.paid) >= 200 else None
    checkpoint = "checkpoint"  # in the working folder, which Ray's workers do not share
    running = start(
        standin, source, tmp_path / "out", concurrency=CONCURRENCY, checkpoint=checkpoint
    )
    assert enough.wait(240)
    running.kill()
    running.communicate()
    written = {f"query {name[1:]}" for name in ids_in(tmp_path / "checkpoint")}
    standin.latency = 0.0
    finished(
        start(standin, source, tmp_path / "out", concurrency=CONCURRENCY, checkpoint=checkpoint)
    )
    ids = ids_in(tmp_path / "out")
    assert sorted(ids) == sorted(f"q{at}" for at in range(QUERIES))
    record_property("written, paid again", (len(written), standin.paid_again))
    assert len(written) >= BLOCK
    assert not {query for query in written if standin.paid[query] > 1}
    # The block under way, which the worker goes on with until Ray ends it; and on a busy machine
    # the one before, which waits to be written.
    assert standin.paid_again <= 2 * BLOCK


def test_a_killed_actor_is_started_anew(
    standin: Standin, source: Path, tmp_path: Path, record_property: Record
) -> None:
    standin.latency = 0.05
    enough = threading.Event()
    standin.on_request = lambda: enough.set() if len(standin.paid) >= 200 else None
    running = start(standin, source, tmp_path / "out", concurrency=CONCURRENCY)
    assert enough.wait(240)
    first = int((tmp_path / "out.pids").read_text().split()[-1])
    os.kill(first, signal.SIGKILL)
    standin.latency = 0.0
    finished(running)
    assert int((tmp_path / "out.pids").read_text().split()[-1]) != first
    ids = pq.read_table(tmp_path / "out").column("query_id").to_pylist()
    assert sorted(ids) == sorted(f"q{at}" for at in range(QUERIES))
    record_property("paid again", standin.paid_again)
    assert standin.paid_again <= BLOCK + CONCURRENCY


def test_sixteen_workers_share_an_account_without_a_refusal(
    standin: Standin, tmp_path: Path, record_property: Record
) -> None:
    """The account has 800 requests a minute, and there are 1,024: a block for each worker."""
    counts: Counter[int] = Counter()
    refused: list[str] = []
    began: list[float] = []

    def refusal(query: str) -> tuple[int, str] | None:
        began[:] = began or [time.monotonic()]
        minute = int((time.monotonic() - began[0]) // 60)
        counts[minute] += 1
        if counts[minute] <= 800:
            return None
        refused.append(query)
        return 429, "too many requests"

    standin.refusal = refusal
    source = written(tmp_path / "in.parquet", 1_024)
    finished(start(standin, source, tmp_path / "out", num_workers=16, requests_per_minute=800))
    workers = len(set((tmp_path / "out.pids").read_text().split()))
    record_property("workers, requests in each minute, refused", (workers, counts, refused))
    assert not refused
    assert workers > 8
    rows = pq.read_table(tmp_path / "out")
    assert (len(standin.paid), rows.num_rows, rows["error"].null_count) == (1_024, 1_024, 1_024)


def test_the_limit_is_divided(standin: Standin, source: Path, tmp_path: Path) -> None:
    """A limit that never holds: what matters is that both workers have theirs."""
    finished(
        start(standin, source, tmp_path / "out", num_workers=2, requests_per_minute=2 * QUERIES)
    )
    assert len(standin.paid) == QUERIES
    assert standin.paid_again == 0
