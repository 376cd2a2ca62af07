"""The processor time of Ray's adapter, next to a bulk run over the same file and server.

`python -m benchmarks.bulk_in_ray`; `--smoke` takes fewer queries. It needs the extras `bulk` and
`ray`, and a /proc to read. The server's time is its own, and counts on neither side.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

from assisters_rerank import Reranker
from assisters_rerank.bulk.ray import rerank
from benchmarks.bulk import AT_ONCE, BARS, LATENCY, _fresh, _written
from benchmarks.measure import Figure, show
from benchmarks.server import serving

_EVERY = 0.05  # seconds, after which the actor takes its time down again


def run(queries: int = 3_000, rounds: int = 3) -> list[Figure]:
    """Of the actor since its first table, of its whole process, and of all that Ray starts."""
    figures = []
    for documents in (100, 10):
        taken = _rounds(queries, documents, rounds)
        about = f"{documents} documents"
        figures += [
            Figure(f"a pair, {about}, {kind}", _middle(taken, kind), None, "µs")
            for kind in ("bulk", "actor", "process", "all")
        ]
        figures += [
            Figure(f"{kind}, {about}, of the bulk run's", _ratio(taken, kind), bar)
            for kind, bar in (("actor", BARS["batches"]), ("process", None), ("all", None))
        ]
    return show(f"Ray's adapter, {queries:,} queries", figures)


def _rounds(queries: int, documents: int, rounds: int) -> list[dict[str, float]]:
    taken = []
    with tempfile.TemporaryDirectory() as folder, serving(seconds=LATENCY, generation=2) as url:
        source = _written(Path(folder) / "in.parquet", queries, documents)
        for at in range(rounds):
            bulk = {"bulk": _fresh("bulk", source, url)["processor"]}
            found = bulk | _in_ray(source, Path(folder) / f"ray-{at}", url)
            taken.append({kind: spent / queries / documents * 1e6 for kind, spent in found.items()})
    return taken


def _middle(taken: list[dict[str, float]], kind: str) -> float:
    return statistics.median(each[kind] for each in taken)


def _ratio(taken: list[dict[str, float]], kind: str) -> float:
    return statistics.median(each[kind] / each["bulk"] for each in taken)


def _in_ray(source: Path, target: Path, url: str) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.bulk_in_ray", str(source), str(target), url]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def _measure(source: str, target: str, url: str) -> None:
    note = f"{target}.times"

    def make() -> Reranker:
        threading.Thread(target=_take_down, args=(note,), daemon=True).start()
        return Reranker(base_url=url)

    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    ray, data = import_module("ray"), import_module("ray.data")
    ray.init(num_cpus=4, include_dashboard=False, log_to_driver=False)
    before = _spent_by(_family())
    rerank(data.read_parquet(source), make, concurrency=AT_ONCE).write_parquet(target)
    # Processes that ended meanwhile are not seen, which are few and short.
    spent = sum(_spent_by(_family()).values()) - sum(before.values())
    times = list(map(float, Path(note).read_text().split()))
    print(json.dumps({"actor": times[-1] - times[0], "process": times[-1], "all": spent}))


def _take_down(note: str) -> None:
    """In the actor: its processor time, again and again, since it ends without a word."""
    with Path(note).open("a", buffering=1) as file:
        while True:
            file.write(f"{time.process_time()}\n")
            time.sleep(_EVERY)


def _family() -> set[int]:
    """This process and all that it has started, by their numbers."""
    parents = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = status.read_text()
        except OSError:  # it has ended
            continue
        parents[int(status.parent.name)] = int(text.rpartition(")")[2].split()[1])
    found = {os.getpid()}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def _spent_by(processes: set[int]) -> dict[int, float]:
    """Seconds of a processor, also of ended processes that were waited for."""
    tick = os.sysconf("SC_CLK_TCK")
    spent = {}
    for process in processes:
        try:
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        spent[process] = sum(map(int, fields[11:15])) / tick
    return spent


if __name__ == "__main__":
    if len(sys.argv) > 3:
        _measure(*sys.argv[1:])
    else:
        names = ("ray", "pyarrow", "aiohttp", "httpx")
        print(f"Python {platform.python_version()},", *(f"{n} {version(n)}," for n in names))
        if "--smoke" in sys.argv:
            run(500, 1)
        else:
            run()
