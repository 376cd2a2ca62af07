"""`score_activation`: mapped scores for people, raw ones for the order and the cache."""

from __future__ import annotations

import math

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assisters_rerank import MemoryCache, Reranker
from assisters_rerank.call.activation import sigmoid

TEXTS = ["a", "b", "c", "d", " "]
LOGITS = [40.0, 50.0, -3.0, 0.0]


def reranker(**options: object) -> Reranker:
    def answer(request: httpx.Request) -> httpx.Response:
        results = [{"index": i, "relevance_score": logit} for i, logit in enumerate(LOGITS)]
        return httpx.Response(200, json={"results": results})

    client = httpx.Client(transport=httpx.MockTransport(answer))
    return Reranker(base_url="http://h.test/v1", http_client=client, **options)  # type: ignore[arg-type]


def test_the_order_goes_by_the_raw_scores() -> None:
    ranking = reranker(score_activation="sigmoid").rerank("q", TEXTS)
    assert [ranked.index for ranked in ranking] == [1, 0, 3, 2, 4]
    scores = [ranked.relevance_score for ranked in ranking]
    assert scores == [1.0, 1.0, 0.5, sigmoid(-3), 0.0]


def test_without_it_scores_are_the_servers_own() -> None:
    ranking = reranker().rerank("q", TEXTS)
    assert [ranked.relevance_score for ranked in ranking] == [50, 40, 0, -3, -3]


def test_the_threshold_goes_by_the_mapped_scores() -> None:
    ranking = reranker(score_activation="sigmoid").rerank("q", TEXTS, score_threshold=0.4)
    assert [ranked.index for ranked in ranking] == [1, 0, 3]


def test_the_cache_holds_raw_scores() -> None:
    cache = MemoryCache()
    mapped = reranker(score_activation="sigmoid", cache=cache).rerank("q", TEXTS)
    again = reranker(score_activation="sigmoid", cache=cache).rerank("q", TEXTS)
    assert [r.relevance_score for r in again] == [r.relevance_score for r in mapped]
    raw = reranker(cache=cache).rerank("q", TEXTS)
    assert [r.relevance_score for r in raw] == [50, 40, 0, -3, -3]
    assert raw.usage.requests == 0


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_any_logit_has_a_value(logit: float) -> None:
    assert 0 <= sigmoid(logit) <= 1
    assert sigmoid(logit) + sigmoid(-logit) == pytest.approx(1)


@given(st.floats(-30, 30))
def test_it_is_the_logistic_function(logit: float) -> None:
    assert sigmoid(logit) == pytest.approx(1 / (1 + math.exp(-logit)))
