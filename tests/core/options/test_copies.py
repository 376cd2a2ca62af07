"""Copies share key, cache and own clients but no connection of ours; pickles drop them all."""

from __future__ import annotations

import asyncio
import copy
import pickle
import threading
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from pydantic import Field, PrivateAttr

from assisters_rerank import ConfigurationError, MemoryCache, Reranker

from ...faults.server import HostileServer
from ..expectation import assert_right

pytestmark = pytest.mark.usefixtures("each_transport")
TEXTS = ["a", "b", "c", "d"]
KEY = "ask_SECRET-0123456789"

Copier = Callable[[Reranker], Reranker]
COPIERS: dict[str, Copier] = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "model_copy": lambda reranker: reranker.model_copy(),
    "model_copy-deep": lambda reranker: reranker.model_copy(deep=True),
    "model_copy-update": lambda reranker: reranker.model_copy(update={"max_retries": 3}),
    "nested-deepcopy": lambda reranker: copy.deepcopy({"pipeline": [reranker]})["pipeline"][0],
}
copiers = pytest.mark.parametrize("copier", COPIERS.values(), ids=COPIERS)


@copiers
def test_a_copy_has_the_same_options_and_key(copier: Copier, honest_server: HostileServer) -> None:
    reranker = Reranker(base_url=honest_server.url, api_key=KEY, top_n=3, timeout=7)
    twin = copier(reranker)
    assert type(twin) is Reranker
    assert twin is not reranker
    assert twin.model_dump() == reranker.model_dump()
    twin.rerank("q", TEXTS)
    assert honest_server.requests[0].headers["authorization"] == f"Bearer {KEY}"


@copiers
def test_a_copy_makes_its_own_connections(copier: Copier, honest_server: HostileServer) -> None:
    reranker = Reranker(base_url=honest_server.url)
    reranker.rerank("q", TEXTS)
    twin = copier(reranker)
    assert_right(twin.rerank("q", TEXTS), TEXTS)
    assert honest_server.connections == 2
    reranker.close()
    assert_right(twin.rerank("q", TEXTS), TEXTS)
    assert_right(reranker.rerank("q", TEXTS), TEXTS)
    assert [request.connection for request in honest_server.requests] == [1, 2, 2, 3]


@copiers
async def test_a_copy_makes_its_own_async_connections(
    copier: Copier, honest_server: HostileServer
) -> None:
    reranker = Reranker(base_url=honest_server.url)
    await reranker.arerank("q", TEXTS)
    twin = copier(reranker)
    await twin.arerank("q", TEXTS)
    await reranker.aclose()
    assert_right(await twin.arerank("q", TEXTS), TEXTS)
    assert_right(await reranker.arerank("q", TEXTS), TEXTS)
    assert [request.connection for request in honest_server.requests] == [1, 2, 2, 3]


@copiers
def test_a_copy_is_independent(copier: Copier) -> None:
    reranker = Reranker(top_n=3)
    copier(reranker).top_n = 9
    assert reranker.top_n == 3


@copiers
def test_a_copy_uses_the_same_own_clients(copier: Copier) -> None:
    own, own_async = httpx.Client(), httpx.AsyncClient()
    reranker = Reranker(api_key=KEY, http_client=own, async_http_client=own_async)
    twin = copier(reranker)
    assert twin.http_client is own
    assert twin.async_http_client is own_async
    assert twin.api_key is reranker.api_key


@copiers
def test_a_copy_shares_the_cache_and_the_count_of_tokens(copier: Copier) -> None:
    cache, held = MemoryCache(), threading.Lock()  # which can't be copied

    def count(text: str) -> int:
        with held:
            return len(text)

    twin = copier(Reranker(cache=cache, count_tokens=count))
    assert twin.cache is cache
    assert twin.count_tokens is count


@copiers
def test_a_copy_has_prices_and_limits_of_its_own(copier: Copier) -> None:
    reranker = Reranker(prices={"m": 1}, requests_per_minute=5, max_tokens=99)
    twin = copier(reranker)
    assert (twin.prices, twin.requests_per_minute, twin.max_tokens) == ({"m": 1}, 5, 99)
    twin.requests_per_minute = 6
    assert reranker.requests_per_minute == 5


def test_an_update_may_change_the_key() -> None:
    twin = Reranker(api_key=KEY).model_copy(update={"api_key": "ask_other"})
    assert twin.api_key is not None
    assert twin.api_key.get_secret_value() == "ask_other"


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_keeps_every_option_but_the_secret_and_the_living(protocol: int) -> None:
    reranker = Reranker(
        model="m", top_n=2, score_threshold=0.5, api_key=KEY, base_url="https://h.test/v1",
        timeout=7, max_retries=1, max_documents_per_request=9, max_concurrency=2,
        long_documents="split", max_tokens=99, prices={"m": 0.1}, requests_per_minute=3,
        tokens_per_minute=4, cache=MemoryCache(), count_tokens=lambda text: len(text),
        on_error="passthrough", passthrough_after=2, http_client=httpx.Client(),
        async_http_client=httpx.AsyncClient(),
    )  # fmt: skip
    data = pickle.dumps(reranker, protocol)
    assert b"SECRET" not in data
    twin = pickle.loads(data)
    assert type(twin) is Reranker
    assert twin.model_dump() == reranker.model_dump()
    assert twin.api_key is twin.http_client is twin.async_http_client is None
    assert twin.cache is twin.count_tokens is None


class Tenants(Reranker):
    """A subclass as users write it: a field, a private attribute, a constructor of its own."""

    tenant: str = Field(alias="Tenant")
    _seen: list[str] = PrivateAttr(default_factory=list)

    def __init__(self, tenant: str, **options: Any) -> None:
        super().__init__(Tenant=tenant, top_n=3, **options)


@pytest.mark.parametrize("copier", [*COPIERS.values(), lambda it: pickle.loads(pickle.dumps(it))])
def test_a_subclass_goes_round_whole(copier: Copier) -> None:
    first = Tenants("a", api_key=KEY, timeout=7)
    first._seen.append("b")
    twin = copier(first)
    assert isinstance(twin, Tenants)
    assert (twin.tenant, twin.top_n, twin.timeout, twin._seen) == ("a", 3, 7, ["b"])


def test_an_unpickled_reranker_takes_the_key_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, honest_server: HostileServer
) -> None:
    monkeypatch.setenv("ASSISTERS_API_KEY", "ask_variable")
    monkeypatch.setenv("ASSISTERS_BASE_URL", honest_server.url)
    twin = pickle.loads(pickle.dumps(Reranker(api_key=KEY)))
    assert_right(twin.rerank("q", TEXTS), TEXTS)
    assert honest_server.requests[0].headers["authorization"] == "Bearer ask_variable"


def test_an_unpickled_reranker_says_that_its_key_is_missing() -> None:
    twin = pickle.loads(pickle.dumps(Reranker(api_key=KEY)))
    with pytest.raises(ConfigurationError, match=r"api_key was left out.*ASSISTERS_API_KEY"):
        twin.rerank("q", TEXTS)


def test_an_unpickled_reranker_works_and_so_does_one_pickled_in_use(
    honest_server: HostileServer,
) -> None:
    reranker = Reranker(base_url=honest_server.url)
    reranker.rerank("q", TEXTS)
    asyncio.run(reranker.arerank("q", TEXTS))
    twin = pickle.loads(pickle.dumps(reranker))
    assert_right(twin.rerank("q", TEXTS), TEXTS)
    assert_right(asyncio.run(twin.arerank("q", TEXTS)), TEXTS)
    assert_right(reranker.rerank("q", TEXTS), TEXTS)


def test_json_goes_round_without_the_key() -> None:
    reranker = Reranker(api_key=KEY, top_n=3, base_url="https://h.test/v1", timeout=2.5)
    twin = Reranker.model_validate_json(reranker.model_dump_json())
    assert twin.model_dump() == reranker.model_dump()
    assert Reranker(**reranker.model_dump()).model_dump() == reranker.model_dump()
