"""Connections are kept, closed and made anew; users' own clients are used and left open."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
import trio

from assisters_rerank import (
    AuthenticationError,
    ConfigurationError,
    Reranker,
    StatusError,
    arerank,
    rerank,
)

from ...faults.server import HostileServer
from ..answers import scored
from ..conftest import answer_honestly
from ..expectation import assert_right

pytestmark = pytest.mark.usefixtures("each_transport")
TEXTS = ["a", "b", "c"]


def test_twenty_calls_over_one_connection(honest_server: HostileServer) -> None:
    reranker = Reranker(base_url=honest_server.url)
    for _ in range(20):
        assert_right(reranker.rerank("q", TEXTS), TEXTS)
    assert (honest_server.connections, len(honest_server.requests)) == (1, 20)
    reranker.close()


@pytest.mark.parametrize("run", [asyncio.run, lambda main: trio.run(lambda: main)])
def test_twenty_async_calls_over_one_connection(honest_server: HostileServer, run: object) -> None:
    reranker = Reranker(base_url=honest_server.url)

    async def main() -> None:
        for _ in range(20):
            assert_right(await reranker.arerank("q", TEXTS), TEXTS)

    run(main())  # type: ignore[operator]
    assert (honest_server.connections, len(honest_server.requests)) == (1, 20)


def test_calls_after_close_and_after_with(honest_server: HostileServer) -> None:
    with Reranker(base_url=honest_server.url) as reranker:
        reranker.rerank("q", TEXTS)
        reranker.close()
        reranker.close()
        reranker.rerank("q", TEXTS)
    assert_right(reranker.rerank("q", TEXTS), TEXTS)
    assert honest_server.connections == 3
    reranker.close()


async def test_calls_after_aclose_and_after_async_with(honest_server: HostileServer) -> None:
    async with Reranker(base_url=honest_server.url) as reranker:
        await reranker.aclose()
        await reranker.arerank("q", TEXTS)
        await asyncio.gather(reranker.aclose(), reranker.aclose())
        await reranker.arerank("q", TEXTS)
        reranker.rerank("q", TEXTS)
    assert_right(await reranker.arerank("q", TEXTS), TEXTS)
    assert_right(reranker.rerank("q", TEXTS), TEXTS)
    assert honest_server.connections == 5
    await reranker.aclose()


def test_aclose_under_trio(honest_server: HostileServer) -> None:
    async def main() -> None:
        async with Reranker(base_url=honest_server.url) as reranker:
            await reranker.arerank("q", TEXTS)
        assert_right(await reranker.arerank("q", TEXTS), TEXTS)
        await reranker.aclose()
        await reranker.aclose()

    trio.run(main)
    assert honest_server.connections == 2


async def test_the_module_level_functions_keep_their_connection(
    honest_server: HostileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSISTERS_BASE_URL", honest_server.url)
    for _ in range(5):
        assert_right(rerank("q", TEXTS), TEXTS)
        assert_right(await arerank("q", TEXTS), TEXTS)
    assert honest_server.connections == 2


def test_the_module_level_functions_follow_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    with HostileServer([answer_honestly]) as one, HostileServer([answer_honestly]) as other:
        for server in (one, other):
            monkeypatch.setenv("ASSISTERS_BASE_URL", server.url)
            rerank("q", TEXTS)
        assert (len(one.requests), len(other.requests)) == (1, 1)


def respond(request: httpx.Request) -> httpx.Response:
    assert request.headers["x-mine"] == "yes"
    return httpx.Response(200, json=scored(json.loads(request.content)))


async def test_own_clients_are_used_as_they_are_and_left_open(
    honest_server: HostileServer,
) -> None:
    transport = httpx.MockTransport(respond)
    own = httpx.Client(transport=transport, headers={"x-mine": "yes"}, base_url="https://x.test")
    own_async = httpx.AsyncClient(transport=transport, headers={"x-mine": "yes"})
    async with Reranker(
        base_url=honest_server.url,
        max_documents_per_request=1,
        http_client=own,
        async_http_client=own_async,
    ) as reranker:
        assert_right(reranker.rerank("q", TEXTS), TEXTS)
        assert_right(await reranker.arerank("q", TEXTS), TEXTS)
    reranker.close()
    assert not own.is_closed
    assert not own_async.is_closed
    assert_right(reranker.rerank("q", TEXTS), TEXTS)
    assert honest_server.requests == []


async def test_own_clients_redirects_stay_off_and_their_timeouts_give_way() -> None:
    def redirect(request: httpx.Request) -> httpx.Response:
        assert request.extensions["timeout"]["connect"] != 0.001
        return httpx.Response(307, headers={"location": "https://evil.test/v1/rerank"})

    transport = httpx.MockTransport(redirect)
    reranker = Reranker(
        base_url="https://h.test/v1",
        http_client=httpx.Client(transport=transport, follow_redirects=True, timeout=0.001),
        async_http_client=httpx.AsyncClient(
            transport=transport, follow_redirects=True, timeout=0.001
        ),
    )
    with pytest.raises(StatusError, match="307"):
        reranker.rerank("q", TEXTS)
    with pytest.raises(StatusError, match="307"):
        await reranker.arerank("q", TEXTS)


def test_a_changed_address_is_followed_also_from_http_to_https(
    honest_server: HostileServer,
) -> None:
    reranker = Reranker(base_url=honest_server.url)
    reranker.rerank("q", TEXTS)
    # A client made for http trusts no certificate; one for https has to be another.
    for_http = reranker._state.clients.blocking(honest_server.url)
    for_https = reranker._state.clients.blocking("https://h.test/v1/rerank")
    context = for_https._transport._pool._ssl_context  # type: ignore[attr-defined]
    assert context.cert_store_stats()["x509"] > 0
    assert for_http is not for_https


@pytest.mark.parametrize("reads", [True, False])
async def test_own_clients_may_raise_for_a_status_in_a_hook(reads: bool) -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        # A stream, as from the network: what is given at once would count as read.
        parts = iter([b'{"error": {"message": "no such key"}}'])
        return httpx.Response(401, stream=OneWay(parts), headers={"x-request-id": "r-1"})

    def check(response: httpx.Response) -> None:
        if reads:
            response.read()
        response.raise_for_status()

    async def acheck(response: httpx.Response) -> None:
        if reads:
            await response.aread()
        response.raise_for_status()

    transport = httpx.MockTransport(refuse)
    reranker = Reranker(
        base_url="https://h.test/v1",
        http_client=httpx.Client(transport=transport, event_hooks={"response": [check]}),
        async_http_client=httpx.AsyncClient(
            transport=transport, event_hooks={"response": [acheck]}
        ),
        on_error="passthrough",
    )
    for call in (asyncio.to_thread(reranker.rerank, "q", TEXTS), reranker.arerank("q", TEXTS)):
        with pytest.raises(AuthenticationError, match="no such key" if reads else "401") as caught:
            await call
        assert caught.value.request_id == "r-1"


class OneWay(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body that can be read once."""

    def __init__(self, parts: Iterator[bytes]) -> None:
        self._parts = parts

    def __iter__(self) -> Iterator[bytes]:
        return self._parts

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self._parts:
            yield part


def test_an_own_async_client_in_a_second_loop_is_told(honest_server: HostileServer) -> None:
    reranker = Reranker(
        base_url=honest_server.url, async_http_client=httpx.AsyncClient(), max_retries=0
    )
    asyncio.run(reranker.arerank("q", TEXTS))
    with pytest.raises(ConfigurationError, match="async_http_client: the event loop"):
        asyncio.run(reranker.arerank("q", TEXTS))
