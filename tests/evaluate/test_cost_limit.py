"""`max_cost`: the run stops before the money is spent, and what is cached costs nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import httpx
import pytest

from assisters_rerank import ConfigurationError, MemoryCache, Price, Reranker, Usage
from assisters_rerank.evaluate import Collection, evaluate
from assisters_rerank.evaluate.collection_scores import score_all
from assisters_rerank.evaluate.cost_limit import dollars_by_depth, price
from assisters_rerank.local import LocalServer

from .judged import LastNumber, counts, numbered

COLLECTION, CANDIDATES = numbered(10)
TEXTS = list(COLLECTION.documents.values())
# Half a cent for a token, so that a query costs some dollars.
PRICES = {"bge-reranker-v2": 5_000.0, "jina-reranker": 5_000.0}


def one_query(reranker: Reranker) -> float:
    found = price(reranker, "query 0", TEXTS)
    assert found is not None
    return found


@pytest.mark.parametrize("at_once", [1, 4])
def test_it_stops_before_more_is_spent(server: LocalServer, at_once: int) -> None:
    with Reranker(base_url=server.base_url, prices=PRICES) as reranker:
        most = 4.5 * one_query(reranker)
        found = score_all(reranker, COLLECTION, CANDIDATES, [10], max_cost=most, at_once=at_once)
        cost = reranker.total_usage.cost
    assert cost is not None
    assert found.usage.cost == pytest.approx(cost)
    # Not one query too few, either.
    assert most - 1.2 * one_query(reranker) < cost <= most
    assert found.scores.keys() == set(list(CANDIDATES)[: len(found.scores)])
    assert found.stopped is not None
    assert "max_cost=$" in found.stopped
    assert counts(server) == {1}


def test_the_estimate_is_what_is_spent_later(server: LocalServer) -> None:
    with Reranker(base_url=server.base_url, prices=PRICES) as reranker:
        estimated = one_query(reranker)
        assert score_all(reranker, *numbered(1), [10]).usage.cost == pytest.approx(
            estimated, rel=0.15
        )


def test_earlier_calls_of_the_reranker_do_not_count(server: LocalServer) -> None:
    with Reranker(base_url=server.base_url, prices=PRICES) as reranker:
        reranker.rerank("something else", TEXTS)
        found = score_all(reranker, COLLECTION, CANDIDATES, [10], max_cost=20 * one_query(reranker))
    assert found.stopped is None


def test_what_is_cached_costs_nothing(server: LocalServer) -> None:
    with Reranker(base_url=server.base_url, prices=PRICES, cache=MemoryCache()) as reranker:
        most = 4.5 * one_query(reranker)
        first = score_all(reranker, COLLECTION, CANDIDATES, [10], max_cost=most)
        done = len(first.scores)
        assert 0 < done < 8
        # Without money, what was paid for can still be reported.
        nothing = score_all(reranker, COLLECTION, CANDIDATES, [10], max_cost=0)
        assert nothing.scores == first.scores
        assert nothing.usage.cost == 0
        # And the same sum goes on where the first one ended.
        second = score_all(reranker, COLLECTION, CANDIDATES, [10], max_cost=most)
        assert len(second.scores) >= min(2 * done, 10) - 1
    assert counts(server) == {1}


def test_what_is_cached_is_reported_though_queries_before_it_are_not(server: LocalServer) -> None:
    with Reranker(base_url=server.base_url, prices=PRICES, cache=MemoryCache()) as reranker:
        for query in ("q3", "q7"):
            reranker.rerank(COLLECTION.queries[query], TEXTS)
        found = score_all(reranker, COLLECTION, CANDIDATES, [10], max_cost=0)
    assert list(found.scores) == ["q3", "q7"]
    assert found.stopped is not None
    assert found.usage.cost == 0


def test_a_cost_that_is_unknown_so_far(server: LocalServer) -> None:
    with Reranker(base_url=server.base_url, prices=PRICES) as reranker:
        reranker._state.total_usage.add(Usage(cost=None))
        with pytest.raises(ConfigurationError, match=r"max_cost: this reranker's cost so far"):
            evaluate(COLLECTION, reranker, candidates=CANDIDATES, max_cost=1)
    assert server.requests == []


class FailingAt(LastNumber):
    """Fails at one call."""

    def __init__(self, at: int) -> None:
        self.calls, self.at = 0, at

    def score(self, query: str, documents: Sequence[str]) -> list[float]:
        self.calls += 1
        if self.calls == self.at:
            raise RuntimeError("no more")
        return super().score(query, documents)


def test_queries_that_failed_have_cost_something_too() -> None:
    # The sixth call is the second one of the third query, whose first one is paid for.
    with (
        LocalServer(scorer=FailingAt(6)) as server,
        Reranker(base_url=server.base_url, prices=PRICES, max_retries=0) as reranker,
    ):
        found = score_all(reranker, COLLECTION, CANDIDATES, [10])
        total = reranker.total_usage
    assert len(found.scores) == 2
    assert total.requests == 5
    assert (found.usage.requests, found.usage.cost) == (total.requests, total.cost)
    assert found.usage.total_tokens == total.total_tokens


def test_what_a_model_spent_before_its_first_query_is_not_left_for_the_next() -> None:
    with (
        LocalServer(scorer=LastNumber()) as good,
        LocalServer(scorer=FailingAt(2)) as bad,
        Reranker(base_url=good.base_url, prices=PRICES) as first,
        Reranker(base_url=bad.base_url, prices=PRICES, max_retries=0) as failing,
        Reranker(base_url=good.base_url, prices=PRICES, model="jina-reranker") as last,
    ):
        most = 20.2 * one_query(first)
        evaluate(COLLECTION, [first, failing, last], candidates=CANDIDATES, max_cost=most)
        assert failing.total_usage.cost
        spent = [each.total_usage.cost or 0.0 for each in (first, failing, last)]
    assert sum(spent) <= most


def test_of_a_price_of_nothing_everything_can_be_had(server: LocalServer) -> None:
    with Reranker(base_url=server.base_url, prices=dict.fromkeys(PRICES, 0.0)) as reranker:
        found = score_all(reranker, COLLECTION, CANDIDATES, [10], max_cost=0)
    assert found.stopped is None
    assert len(found.scores) == 10


def test_an_unknown_price_is_said_before_anything_is_asked(server: LocalServer) -> None:
    with (
        Reranker(base_url=server.base_url) as known,
        Reranker(base_url=server.base_url, model="house-model") as unknown,
        pytest.raises(ConfigurationError, match=r"max_cost: the price of 'house-model' is not"),
    ):
        evaluate(COLLECTION, [known, unknown], candidates=CANDIDATES, max_cost=1)
    assert server.requests == []


def test_auto_is_held_to_the_price_of_the_model_it_chooses(server: LocalServer) -> None:
    prices = {"bge-reranker-v2": 5_000.0, "jina-reranker": 500_000.0}
    with Reranker(base_url=server.base_url, model="auto", prices=prices) as reranker:
        cheap = one_query(reranker)
        found = score_all(reranker, COLLECTION, CANDIDATES, [10], max_cost=4.5 * cheap)
    assert 2 < len(found.scores) < 7


def test_the_dollars_by_depth_of_auto_are_of_the_model_that_gets_all_candidates() -> None:
    # The long one stands last, so the first ten are priced as the wider model's too.
    documents = {**COLLECTION.documents, "long": "word " * 3_000}
    mixed = Collection("mixed", documents, COLLECTION.queries, COLLECTION.qrels)
    prices = {"bge-reranker-v2": 5_000.0, "jina-reranker": 500_000.0}
    for candidates, model in (
        ({"q0": CANDIDATES["q0"]}, "bge-reranker-v2"),
        ({"q0": [*CANDIDATES["q0"], "long"]}, "jina-reranker"),
    ):
        by_auto, by_itself = (
            dollars_by_depth(
                Reranker(model=each, prices=prices), mixed, candidates, [10, 31], published=True
            )
            for each in ("auto", model)
        )
        assert by_auto == by_itself
        assert None not in by_auto.values()


def test_passages_are_reckoned_with(server: LocalServer) -> None:
    with Reranker(base_url=server.base_url, long_documents="split", prices=PRICES) as reranker:
        question, long = "why " * 200, "word " * 3_000
        estimated = price(reranker, question, [long])
        spent = reranker.rerank(question, [long]).usage.cost
    assert estimated is not None
    assert spent == pytest.approx(estimated, rel=0.15)


def test_the_money_is_for_all_models_together(server: LocalServer) -> None:
    with (
        Reranker(base_url=server.base_url, prices=PRICES) as bge,
        Reranker(base_url=server.base_url, prices=PRICES, model="jina-reranker") as jina,
    ):
        most = 13 * one_query(bge)
        found = evaluate(COLLECTION, [bge, jina], candidates=CANDIDATES, max_cost=most)
        spent = [each.total_usage.cost or 0.0 for each in (bge, jina)]
    assert sum(spent) <= most
    assert len(found.models) == 2
    assert found.stopped is not None
    assert found.stopped.startswith("jina-reranker after ")


def test_if_nothing_is_left_for_the_second_model_the_first_one_is_reported(
    server: LocalServer,
) -> None:
    with (
        Reranker(base_url=server.base_url, prices=PRICES) as bge,
        Reranker(base_url=server.base_url, prices=PRICES, model="jina-reranker") as jina,
    ):
        most = 10.4 * one_query(bge)
        found = evaluate(COLLECTION, [bge, jina], candidates=CANDIDATES, max_cost=most)
    assert [result.model for result in found.models] == ["bge-reranker-v2"]
    assert found.stopped is not None
    assert found.stopped.startswith("jina-reranker after 0 of 10 queries: ")


def test_too_little_for_one_query_is_an_error(server: LocalServer) -> None:
    with (
        Reranker(base_url=server.base_url) as reranker,
        pytest.raises(ConfigurationError, match=r"nothing to report yet.*after 0 of 10"),
    ):
        evaluate(COLLECTION, reranker, candidates=CANDIDATES, max_cost=1e-9)
    assert server.requests == []


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"long_documents": "split", "max_tokens": 64},
        {"prices": {"bge-reranker-v2": Price(per_search_unit=0.002)}},
        {"prices": {"bge-reranker-v2": Price(per_request=0.01)}, "max_documents_per_request": 20},
    ],
)
def test_the_dollars_of_a_depth_are_those_of_a_call_with_so_many_documents(
    options: dict[str, Any],
) -> None:
    texts = [f"Port {number} is opened. " * (1 + number % 40) for number in range(150)]
    texts[7] = texts[3]  # scored once
    documents = {f"d{place}": text for place, text in enumerate(texts)}
    collection = Collection("ports", documents, {"q": "which port"}, {"q": {"d0": 1}})
    reranker = Reranker(base_url="http://127.0.0.1:9/v1", **{"prices": {}, **options})
    depths = [1, 10, 100, 150]
    found = dollars_by_depth(reranker, collection, {"q": list(documents)}, depths, published=True)
    calls = [price(reranker, "which port", texts[:depth]) for depth in depths]
    assert [found[depth] for depth in depths] == pytest.approx([1000 * (c or 0) for c in calls])
    assert found[150]


def test_a_server_of_unknown_price_is_not_asked_without_an_end() -> None:
    """Its model has a name of the service's, and its answers do not say what they cost."""
    asked: list[int] = []

    def answer(request: httpx.Request) -> httpx.Response:
        documents = json.loads(request.content)["documents"]
        asked.append(len(documents))
        scores = [{"index": at, "relevance_score": 0.5} for at in range(len(documents))]
        return httpx.Response(200, json={"model": "m", "results": scores})

    client = httpx.Client(transport=httpx.MockTransport(answer))
    with Reranker(base_url="http://scorer.test/v1", http_client=client) as reranker:
        found = score_all(reranker, COLLECTION, CANDIDATES, [10], max_cost=1)
        assert len(found.scores) == 1
        assert found.failed
        assert "max_cost: what the calls cost is not known: http://scorer" in str(found.stopped)
        asked.clear()
    with Reranker(base_url="http://scorer.test/v1", http_client=client, prices=PRICES) as reranker:
        assert score_all(reranker, COLLECTION, CANDIDATES, [10], max_cost=1e6).stopped is None


def test_dollars_by_depth_are_unknown_where_nobody_knows_what_the_calls_cost() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        count = len(json.loads(request.content)["documents"])
        scores = [{"index": at, "relevance_score": 1 / (at + 2)} for at in range(count)]
        return httpx.Response(200, json={"model": "m", "results": scores})

    client = httpx.Client(transport=httpx.MockTransport(answer))
    with Reranker(base_url="http://scorer.test/v1", http_client=client) as reranker:
        for prices in (False, True):
            result = evaluate(COLLECTION, reranker, candidates=CANDIDATES, at_service_prices=prices)
            told = {depth.dollars_per_1000_queries for depth in result.models[0].depths}
            assert (told == {None}) is not prices
    with Reranker(base_url="http://scorer.test/v1", http_client=client, prices=PRICES) as reranker:
        result = evaluate(COLLECTION, reranker, candidates=CANDIDATES)
        assert all(depth.dollars_per_1000_queries for depth in result.models[0].depths)
