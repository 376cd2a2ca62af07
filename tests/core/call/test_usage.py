"""What calls took: every figure of a call, and the sum over calls, threads, loops and failures."""

from __future__ import annotations

import asyncio
import copy
import json
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from functools import reduce
from itertools import repeat
from operator import add

import httpx
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from assisters_rerank import AssistersError, MemoryCache, Ranking, Reranker, Usage, estimate_tokens
from assisters_rerank.wire.messages import Answer

from ...faults.server import HostileServer
from ..answers import answer, honest, refused, scored
from ..scripted_port import ScriptedPort, rank

BGE_PRICE, JINA_PRICE = 0.05, 0.08  # dollars per million tokens


def reply(
    documents: int = 1, tokens: int | None = None, units: int | None = None, model: str = "m"
) -> Answer:
    content: dict[str, object] = {
        "model": model,
        "results": [{"index": i, "relevance_score": 0.5} for i in range(documents)],
    }
    if tokens is not None:
        content["usage"] = {"prompt_tokens": tokens, "total_tokens": tokens}
    if units is not None:
        content["meta"] = {"billed_units": {"search_units": units}}
    return answer(content)


def test_every_figure_of_a_call() -> None:
    port = ScriptedPort([reply(2, 300, 1), refused(503), refused(429), reply(1, 100, 2)])
    ranking = rank(port, ["a", "b", "a", "", "c", "a"], max_documents_per_request=2)
    assert ranking.usage == Usage(
        models=("bge-reranker-v2",),  # by which it is billed, whatever the server calls it
        requests=2,
        retries=2,
        documents_sent=3,
        documents_cached=0,
        documents_duplicate=2,
        total_tokens=400,
        tokens_estimated=False,
        search_units=3,
        cost=pytest.approx(400 * BGE_PRICE / 1e6),  # type: ignore[arg-type]
    )
    assert ranking.model == "m"


def test_tokens_that_are_not_reported_are_estimated_and_marked_so() -> None:
    usage = rank(ScriptedPort([reply(2)]), ["one text", "another text", ""]).usage
    # A cross-encoder reads the query again beside every document.
    tokens = [estimate_tokens(text) for text in ("a query", "one text", "a query", "another text")]
    assert usage.total_tokens == sum(tokens)
    assert usage.tokens_estimated
    assert usage.cost == pytest.approx(usage.total_tokens * BGE_PRICE / 1e6)


def test_ones_own_count_takes_the_estimates_place() -> None:
    usage = rank(ScriptedPort([reply(2)]), ["a", "b"], count_tokens=lambda _: 10).usage
    assert (usage.total_tokens, usage.tokens_estimated) == (40, True)


def test_tokens_that_are_partly_reported_are_marked_as_an_estimate() -> None:
    port = ScriptedPort([reply(1, 300), reply(1)])
    usage = rank(port, ["a", "b"], max_documents_per_request=1, count_tokens=lambda _: 10).usage
    assert (usage.total_tokens, usage.tokens_estimated) == (320, True)


@pytest.mark.parametrize(("units", "total"), [((1, 2), 3), ((1, None), None), ((None, None), None)])
def test_search_units_are_a_total_or_nothing(
    units: tuple[int | None, int | None], total: int | None
) -> None:
    port = ScriptedPort([reply(1, 1, unit) for unit in units])
    assert rank(port, ["a", "b"], max_documents_per_request=1).usage.search_units == total


@pytest.mark.parametrize(
    ("options", "price"),
    [
        ({}, BGE_PRICE),
        ({"model": "jina-reranker"}, JINA_PRICE),
        ({"model": "auto"}, BGE_PRICE),
        ({"model": "my-own"}, None),
        ({"model": "my-own", "prices": {"my-own": 2}}, 2),
        ({"model": "my-own", "prices": {"another": 2}}, None),
        ({"prices": {"bge-reranker-v2": 0.01}}, 0.01),
        ({"prices": {"bge-reranker-v2": 0}}, 0),
        ({"prices": {"jina-reranker": 5}}, BGE_PRICE),
        ({"model": "auto", "prices": {"auto": 7, "bge-reranker-v2": 1}}, 1),
    ],
)
def test_the_cost_goes_by_ones_own_price_else_the_catalogues_else_is_unknown(
    options: dict[str, object], price: float | None
) -> None:
    usage = rank(ScriptedPort([reply(1, 1_000_000)]), ["a"], **options).usage
    assert usage.cost == (None if price is None else pytest.approx(price))


@pytest.mark.parametrize("options", [{}, {"model": "my-own"}])
def test_what_the_cache_answers_costs_nothing(options: dict[str, object]) -> None:
    cache = MemoryCache()
    rank(ScriptedPort([reply(2, 10)]), ["a", "b"], cache=cache, **options)
    usage = rank(ScriptedPort([]), ["a", "b", "a", ""], cache=cache, **options).usage
    assert (usage.requests, usage.retries, usage.documents_sent) == (0, 0, 0)
    assert (usage.documents_cached, usage.documents_duplicate) == (2, 1)
    assert (usage.total_tokens, usage.tokens_estimated, usage.search_units) == (0, False, None)
    assert usage.cost == 0


def test_where_nothing_is_to_do_nothing_is_taken() -> None:
    for texts, top_n in (([], None), (["a"], 0), (["", " "], None)):
        usage = rank(ScriptedPort([]), texts, top_n, model="my-own").usage
        assert (usage.requests, usage.documents_sent, usage.total_tokens) == (0, 0, 0)
        assert (usage.cost, usage.search_units) == (0, None)


usages = st.builds(
    Usage,
    models=st.lists(st.sampled_from("abc"), unique=True, max_size=2).map(sorted).map(tuple),
    requests=st.integers(0, 3),
    retries=st.integers(0, 9),
    documents_sent=st.integers(0, 9),
    documents_cached=st.integers(0, 9),
    documents_duplicate=st.integers(0, 9),
    total_tokens=st.integers(0, 9),
    tokens_estimated=st.booleans(),
    search_units=st.none() | st.integers(0, 9),
    cost=st.none() | st.integers(0, 64).map(lambda n: n / 8),
).map(lambda usage: usage if usage.requests else Usage(usage.models, 0, 0, 0, 1, cost=usage.cost))
"""Costs are sums of eighths, since floats of other sums depend on their order."""


@given(usages, usages, usages)
def test_adding_is_associative_and_the_order_does_not_matter(
    one: Usage, other: Usage, third: Usage
) -> None:
    assert (one + other) + third == one + (other + third)
    assert one + other == other + one
    assert one + Usage() == one


def test_only_usages_are_added() -> None:
    with pytest.raises(TypeError):
        Usage() + 1  # type: ignore[operator]


def test_figures_are_all_of_them_ready_for_json() -> None:
    usage = Usage(("m",), 1, total_tokens=3, cost=None)
    assert list(usage.figures()) == [field.name for field in fields(Usage)]
    assert json.loads(json.dumps(usage.figures()))["total_tokens"] == 3


def handler(request: httpx.Request) -> httpx.Response:
    payload = json.loads(request.content)
    documents = payload["documents"]
    if "refused" in documents:
        return httpx.Response(422)
    if "broken" in documents:
        return httpx.Response(503)
    return httpx.Response(200, json=scored(payload) | {"usage": {"total_tokens": len(documents)}})


def mocked(**options: object) -> Reranker:
    transport = httpx.MockTransport(handler)
    return Reranker(
        base_url="https://h.test/v1",
        http_client=httpx.Client(transport=transport),
        async_http_client=httpx.AsyncClient(transport=transport),
        **options,
    )


def test_the_total_is_the_sum_over_threads_and_loops(honest_server: HostileServer) -> None:
    reranker = Reranker(
        base_url=honest_server.url, max_documents_per_request=2, cache=MemoryCache()
    )
    took: list[Usage] = []
    start = threading.Barrier(9)

    def calls(number: int) -> None:
        async def call(texts: list[str]) -> Ranking:
            return await reranker.arerank("the sum", texts)

        start.wait(5)
        for i in range(4):
            texts = [f"{number} {i + j}" for j in range(4)] + ["same", f"{number} {i}", ""]
            if number % 3 == 0:
                took.append(reranker.rerank("the sum", texts).usage)
            else:
                took.append((trio.run if number % 3 == 1 else run_asyncio)(call, texts).usage)

    with ThreadPoolExecutor(9) as threads:
        list(threads.map(calls, range(9)))
    total, added = reranker.total_usage, reduce(add, took)
    assert total.cost == pytest.approx(added.cost)
    assert {**total.figures(), "cost": 0} == {**added.figures(), "cost": 0}
    # By their query: what an earlier test left behind may still call a port that is ours now.
    asked = [request.payload["query"] for request in honest_server.requests]
    assert total.requests == asked.count("the sum")
    assert total.documents_cached > 0
    assert total.documents_duplicate == 9 * 4


def run_asyncio(call: object, texts: list[str]) -> Ranking:
    return asyncio.run(call(texts))  # type: ignore[operator, no-any-return]


async def test_what_a_failed_call_took_counts_all_the_same() -> None:
    reranker = mocked(max_documents_per_request=1, max_concurrency=1, max_retries=0)
    with pytest.raises(AssistersError):
        reranker.rerank("q", ["a", "b", "refused", "c"])
    total = reranker.total_usage
    assert (total.requests, total.documents_sent, total.total_tokens) == (2, 2, 2)
    with pytest.raises(AssistersError):
        await reranker.arerank("q", ["a", "refused"])
    assert reranker.total_usage.requests == 3


@pytest.mark.parametrize("texts", [["a", "broken"], ["a", "a", "broken", ""], ["broken"]])
async def test_what_passes_through_counts_in_both(texts: list[str]) -> None:
    reranker = mocked(
        max_documents_per_request=1, max_concurrency=1, max_retries=0, on_error="passthrough"
    )
    ranking = reranker.rerank("q", texts)
    assert ranking.degraded
    assert ranking.usage.requests == len(set(texts) - {"broken", ""})
    assert Usage(("bge-reranker-v2",)) + reranker.total_usage == ranking.usage
    again = await reranker.arerank("q", texts)
    assert Usage(("bge-reranker-v2",)) + reranker.total_usage == ranking.usage + again.usage


def test_the_total_survives_close_and_changed_options() -> None:
    reranker = mocked()
    reranker.rerank("q", ["a"])
    reranker.close()
    reranker.model = "my-own"
    reranker.rerank("q", ["a"])
    assert reranker.total_usage.models == ("bge-reranker-v2", "my-own")
    assert reranker.total_usage.requests == 2
    assert reranker.total_usage.cost is None  # a part would pass for the whole


@pytest.mark.parametrize(
    "again", [copy.copy, copy.deepcopy, lambda r: r.model_copy(update={"top_n": 1})]
)
def test_a_copy_begins_with_nothing(again: object) -> None:
    reranker = mocked()
    reranker.rerank("q", ["a"])
    twin = again(reranker)  # type: ignore[operator]
    assert twin.total_usage == Usage()
    twin.rerank("q", ["a", "b"])
    assert (reranker.total_usage.documents_sent, twin.total_usage.documents_sent) == (1, 2)


def test_a_pickled_one_begins_with_nothing() -> None:
    reranker = mocked()
    reranker.rerank("q", ["a"])
    assert pickle.loads(pickle.dumps(reranker)).total_usage == Usage()


def test_the_total_can_be_read_but_not_changed() -> None:
    reranker = mocked()
    with pytest.raises(AttributeError):
        reranker.total_usage = Usage()  # type: ignore[misc]
    before = reranker.total_usage
    reranker.rerank("q", ["a"])
    assert before == Usage()  # what was read stays as it was


def test_a_call_of_many_requests_adds_up_to_the_cent() -> None:
    port = ScriptedPort(repeat(honest))
    usage = rank(
        port, [f"text {i}" for i in range(1000)], max_documents_per_request=1,
        count_tokens=lambda _: 500, prices={"bge-reranker-v2": 0.1},
    ).usage  # fmt: skip
    assert usage.total_tokens == 1_000_000
    assert usage.cost == pytest.approx(0.1, rel=1e-9)
