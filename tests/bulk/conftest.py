"""What the tests of bulk runs share: a server, and a file of queries."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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


def no_utf8(*, in_lists: bool = False) -> Any:
    """Two texts for Arrow, or two lists of one, of which the first is not UTF-8."""
    import pyarrow as pa

    buffers = [None, pa.py_buffer(b"\0\0\0\0\2\0\0\0\4\0\0\0"), pa.py_buffer(b"\xff\xfeok")]
    texts = pa.Array.from_buffers(pa.string(), 2, buffers)
    return pa.ListArray.from_arrays(pa.array([0, 1, 2]).cast("int32"), texts) if in_lists else texts


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write(tmp_path / "in.jsonl", entries())
