"""Ray Data, in a cluster of this machine. `-m engines` runs it, where Ray is installed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from assisters_rerank import Reranker
from assisters_rerank.bulk import rerank_file

from .conftest import entries, write
from .standin import Standin

pytestmark = pytest.mark.engines
pytest.importorskip("ray")
pq = pytest.importorskip("pyarrow.parquet")

QUERIES = 300

PROGRAM = """
import json, os, sys
import ray
from assisters_rerank import Reranker
from assisters_rerank.bulk.ray import rerank

source, target, options = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])

def make():
    return Reranker(max_retries=0)

ray.init(num_cpus=4, include_dashboard=False, object_store_memory=200_000_000)
ranked = rerank(ray.data.read_parquet(source), make, **options)
print(ranked)
ranked.write_parquet(target)
print("finished")
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    import pyarrow as pa

    rows = entries(QUERIES)
    table = pa.table(
        {
            "query_id": [row["query_id"] for row in rows],
            "query": [row["query"] for row in rows],
            "doc_ids": [[each["id"] for each in row["documents"]] for row in rows],  # type: ignore[attr-defined]
            "documents": [[each["text"] for each in row["documents"]] for row in rows],  # type: ignore[attr-defined]
        }
    )
    pq.write_table(table, tmp_path / "in.parquet")
    return tmp_path / "in.parquet"


def start(standin: Standin, source: Path, target: Path, **options: object) -> subprocess.Popen[str]:
    words = [sys.executable, "-c", PROGRAM, str(source), str(target), json.dumps(options)]
    environment = {
        **os.environ,
        "ASSISTERS_BASE_URL": standin.base_url,
        "ASSISTERS_API_KEY": "ask_a_secret_that_nobody_may_see",
        "RAY_USAGE_STATS_ENABLED": "0",
    }
    return subprocess.Popen(
        words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def finished(running: subprocess.Popen[str]) -> str:
    said, _ = running.communicate(timeout=180)
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
    standin: Standin, source: Path, tmp_path: Path
) -> None:
    standin.latency = 0.05
    enough = threading.Event()
    standin.on_request = lambda: enough.set() if len(standin.paid) >= 200 else None
    checkpoint = str(tmp_path / "checkpoint")
    running = start(standin, source, tmp_path / "out", concurrency=4, checkpoint=checkpoint)
    assert enough.wait(120)
    running.kill()
    running.communicate()
    standin.latency = 0.0
    finished(start(standin, source, tmp_path / "out", concurrency=4, checkpoint=checkpoint))
    ids = pq.read_table(tmp_path / "out").column("query_id").to_pylist()
    assert sorted(ids) == sorted(f"q{at}" for at in range(QUERIES))
    # Blocks of 64: those that were under way, or were not written yet.
    assert standin.paid_again <= 4 * 64


def test_the_limit_is_divided(standin: Standin, source: Path, tmp_path: Path) -> None:
    """A limit that never holds: what matters is that both workers have theirs."""
    finished(
        start(standin, source, tmp_path / "out", num_workers=2, requests_per_minute=2 * QUERIES)
    )
    assert len(standin.paid) == QUERIES
    assert standin.paid_again == 0
