"""What a pickle leaves out is said at the first use: a missing key raises, other losses warn."""

from __future__ import annotations

import copy
import multiprocessing
import pickle
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from assisters_rerank import (
    ConfigurationError,
    Embedder,
    MemoryCache,
    Reranker,
    SqliteCache,
)
from assisters_rerank.local import LocalServer
from assisters_rerank.options import pickling

KEY = "ask_for_workers"
Kind = type[Reranker] | type[Embedder]


@pytest.fixture(autouse=True)
def nothing_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pickling, "_TOLD", set())


@pytest.fixture(scope="module")
def guarded() -> Iterator[str]:
    with LocalServer(api_key=KEY) as server:
        yield server.base_url


@pytest.fixture(params=[Reranker, Embedder])
def kind(request: pytest.FixtureRequest) -> Kind:
    made: Kind = request.param
    return made


@pytest.fixture(params=["sync", "async"])
def called(request: pytest.FixtureRequest) -> Callable[[Reranker | Embedder], Any]:
    async def call(it: Reranker | Embedder) -> object:
        if isinstance(it, Reranker):
            if request.param == "sync":
                return it.rerank("q", ["a"])
            return await it.arerank("q", ["a"])
        return it.embed_query("q") if request.param == "sync" else await it.aembed_query("q")

    return call


def there_and_back(it: Any, times: int = 1) -> Any:
    for _ in range(times):
        it = pickle.loads(pickle.dumps(it))
    return it


@pytest.mark.parametrize("times", [1, 2])
async def test_a_missing_key_is_explained(
    times: int, kind: Kind, called: Any, guarded: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = there_and_back(kind(api_key=KEY), times)
    with pytest.raises(ConfigurationError) as caught:
        await called(service)
    assert str(caught.value) == (
        "No API key: its api_key was left out when it was pickled: set ASSISTERS_API_KEY in the "
        "workers."
    )
    other = there_and_back(kind(api_key=KEY, base_url=guarded, count_tokens=len), times)
    with pytest.raises(ConfigurationError) as caught:
        await called(other)
    assert str(caught.value) == (
        "No API key: its api_key and count_tokens were left out when it was pickled: set "
        f"ASSISTERS_API_KEY and ASSISTERS_BASE_URL (to {guarded}) in the workers."
    )
    assert KEY not in str(caught.value)
    await called(other.with_options(api_key=KEY))
    monkeypatch.setenv("ASSISTERS_API_KEY", KEY)
    monkeypatch.setenv("ASSISTERS_BASE_URL", guarded)
    await called(other)


async def test_a_key_that_was_never_given_is_no_loss(kind: Kind, called: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"^No API key: give api_key=… or set"):
        await called(there_and_back(kind()))


async def test_other_losses_are_warned_of_once_in_a_process(
    kind: Kind, called: Any, local_server: LocalServer, caplog: pytest.LogCaptureFixture
) -> None:
    with httpx.Client() as own, httpx.Client() as again:
        async with httpx.AsyncClient() as own_async:
            first = kind(
                base_url=local_server.base_url, http_client=own, async_http_client=own_async
            )
            for twin in (there_and_back(first), there_and_back(first, 2)):
                await called(twin)
                await called(twin)
            (record,) = caplog.records
            assert record.getMessage() == (
                f"This {kind.__name__} was pickled, which leaves out async_http_client and "
                "http_client: calls in this process go without. Give what they need again here: "
                "with_options(async_http_client=…, http_client=…)."
            )
            caplog.clear()
            given = there_and_back(first).with_options(
                http_client=again, async_http_client=own_async
            )
            await called(given)
    assert not caplog.records


@pytest.mark.parametrize(
    "copied",
    [
        copy.copy,
        copy.deepcopy,
        lambda it: it.model_copy(),
        lambda it: it.model_copy(deep=True),
        lambda it: it.with_options(timeout=5),
    ],
)
async def test_copies_lose_nothing(
    copied: Callable[[Any], Any], local_server: LocalServer, caplog: pytest.LogCaptureFixture
) -> None:
    first = Reranker(
        base_url=local_server.base_url, api_key=KEY, cache=MemoryCache(), count_tokens=len
    )
    twin = copied(first)
    twin.rerank("q", ["a"])
    assert (twin.api_key, twin.cache, twin.count_tokens) == (first.api_key, first.cache, len)
    # A copy of what a pickle has left things out of says so as well.
    with pytest.raises(ConfigurationError, match="were left out when it was pickled"):
        copied(there_and_back(first)).rerank("q", ["a"])


def test_nothing_is_said_where_nothing_was_lost(
    local_server: LocalServer, caplog: pytest.LogCaptureFixture
) -> None:
    there_and_back(Reranker(base_url=local_server.base_url, top_n=3)).rerank("q", ["a"])
    assert not caplog.records


def test_a_memory_cache_is_lost_and_a_file_is_not(
    tmp_path: Path, local_server: LocalServer, caplog: pytest.LogCaptureFixture
) -> None:
    with SqliteCache(tmp_path / "scores.db", max_entries=50) as cache:
        first = Reranker(base_url=local_server.base_url, cache=cache)
        first.rerank("q", ["a", "b"])
        twin = there_and_back(first)
        assert repr(twin.cache) == repr(cache)
        assert twin.rerank("q", ["a", "b"]).usage.documents_cached == 2
        assert twin.total_usage.requests == 0
        twin.cache.close()
        assert len(cache) == 2
    assert not caplog.records
    there_and_back(Reranker(base_url=local_server.base_url, cache=MemoryCache())).rerank("q", ["a"])
    assert "leaves out cache:" in caplog.records[0].getMessage()


def _rerank_there(reranker: Reranker) -> tuple[int, str]:
    try:
        return reranker.rerank("q", ["a", "b"]).usage.documents_cached, ""
    except ConfigurationError as error:
        return -1, str(error)


@pytest.mark.slow
def test_in_workers_that_begin_anew(tmp_path: Path, guarded: str) -> None:
    spawn = multiprocessing.get_context("spawn")
    with SqliteCache(tmp_path / "scores.db") as cache:
        reranker = Reranker(base_url=guarded, api_key=KEY, cache=cache)
        reranker.rerank("q", ["a", "b"])
        with ProcessPoolExecutor(2, mp_context=spawn) as pool:
            assert list(pool.map(_rerank_there, [reranker] * 4)) == [(2, "")] * 4
            (told,) = set(pool.map(_rerank_there, [reranker.with_options(cache=None)] * 4))
    assert "its api_key was left out when it was pickled: set ASSISTERS_API_KEY" in told[1]
