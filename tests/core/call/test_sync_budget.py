"""`timeout` holds within a second where sockets wait: for each address, each write, each read."""

from __future__ import annotations

import socket
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack

import pytest

from assisters_rerank import BudgetExceeded, Ranking, Reranker

from ...faults.server import AtAccept, Exchange, HostileServer

pytestmark = pytest.mark.timed

Call = Callable[[Reranker, str], Awaitable[Ranking]]

TIMEOUT = 1.2
BUSY = 0.5


async def sync(reranker: Reranker, text: str) -> Ranking:
    return reranker.rerank("q", [text])


async def evented(reranker: Reranker, text: str) -> Ranking:
    return await reranker.arerank("q", [text])


colours = pytest.mark.parametrize("call", [sync, evented])


async def assert_in_time(call: Call, url: str, text: str = "a") -> None:
    start = time.monotonic()
    with pytest.raises(BudgetExceeded):
        await call(Reranker(base_url=url, timeout=TIMEOUT), text)
    assert TIMEOUT - 0.1 < time.monotonic() - start < TIMEOUT + 1 + BUSY


@pytest.fixture
def never_accepting(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a host with four addresses, none of which accepts anybody."""
    with ExitStack() as held:
        port, found = 0, []
        for number in range(1, 5):
            listener = held.enter_context(socket.socket())
            listener.bind((f"127.0.0.{number}", port))
            listener.listen(0)
            port = listener.getsockname()[1]
            for _ in range(2):
                visitor = held.enter_context(socket.socket())
                visitor.setblocking(False)
                visitor.connect_ex(listener.getsockname())
            entry = (f"127.0.0.{number}", port)
            found.append((socket.AF_INET, socket.SOCK_STREAM, 6, "", entry))
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        yield f"http://many.test:{port}/v1"


@colours
async def test_a_host_with_many_dead_addresses(never_accepting: str, call: Call) -> None:
    await assert_in_time(call, never_accepting)


@colours
async def test_a_server_that_reads_slowly(call: Call) -> None:
    def sip(exchange: Exchange) -> None:
        while not exchange.server.stopping.wait(0.02) and exchange.sock.recv(100_000):
            pass

    with HostileServer([AtAccept(sip)]) as server:
        await assert_in_time(call, server.url, "a" * 30_000_000)


@colours
async def test_an_attempt_that_begins_late_and_drips(call: Call) -> None:
    def refuse(exchange: Exchange) -> None:
        exchange.send(b"HTTP/1.1 503 No\r\nRetry-After: 0.3\r\nContent-Length: 0\r\n\r\n")

    def drip(exchange: Exchange) -> None:
        exchange.drip(b"HTTP/1.1 200 OK\r\nX-Odd: " + b"x" * 80, 0.1)

    with HostileServer([refuse, drip]) as server:
        await assert_in_time(call, server.url)
