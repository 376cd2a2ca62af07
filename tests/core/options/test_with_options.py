"""`with_options` shares what lives; only the original closes it."""

from __future__ import annotations

import asyncio
import copy
import gc
import pickle
import weakref
from collections.abc import Callable
from typing import Any

import pytest

from assisters_rerank import ConfigurationError, Embedder, MemoryCache, Reranker

from ...faults.server import HostileServer
from ..expectation import assert_right

TEXTS = ["a", "b", "c", "d"]
Pace = Callable[[Reranker], object]


def pace(reranker: Reranker) -> object:
    return reranker._state.pace


def test_a_copy_goes_over_the_same_connection_into_the_same_total(
    honest_server: HostileServer,
) -> None:
    with Reranker(base_url=honest_server.url, cache=MemoryCache()) as reranker:
        for top_n in range(1, 6):
            other = reranker.with_options(top_n=top_n, cache=None)
            assert len(other.rerank("q", TEXTS)) == min(top_n, 4)
        assert (reranker.top_n, other.top_n, other.cache) == (None, 5, None)
        assert reranker.with_options(top_n=1).cache is reranker.cache
        assert honest_server.connections == 1
        assert reranker.total_usage == other.total_usage
        assert reranker.total_usage.requests == 5


def test_async_copies_go_over_the_same_connection(honest_server: HostileServer) -> None:
    async def main() -> None:
        async with Reranker(base_url=honest_server.url) as reranker:
            for top_n in range(1, 6):
                async with reranker.with_options(top_n=top_n) as other:
                    await other.arerank("q", TEXTS)

    asyncio.run(main())
    assert honest_server.connections == 1


def test_only_the_original_closes_for_all(honest_server: HostileServer) -> None:
    reranker = Reranker(base_url=honest_server.url)
    reranker.rerank("q", TEXTS)
    with reranker.with_options(top_n=1) as first:
        first.with_options(top_n=2).close()
    asyncio.run(first.aclose())
    assert_right(first.with_options(top_n=None).rerank("q", TEXTS), TEXTS)
    assert honest_server.connections == 1
    reranker.close()
    first.rerank("q", TEXTS)
    assert honest_server.connections == 2


def test_the_pace_is_shared_while_address_and_key_are_equal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ASSISTERS_API_KEY", "ask_1")
    reranker = Reranker()
    assert pace(reranker.with_options(timeout=3)) is pace(reranker)
    assert pace(reranker.with_options(api_key="ask_1")) is pace(reranker)
    for change in ({"api_key": "ask_2"}, {"base_url": "http://127.0.0.1:9/v1"}):
        other = reranker.with_options(**change)
        assert pace(other) is not pace(reranker)
        assert pace(other.with_options(top_n=1)) is pace(other)
        assert other._state.clients is reranker._state.clients


INDEPENDENT: dict[str, Callable[[Reranker], Reranker]] = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "model_copy": lambda it: it.model_copy(),
    "pickle": lambda it: pickle.loads(pickle.dumps(it)),
}


@pytest.mark.parametrize("copier", INDEPENDENT.values(), ids=INDEPENDENT)
def test_other_copies_of_it_are_independent_and_close_their_own(
    copier: Callable[[Reranker], Reranker], honest_server: HostileServer
) -> None:
    reranker = Reranker(base_url=honest_server.url).with_options(top_n=2)
    reranker.rerank("q", TEXTS)
    twin = copier(reranker)
    for expected in (2, 3):
        twin.rerank("q", TEXTS)
        twin.close()
        assert honest_server.connections == expected
    assert reranker.total_usage.requests == 1


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"top_m": 1}, "Unknown option top_m; did you mean top_n?"),
        ({"_state": 1}, "Unknown option _state"),
        ({"top_n": -1}, "top_n: "),
        ({"cache": 7}, "cache: "),
    ],
)
def test_what_the_constructor_refuses_is_refused(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        Reranker().with_options(**changes)
    assert str(refused.value).startswith(told)
    assert "\n" not in str(refused.value)


def test_an_embedder_has_it_too(honest_server: HostileServer) -> None:
    embedder = Embedder(base_url=honest_server.url)
    other = embedder.with_options(max_texts_per_request=1, query_prefix="x: ")
    assert type(other) is Embedder
    assert (other.prefix_of_queries(), other.max_texts_per_request) == ("x: ", 1)
    assert other._state is embedder._state


def test_ten_thousand_copies_leave_nothing_behind() -> None:
    reranker = Reranker(api_key="k")
    gc.collect()
    gc.disable()  # no copy may need the collector
    try:
        last: weakref.ref[Reranker] | None = None
        for top_n in range(1, 10_001):
            last = weakref.ref(reranker.with_options(top_n=top_n))
        assert last is not None
        assert last() is None
    finally:
        gc.enable()
