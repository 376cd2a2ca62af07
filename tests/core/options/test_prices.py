"""What a call costs: the server's word, else the user's prices, else the catalogue's at home."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from assisters_rerank import ConfigurationError, Embedder, Price, Reranker
from assisters_rerank.local import LocalServer

RESULTS = {"results": [{"index": 0, "relevance_score": 0.5}]}
ELSEWHERE = "http://127.0.0.1:9/v1"


def answering(content: dict[str, Any], headers: dict[str, str]) -> httpx.Client:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=content, headers=headers)

    return httpx.Client(transport=httpx.MockTransport(answer))


def cost(
    usage: dict[str, Any] | None = None, headers: dict[str, str] | None = None, **options: Any
) -> float | None:
    content = RESULTS | {"usage": {"total_tokens": 1000} if usage is None else usage}
    options = {"base_url": ELSEWHERE, "model": "m", **options}
    reranker = Reranker(http_client=answering(content, headers or {}), **options)
    ranking = reranker.rerank("q", ["a"])
    assert reranker.total_usage.cost == ranking.usage.cost
    return ranking.usage.cost


def test_a_catalogue_model_has_no_price_elsewhere() -> None:
    assert cost(model="bge-reranker-v2") is None


def test_the_catalogues_prices_count_at_the_service() -> None:
    at_home = {"base_url": "https://api.assisters.dev/v1", "api_key": "ask_x"}
    assert cost(model="bge-reranker-v2", **at_home) == pytest.approx(0.05 / 1000)


def test_they_count_at_the_server_that_the_variable_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSISTERS_BASE_URL", ELSEWHERE)
    assert cost(model="jina-reranker") == pytest.approx(0.08 / 1000)


def test_they_count_at_the_local_server() -> None:
    with LocalServer(scorer="lexical") as server:
        ranking = Reranker(base_url=server.base_url).rerank("q", ["a"])
        embedder = Embedder(base_url=server.base_url, prices={"e5-large-v2": 0.02})
        embedder.embed_query("q")
    assert ranking.usage.cost == pytest.approx(ranking.usage.total_tokens * 0.05 / 1e6)
    assert embedder.total_usage.cost == pytest.approx(embedder.total_usage.total_tokens * 2e-8)


def test_what_the_server_says_wins() -> None:
    reported = {"total_tokens": 1000, "cost": 0.25}
    assert cost(reported, prices={"m": 0.05}) == 0.25
    assert cost(None, {"x-litellm-response-cost": "0.125"}, prices={"m": 0.05}) == 0.125


def test_a_reported_zero_is_a_price_that_is_not_known() -> None:
    assert cost(None, {"x-litellm-response-cost": "0.0"}, prices={"m": 0.05}) == 0.05 / 1000
    assert cost(None, {"x-litellm-response-cost": "0.0"}) is None


@pytest.mark.parametrize(
    ("price", "usage", "expected"),
    [
        (0.05, {"total_tokens": 2000}, 0.0001),
        (Price(per_million_tokens=0.05), {"total_tokens": 2000}, 0.0001),
        (Price(per_search_unit=0.002), {"search_units": 3}, 0.006),
        (Price(per_search_unit=0.002), {"total_tokens": 2000}, None),
        (Price(per_request=0.001), {}, 0.001),
        ({"per_request": 0.001}, {}, 0.001),
        (0, {"total_tokens": 2000}, 0.0),
    ],
)
def test_prices(price: Any, usage: dict[str, Any], expected: float | None) -> None:
    assert cost(usage, prices={"m": price}) == expected


@pytest.mark.parametrize(
    "wrong",
    [
        dict,
        lambda: {"per_request": 1, "per_search_unit": 1},
        lambda: {"per_request": -1},
        lambda: {"per_request": float("nan")},
        lambda: {"per_request": True},
        lambda: {"per_page": 1},
    ],
)
def test_impossible_prices_are_refused(wrong: Callable[[], dict[str, Any]]) -> None:
    with pytest.raises(ConfigurationError):
        Price(**wrong())


def test_a_price_comes_through_dumps() -> None:
    reranker = Reranker(prices={"a": 0.05, "b": Price(per_request=0.5)})
    assert Reranker.model_validate_json(reranker.model_dump_json()).prices == reranker.prices
    assert Reranker(**reranker.model_dump()).prices == reranker.prices
