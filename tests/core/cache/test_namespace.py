"""`cache_namespace` keeps apart what a user's own client changes; a warning says so once."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from assisters_rerank import MemoryCache, Reranker, Usage

from ..answers import scored

TEXTS = ["a", "b"]


def answer(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json=scored(json.loads(request.content)))


def client(**changes: Any) -> httpx.Client:
    return httpx.Client(transport=httpx.MockTransport(answer), **changes)


def usage(cache: MemoryCache, **options: Any) -> Usage:
    options = {"http_client": client(), **options}
    return Reranker(base_url="https://h.test/v1", cache=cache, **options).rerank("q", TEXTS).usage


def test_scores_of_another_namespace_are_not_found() -> None:
    cache = MemoryCache()
    asked = [usage(cache, cache_namespace=name).requests for name in ("", "a", "b", "a", "", "b")]
    assert asked == [1, 1, 1, 0, 0, 0]


@pytest.mark.parametrize("changes", [{"headers": {"X-Instruct": "legal"}}, {"params": {"v": "2"}}])
@pytest.mark.parametrize("which", ["http_client", "async_http_client"])
def test_a_client_of_its_own_kind_is_told_of_once(
    changes: dict[str, Any], which: str, caplog: pytest.LogCaptureFixture
) -> None:
    of_its_own = client(**changes) if which == "http_client" else httpx.AsyncClient(**changes)
    options = {"http_client": client(), which: of_its_own}
    cache = MemoryCache()
    reranker = Reranker(base_url="https://h.test/v1", cache=cache, **options)
    for _ in range(2):
        reranker.rerank("q", TEXTS)
        reranker.with_options(top_n=1).rerank("q", TEXTS)
    (record,) = [each for each in caplog.records if each.name == "assisters_rerank"]
    assert "cache_namespace" in record.getMessage()
    assert "legal" not in record.getMessage()


@pytest.mark.parametrize("options", [{}, {"http_client": client(headers={"X-A": "b"})}])
def test_nothing_is_told_where_nothing_can_be_mixed_up(
    options: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    usage(MemoryCache(), cache_namespace="a" if options else "", **options)
    Reranker(base_url="https://h.test/v1", **{"http_client": client(), **options}).rerank(
        "q", TEXTS
    )
    assert [each for each in caplog.records if each.name == "assisters_rerank"] == []
