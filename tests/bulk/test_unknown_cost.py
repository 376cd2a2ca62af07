"""`max_cost` of a bulk run, where nobody knows what the server bills."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from assisters_rerank import ConfigurationError, Reranker
from assisters_rerank.bulk import rerank_file


def test_it_ends_after_the_first_query(tmp_path: Path) -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        asked.append(body["query"])
        scores = [{"index": at, "relevance_score": 0.5} for at in range(len(body["documents"]))]
        return httpx.Response(200, json={"model": "m", "results": scores})

    rows = [{"query_id": f"q{at}", "query": f"query {at}", "documents": ["a"]} for at in range(9)]
    source = tmp_path / "in.jsonl"
    source.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    client = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    reranker = Reranker(base_url="http://scorer.test/v1", async_http_client=client)
    with pytest.raises(ConfigurationError, match="max_cost: what the calls cost is not known"):
        rerank_file(source, tmp_path / "out.jsonl", reranker, max_cost=1)
    assert asked == ["query 0"]
    priced = reranker.model_copy(update={"prices": {reranker.model: 1.0}})
    assert rerank_file(source, tmp_path / "out.jsonl", priced, max_cost=1).failed == 0
    assert sorted(asked) == sorted(row["query"] for row in rows)
