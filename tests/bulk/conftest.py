"""What the tests of bulk runs share: a server, and a file of queries."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from assisters_rerank import Reranker

from .standin import Standin, serving

QUERIES = 40


@pytest.fixture
def standin() -> Iterator[Standin]:
    with serving() as standin:
        yield standin


@pytest.fixture
def reranker(standin: Standin) -> Reranker:
    """Without waits between its attempts, of which there is one."""
    return Reranker(base_url=standin.base_url, max_retries=0, prices={"bge-reranker-v2": 0.05})


def entries(number: int = QUERIES) -> list[dict[str, object]]:
    return [
        {
            "query_id": f"q{query}",
            "query": f"query {query}",
            "documents": [
                {"id": f"d{query}-{at}", "text": f"text {query} {at}"} for at in range(5)
            ],
        }
        for query in range(number)
    ]


def write(path: Path, lines: list[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write(tmp_path / "in.jsonl", entries())
