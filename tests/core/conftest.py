"""What the core's tests share: plain surroundings, the local server, hypothesis's settings."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

import httpx
import pytest
from hypothesis import HealthCheck, settings

from ..faults.server import Exchange, HostileServer
from ..plugins.scales import scales  # noqa: F401 - a fixture, found by its name
from .answers import scored

if TYPE_CHECKING:
    from assisters_rerank.local import LocalServer

# Two busy cores: an example's time says nothing. Seeds are fixed, so a failure comes back.
settings.register_profile(
    "core",
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.load_profile("core")


@pytest.fixture(autouse=True)
def plain_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy, key or address of the machine's own."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.delenv("ASSISTERS_API_KEY", raising=False)
    monkeypatch.delenv("ASSISTERS_BASE_URL", raising=False)


@pytest.fixture(params=["httpx", "aiohttp"])
def each_transport(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Async calls without the extra `aiohttp`, and with it where it is installed."""
    if request.param == "httpx":
        monkeypatch.setenv("ASSISTERS_ASYNC_TRANSPORT", "httpx")
    else:
        pytest.importorskip("httpx_aiohttp")


@pytest.fixture(scope="session")
def local_server() -> Iterator[LocalServer]:
    """The project's own server, with its real scorer."""
    from assisters_rerank.local import LocalServer, RateLimits

    # Told limits are kept to, and the property tests send more than a plan's worth in a minute.
    with LocalServer(limits=RateLimits(1_000_000, 1_000_000_000)) as server:
        yield server


def answer_honestly(exchange: Exchange) -> None:
    """Scores texts as `answers.score` does, and keeps the connection open."""
    assert exchange.request is not None
    body = json.dumps(scored(exchange.request.payload)).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    exchange.send(f"{head}\r\nX-Request-ID: req-1\r\n\r\n".encode() + body)


@pytest.fixture
def honest_server() -> Iterator[HostileServer]:
    """A bare server that counts connections and answers well."""
    with HostileServer([answer_honestly]) as server:
        yield server


class NeverAsked(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """A transport for calls that must not reach the network."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        raise AssertionError(f"{request.method} {request.url} was sent")

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        raise AssertionError(f"{request.method} {request.url} was sent")


@pytest.fixture
def never_asked() -> dict[str, httpx.Client | httpx.AsyncClient]:
    """Options with which any request fails the test."""
    return {
        "http_client": httpx.Client(transport=NeverAsked()),
        "async_http_client": httpx.AsyncClient(transport=NeverAsked()),
    }
