"""The environment's proxies are obeyed alike by sync and async calls."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Awaitable, Callable, Iterator

import httpx
import pytest

from assisters_rerank import ConfigurationError, Ranking, Reranker, TransportError
from assisters_rerank.net import clients

from ...faults.server import Exchange, HostileServer
from ..answers import scored
from ..conftest import answer_honestly
from ..expectation import assert_right

TEXTS = ["a", "b", "c"]

Call = Callable[[Reranker], Awaitable[Ranking]]


async def sync(reranker: Reranker) -> Ranking:
    return reranker.rerank("q", TEXTS)


async def evented(reranker: Reranker) -> Ranking:
    return await reranker.arerank("q", TEXTS)


colours = pytest.mark.parametrize("call", [sync, evented])


@pytest.fixture
def proxy() -> Iterator[HostileServer]:
    """A proxy that answers in the target's place, and so shows what was asked of it."""
    with HostileServer([answer_honestly]) as server:
        yield server


def address(server: HostileServer) -> str:
    return "http://{}:{}".format(*server.address)


@colours
@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])
async def test_a_proxy_is_used(
    proxy: HostileServer, monkeypatch: pytest.MonkeyPatch, variable: str, call: Call
) -> None:
    monkeypatch.setenv(variable, address(proxy))
    assert_right(await call(Reranker(base_url="http://rerank.test/v1")), TEXTS)
    assert proxy.requests[0].target == "http://rerank.test/v1/rerank"


@colours
async def test_https_goes_through_a_tunnel_that_never_sees_the_key(
    monkeypatch: pytest.MonkeyPatch, call: Call
) -> None:
    def refuse(exchange: Exchange) -> None:
        exchange.send(b"HTTP/1.1 403 No tunnels\r\nContent-Length: 0\r\n\r\n")

    with HostileServer([refuse]) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", address(proxy))
        reranker = Reranker(base_url="https://h.test/v1", max_retries=0, api_key="ask_SECRET")
        with pytest.raises(TransportError, match="403"):
            await call(reranker)
    assert (proxy.requests[0].method, proxy.requests[0].target) == ("CONNECT", "h.test:443")
    assert "SECRET" not in str(proxy.requests)


@colours
@pytest.mark.parametrize("excepted", ["rerank.test", "*", "other.test,rerank.test"])
async def test_excepted_hosts_are_asked_directly(
    proxy: HostileServer, monkeypatch: pytest.MonkeyPatch, excepted: str, call: Call
) -> None:
    monkeypatch.setenv("HTTP_PROXY", address(proxy))
    monkeypatch.setenv("NO_PROXY", excepted)
    # A name that nobody knows: it is looked up here, which is the proxy's work otherwise.
    with pytest.raises(TransportError):
        await call(Reranker(base_url="http://rerank.test/v1", max_retries=0))
    assert proxy.requests == []


@colours
@pytest.mark.parametrize("variable", ["HTTP_PROXY", "ALL_PROXY", "http_proxy"])
@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "localhost", "LOCALHOST", "[::1]"])
async def test_this_machine_is_asked_directly(
    proxy: HostileServer,
    honest_server: HostileServer,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    host: str,
    call: Call,
) -> None:
    monkeypatch.setenv(variable, address(proxy))
    reranker = Reranker(base_url=f"http://{host}:{honest_server.address[1]}/v1", max_retries=0)
    if host in ("127.1.2.3", "[::1]"):  # the server does not listen there
        with pytest.raises(TransportError, match="ConnectionRefused"):
            await call(reranker)
    else:
        assert_right(await call(reranker), TEXTS)
        assert honest_server.requests[0].target == "/v1/rerank"
    assert proxy.requests == []


@colours
async def test_other_options_of_one_reranker_take_their_own_way(
    proxy: HostileServer,
    honest_server: HostileServer,
    monkeypatch: pytest.MonkeyPatch,
    call: Call,
) -> None:
    monkeypatch.setenv("HTTP_PROXY", address(proxy))
    here = Reranker(base_url=honest_server.url)
    assert_right(await call(here), TEXTS)
    assert_right(await call(here.with_options(base_url="http://rerank.test/v1")), TEXTS)
    assert len(proxy.requests) == len(honest_server.requests) == 1


def unusable() -> list[tuple[str, str]]:
    proxies = [
        ("HTTP_PROXY", "nonsense://127.0.0.1:1"),
        ("ALL_PROXY", "nonsense://u:SECRET@h:1"),
        ("HTTP_PROXY", "http://proxy:port"),
        ("HTTP_PROXY", "http://u:SECRET@proxy:99999"),
        ("ALL_PROXY", "http://[bad"),
    ]
    if importlib.util.find_spec("socksio") is None:
        proxies += [("ALL_PROXY", "socks5://127.0.0.1:1"), ("HTTP_PROXY", "socks5://u:SECRET@h:1")]
    return proxies


@colours
@pytest.mark.parametrize(("variable", "value"), unusable())
async def test_an_unusable_proxy_is_told_and_nothing_sent(
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    value: str,
    call: Call,
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigurationError, match="proxy variables") as caught:
        await call(Reranker(base_url="http://rerank.test/v1", on_error="passthrough"))
    assert "SECRET" not in str(caught.value)


@colours
async def test_an_unusable_exception_from_the_proxies_is_told_and_nothing_sent(
    monkeypatch: pytest.MonkeyPatch, call: Call
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "[::1")
    with pytest.raises(ConfigurationError, match="proxy variables"):
        await call(Reranker(base_url="http://rerank.test/v1"))


@colours
@pytest.mark.parametrize("file", ["missing.pem", __file__])
async def test_unusable_certificates_are_told(
    monkeypatch: pytest.MonkeyPatch, file: str, call: Call
) -> None:
    monkeypatch.setattr(clients, "_TLS", {})
    monkeypatch.setenv("SSL_CERT_FILE", file)
    with pytest.raises(ConfigurationError, match="SSL_CERT_FILE"):
        await call(Reranker(base_url="https://h.test/v1", on_error="passthrough"))


@colours
async def test_own_clients_bring_their_own_proxies(
    proxy: HostileServer, monkeypatch: pytest.MonkeyPatch, call: Call
) -> None:
    def respond(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=scored(json.loads(request.content)))

    monkeypatch.setenv("HTTP_PROXY", address(proxy))
    transport = httpx.MockTransport(respond)
    reranker = Reranker(
        base_url="http://rerank.test/v1",
        http_client=httpx.Client(transport=transport, trust_env=False),
        async_http_client=httpx.AsyncClient(transport=transport, trust_env=False),
    )
    assert_right(await call(reranker), TEXTS)
    assert proxy.requests == []
