"""Spark, Dask and Daft over `BatchReranker`: the same scores, the bound, and no job that fails."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from assisters_rerank import Reranker

from .conftest import entries
from .standin import Standin

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

QUERIES = 200
ROOT = Path(__file__).parents[2]


def test_the_page_has_the_recipes_that_are_run() -> None:
    source = Path(__file__).with_name("engines.py").read_text(encoding="utf-8")
    page = (ROOT / "docs" / "engines.md").read_text(encoding="utf-8")
    for engine, code in re.findall(r"^def (\w+)\(.*\n((?:    .*\n|\n)+)", source, flags=re.M):
        assert f"```python\n{textwrap.dedent(code).strip()}\n```" in page, engine


@pytest.mark.engines
@pytest.mark.parametrize("engine", ["spark", "dask", "daft"])
def test_a_recipe_gives_every_query_once(standin: Standin, tmp_path: Path, engine: str) -> None:
    pytest.importorskip({"spark": "pyspark"}.get(engine, engine))
    rows = entries(QUERIES)
    table = pa.table(
        {
            "query_id": [row["query_id"] for row in rows],
            "query": [row["query"] for row in rows],
            "doc_ids": [["a", "b"] for _ in rows],
            "documents": [["one text", "another"] for _ in rows],
        }
    )
    pq.write_table(table, tmp_path / "candidates.parquet")
    standin.latency = 0.005
    standin.refusal = lambda query: (500, "broken") if query == "query 7" else None
    environment = {
        **os.environ,
        "ASSISTERS_BASE_URL": standin.base_url,
        "ASSISTERS_API_KEY": "ask_a_secret_that_nobody_may_see",
        "PYTHONPATH": str(ROOT),
        "PYSPARK_PYTHON": sys.executable,
    }
    done = subprocess.run(
        [sys.executable, "-m", "tests.bulk.engines", engine],
        env=environment,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ask_a_secret" not in done.stdout + done.stderr
    files = sorted((tmp_path / f"ranked-by-{engine}").rglob("*.parquet"))
    found = pa.concat_tables([pq.read_table(file) for file in files], promote_options="permissive")
    by_id = {row["query_id"]: row for row in found.to_pylist()}
    assert len(by_id) == found.num_rows == QUERIES
    assert by_id["q7"]["error"].startswith("StatusError: ")
    assert 1 < standin.most_in_flight <= 6
    assert standin.paid_again == 0
    reranker = Reranker(base_url=standin.base_url, max_retries=0)
    for at in set(range(QUERIES)) - {7}:
        ranking = reranker.rerank(f"query {at}", ["one text", "another"])
        row = by_id[f"q{at}"]
        assert row["doc_ids"] == ["ab"[ranked.index] for ranked in ranking]
        assert row["scores"] == [ranked.relevance_score for ranked in ranking]
