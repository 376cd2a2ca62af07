"""Names of hosts are looked up in threads of ours, and each of a host's addresses is tried."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import trio

from assisters_rerank import BudgetExceeded, Embedder, Reranker, TransportError
from assisters_rerank.net import backends

from ...faults.server import HostileServer
from ..expectation import assert_right
from .conftest import Tls, resolve

TEXTS = ["a", "b", "c"]
Main = Callable[[], Coroutine[Any, Any, None]]


def on_uvloop(main: Main) -> None:
    pytest.importorskip("uvloop").run(main())


ASYNCIO: dict[str, Callable[[Main], object]] = {
    "asyncio": lambda main: asyncio.run(main()),
    "uvloop": on_uvloop,
}
on_asyncio = pytest.mark.parametrize("run", ASYNCIO.values(), ids=ASYNCIO)


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Async calls over httpx's own transport."""
    monkeypatch.setenv("ASSISTERS_ASYNC_TRANSPORT", "httpx")


class NobodysExecutor(ThreadPoolExecutor):
    """The user's: it may be full, so whatever is handed to it fails the test."""

    def submit(self, *work: Any, **about: Any) -> Any:
        raise AssertionError(f"{work} was handed to the loop's executor")


@pytest.mark.usefixtures("each_transport")
@on_asyncio
@pytest.mark.parametrize("way", ["direct", "proxy", "socks"])
def test_the_loops_executor_is_left_to_the_user(
    honest_server: HostileServer,
    run: Callable[[Main], None],
    way: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = resolve(monkeypatch, "rerank.test", "127.0.0.1")
    port = honest_server.address[1]
    url = f"http://rerank.test:{port}/v1"
    if way == "proxy":
        monkeypatch.setenv("HTTP_PROXY", f"http://rerank.test:{port}")
    if way == "socks":
        pytest.importorskip("socksio")
        monkeypatch.setenv("ALL_PROXY", f"socks5://rerank.test:{port}")

    async def main() -> None:
        asyncio.get_running_loop().set_default_executor(NobodysExecutor(1))
        async with Reranker(base_url=url, max_retries=0) as reranker:
            if way == "socks":  # the server is none, but its name was looked up
                with pytest.raises(TransportError):
                    await reranker.arerank("q", TEXTS)
            else:
                assert_right(await reranker.arerank("q", TEXTS), TEXTS)

    run(main)
    assert asked == ["rerank-aside"]
    if way != "socks":
        (request,) = honest_server.requests
        assert request.headers["host"] == f"rerank.test:{port}"


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("family", ["preferred", "other"])
def test_addresses_that_refuse_or_say_nothing_are_passed_by(
    honest_server: HostileServer, family: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = []
    connect = backends.httpcore.AnyIOBackend.connect_tcp

    async def noted(self: Any, host: str, *rest: Any, **about: Any) -> Any:
        tried.append(host)
        if host == "::1":
            await asyncio.sleep(60)  # as an address that leads nowhere
        return await connect(self, host, *rest, **about)

    monkeypatch.setattr(backends.httpcore.AnyIOBackend, "connect_tcp", noted)
    monkeypatch.setattr(backends, "_HEAD_START", 0.02)
    refusing = "127.0.0.2"  # the server listens on 127.0.0.1 only
    ours = ["::1", "127.0.0.1", refusing] if family == "other" else [refusing, "127.0.0.1", "::1"]
    resolve(monkeypatch, "rerank.test", *ours)
    url = f"http://rerank.test:{honest_server.address[1]}/v1"

    async def main() -> None:
        async with Reranker(base_url=url, max_retries=0) as reranker:
            assert_right(await reranker.arerank("q", TEXTS), TEXTS)
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(main())
    by_turns = ["::1", "127.0.0.1"] if family == "other" else [refusing, "::1", "127.0.0.1"]
    assert tried == by_turns
    assert honest_server.connections == 1


@pytest.mark.usefixtures("each_transport")
def test_a_host_none_of_whose_addresses_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve(monkeypatch, "rerank.test", "127.0.0.1", "127.0.0.2")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    reranker = Reranker(base_url=f"http://rerank.test:{port}/v1", max_retries=0)
    with pytest.raises(TransportError, match="ConnectionRefusedError") as caught:
        asyncio.run(reranker.arerank("q", TEXTS))
    assert caught.value.transient


@pytest.mark.usefixtures("each_transport")
def test_an_unknown_host_is_named_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    reranker = Reranker(base_url="http://rerank.test/v1", max_retries=0)
    with pytest.raises(TransportError, match="Name or service not known") as caught:
        asyncio.run(reranker.arerank("q", TEXTS))
    assert caught.value.transient


@pytest.mark.usefixtures("each_transport")
def test_a_slow_look_up_is_held_to_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: ended.wait(10) and [])

    async def main() -> float:
        embedder = Embedder(model="m", base_url="http://rerank.test/v1", timeout=0.2)
        began = time.monotonic()
        with pytest.raises(BudgetExceeded):
            await embedder.aembed_query("a")
        return time.monotonic() - began

    try:
        assert asyncio.run(main()) < 2
    finally:
        ended.set()


def test_a_cancelled_call_leaves_no_connection_behind(
    honest_server: HostileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loser of the race is closed, and so is the winner when nobody waits for it any more."""
    closed = []

    class Stream(backends.httpcore.AsyncNetworkStream):
        def __init__(self, address: str) -> None:
            self.address = address

        async def aclose(self) -> None:
            closed.append(self.address)

    async def connect(address: str) -> Any:
        try:
            await asyncio.sleep(0.02)
        except asyncio.CancelledError:
            if address == "stubborn":
                return Stream(address)
            raise
        return Stream(address)

    monkeypatch.setattr(backends, "_HEAD_START", 0.001)

    async def main() -> None:
        won: Any = await backends._first(connect, ["first", "stubborn"])
        assert (won.address, closed) == ("first", ["stubborn"])
        call = asyncio.create_task(backends._first(connect, ["stubborn", "second"]))
        await asyncio.sleep(0.005)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert closed == ["stubborn", "stubborn"]

    asyncio.run(main())


RUNNERS: dict[str, Callable[[Main], object]] = ASYNCIO | {"trio": lambda main: trio.run(main)}


@pytest.mark.usefixtures("each_transport")
@pytest.mark.parametrize("run", RUNNERS.values(), ids=RUNNERS)
def test_the_certificate_is_checked_by_the_name(
    tls: Tls, run: Callable[[Main], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("rerank.test", "other.test"):
        resolve(monkeypatch, name, "127.0.0.1")

    async def main() -> None:
        async with Reranker(base_url=f"https://rerank.test:{tls.port}/v1", api_key="k") as right:
            assert_right(await right.arerank("q", TEXTS), TEXTS)
        async with Reranker(base_url=f"https://other.test:{tls.port}/v1", api_key="k") as wrong:
            with pytest.raises(TransportError, match="certificate") as caught:
                await wrong.arerank("q", TEXTS)
        assert not caught.value.transient

    run(main)
    assert tls.names[:2] == ["rerank.test", "other.test"]
