"""Bulk runs from parquet to parquet, next to bare aiohttp with orjson over the same files.

`python -m benchmarks.bulk` takes all figures, `--smoke` fewer queries. Every run has an
interpreter of its own. It needs the extra `bulk`, aiohttp and orjson.
"""

from __future__ import annotations

import asyncio
import json
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from assisters_rerank import Reranker
from assisters_rerank.bulk import rerank_file
from assisters_rerank.bulk.batches import BatchReranker
from assisters_rerank.bulk.journal import Journal
from benchmarks.measure import Figure, show
from benchmarks.server import serving

AT_ONCE = 32
SENTENCE = "A list of the files in this folder that match the pattern, as the shell would do it. "
BARS = {
    "processor": 4.0,
    "batches": 5.0,
    "time": 1.3,
    "journal": 8.0,
    "memory": 350.0,
    "growth": 1.2,
}
LATENCY = 0.05

Taken = dict[str, dict[str, float]]


def run(queries: int = 2_000, rounds: int = 3) -> list[Figure]:
    """Processor time and time, of 100 and of 10 documents in a query; the journal's share."""
    figures = []
    for documents in (100, 10):
        taken = _rounds(queries, documents, rounds)
        about = f"{documents} documents"
        least = queries / AT_ONCE * LATENCY
        bare, bulk = _middle(taken, "bare"), _middle(taken, "bulk")
        pairs = queries * documents / 1e6
        journal = _middle(taken, "bulk", "journal") / bulk
        figures += [
            Figure(f"a pair, {about}, bare", bare / pairs, None, "µs"),
            Figure(f"a pair, {about}, bulk run", bulk / pairs, None, "µs"),
            Figure(f"processor time, {about}, of bare's", bulk / bare, BARS["processor"]),
            Figure(
                f"`BatchReranker`, {about}, of the bulk run's",
                _middle(taken, "batches") / bulk,
                BARS["batches"],
            ),
            Figure(f"the journal's share, {about}", 100 * journal, BARS["journal"], "%"),
            Figure(
                f"bare, {about}, of the server's time",
                _middle(taken, "bare", "seconds") / least,
                None,
            ),
            # One process has not the time for 32 lists of 100 in 50 ms, so that has no bar.
            Figure(
                f"bulk run, {about}, of the server's time",
                _middle(taken, "bulk", "seconds") / least,
                BARS["time"] if documents == 10 else None,
            ),
        ]
    return show(f"Bulk runs, {queries:,} queries", figures)


def memory() -> list[Figure]:
    """The peak of the process; what grows with the queries, and with the documents."""
    peaks = {each: _peak_of(*each) for each in ((10_000, 100), (10_000, 10), (100_000, 10))}
    figures = [
        Figure(f"{queries:,} queries of {documents}, peak", peak, BARS["memory"], "MB")
        for (queries, documents), peak in peaks.items()
    ]
    growth = peaks[100_000, 10] / peaks[10_000, 10]
    return show(
        "Memory of bulk runs",
        [*figures, Figure("100,000 queries, of 10,000's", growth, BARS["growth"])],
    )


def _rounds(queries: int, documents: int, rounds: int) -> list[Taken]:
    with tempfile.TemporaryDirectory() as folder:
        source = _written(Path(folder) / "in.parquet", queries, documents)
        with serving(seconds=LATENCY, generation=2) as url:
            return [
                {kind: _fresh(kind, source, url) for kind in ("bare", "bulk", "batches")}
                for _ in range(rounds)
            ]


def _middle(taken: list[Taken], kind: str, name: str = "processor") -> float:
    return statistics.median(each[kind][name] for each in taken)


def _peak_of(queries: int, documents: int) -> float:
    with tempfile.TemporaryDirectory() as folder, serving(generation=2) as url:
        source = _written(Path(folder) / "in.parquet", queries, documents)
        return _fresh("bulk", source, url)["memory"]


def _written(path: Path, queries: int, documents: int) -> Path:
    """Documents of some 60 tokens, in row groups of 500 queries.

    What tells the requests apart is not where the server looks, so that it answers at once.
    """
    schema: Any = pa.schema(
        [("query_id", pa.string()), ("query", pa.string()), ("documents", pa.list_(pa.string()))]
    )
    texts = [f"{at:03} {SENTENCE * 3}" for at in range(1, documents)]
    with pq.ParquetWriter(path, schema) as writer:
        for first in range(0, queries, 500):
            names = [f"q{at:07}" for at in range(first, min(first + 500, queries))]
            asked = [f"{SENTENCE * 3}{name}" for name in names]
            lists = [[f"{name} {SENTENCE * 3}", *texts] for name in names]
            writer.write_table(pa.table([names, asked, lists], schema=schema))
    return path


def _fresh(kind: str, source: Path, url: str) -> dict[str, float]:
    target = source.with_name("out.parquet")
    target.unlink(missing_ok=True)
    command = [sys.executable, "-m", "benchmarks.bulk", kind, str(source), str(target), url]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout))


def _measure(kind: str, source: str, target: str, url: str) -> dict[str, float]:
    journal = [0.0]
    if kind == "bulk":
        _time_journal(journal)
    measured = {"bare": _bare, "bulk": _bulk, "batches": _batches}[kind]
    # What is imported and connected once is no part of the figures.
    with tempfile.TemporaryDirectory() as folder:
        few = _written(Path(folder) / "few.parquet", 32, 10)
        measured(str(few), f"{folder}/out.parquet", url)
    journal[0] = 0.0
    began, processor = time.perf_counter(), time.process_time()
    measured(source, target, url)
    return {
        "seconds": time.perf_counter() - began,
        "processor": time.process_time() - processor,
        "memory": _peak(),
        "journal": journal[0],
    }


def _peak() -> float:
    """Megabytes; of the process itself, and not of what it was forked from."""
    status = Path("/proc/self/status")
    if not status.exists():
        return float("nan")
    return int(status.read_text().split("VmHWM:")[1].split()[0]) / 1024


def _time_journal(spent: list[float]) -> None:
    """Adds the processor time of each thread in the journal's writing and syncing to `spent`."""
    for name in ("add", "sync"):
        method = getattr(Journal, name)

        def timed(*given: Any, method: Any = method) -> None:
            began = time.thread_time()
            method(*given)
            spent[0] += time.thread_time() - began

        setattr(Journal, name, timed)


def _bulk(source: str, target: str, url: str) -> None:
    report = rerank_file(source, target, Reranker(base_url=url), concurrency=AT_ONCE)
    assert not report.failed


def _batches(source: str, target: str, url: str) -> None:
    """What an engine's worker does with its tables, one after the other."""
    worker = BatchReranker(lambda: Reranker(base_url=url), concurrency=AT_ONCE)
    with pq.ParquetFile(source) as read:
        tables = [worker(batch) for batch in read.iter_batches(500)]
    pq.write_table(pa.concat_tables(tables), target)


def _bare(source: str, target: str, url: str) -> None:
    asyncio.run(_bare_loop(source, target, url))


async def _bare_loop(source: str, target: str, url: str) -> None:
    with pq.ParquetFile(source) as read:
        rows = (row for batch in read.iter_batches(64) for row in batch.to_pylist())
        found: list[tuple[str, int, int, float]] = []
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector) as session:

            async def work() -> None:
                for row in rows:
                    asked = {k: row[k] for k in ("query", "documents")} | {"model": "m"}
                    data = orjson.dumps(asked)
                    headers = {"Content-Type": "application/json"}
                    async with session.post(f"{url}/rerank", data=data, headers=headers) as answer:
                        results = orjson.loads(await answer.read())["results"]
                    found.extend(
                        (row["query_id"], each["index"], rank, each["relevance_score"])
                        for rank, each in enumerate(results, 1)
                    )

            await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    columns = [pa.array(column) for column in zip(*found, strict=True)]
    pq.write_table(pa.table(columns, names=["query_id", "doc_id", "rank", "score"]), target)


if __name__ == "__main__":
    if len(sys.argv) > 4:
        print(json.dumps(_measure(*sys.argv[1:])))
    else:
        names = ("pyarrow", "aiohttp", "orjson", "httpx")
        print(f"Python {platform.python_version()},", *(f"{n} {version(n)}," for n in names))
        if "--smoke" in sys.argv:
            run(200, 1)
        else:
            run()
            memory()
