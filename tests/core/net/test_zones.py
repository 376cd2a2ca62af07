"""IPv6 addresses with a zone, as `fe80::1%eth0`: they hold only on one of this machine's links."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import trio

from assisters_rerank import Ranking, Reranker, TransportError
from assisters_rerank.net import backends, sockets

from ..answers import scored
from ..expectation import assert_right
from .test_look_ups import NobodysExecutor, on_uvloop

TEXTS = ["a", "b", "c"]
LOOPBACK = socket.if_nameindex()[0][1]


class OverIPv6(ThreadingHTTPServer):
    """Scores honestly, and keeps the Host headers."""

    address_family = socket.AF_INET6
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("::1", 0), Answering)
        self.hosts: list[str | None] = []


class Answering(BaseHTTPRequestHandler):
    """See `OverIPv6`."""

    server: OverIPv6

    def do_POST(self) -> None:
        self.server.hosts.append(self.headers["Host"])
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        body = json.dumps(scored(asked)).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


@pytest.fixture
def server() -> Iterator[OverIPv6]:
    try:
        made = OverIPv6()
    except OSError:
        pytest.skip("this machine has no IPv6")
    with made:
        threading.Thread(target=made.serve_forever, daemon=True).start()
        yield made
        made.shutdown()


def in_asyncio(call: Callable[[], Awaitable[Ranking]]) -> Ranking:
    async def main() -> Ranking:
        asyncio.get_running_loop().set_default_executor(NobodysExecutor(1))
        return await call()

    return asyncio.run(main())


def in_uvloop(call: Callable[[], Awaitable[Ranking]]) -> Ranking:
    rankings = []

    async def main() -> None:
        asyncio.get_running_loop().set_default_executor(NobodysExecutor(1))
        rankings.append(await call())

    on_uvloop(main)
    return rankings[0]


def in_trio(call: Callable[[], Awaitable[Ranking]]) -> Ranking:
    async def main() -> Ranking:
        trio.to_thread.current_default_thread_limiter().total_tokens = 1
        await trio.to_thread.current_default_thread_limiter().acquire_on_behalf_of("the user")
        return await call()

    return trio.run(main)


def rank(world: str, url: str, texts: list[str]) -> Ranking:
    reranker = Reranker(base_url=url, max_retries=0, timeout=5)
    if world == "sync":
        with reranker:
            return reranker.rerank("q", texts)

    async def call() -> Ranking:
        async with reranker:
            return await reranker.arerank("q", texts)

    run = {"asyncio": in_asyncio, "uvloop": in_uvloop, "trio": in_trio}[world]
    return run(call)


worlds = pytest.mark.parametrize("world", ["sync", "asyncio", "uvloop", "trio"])


@pytest.mark.usefixtures("each_transport")
@worlds
@pytest.mark.parametrize("written", [f"%25{LOOPBACK}", f"%{LOOPBACK}"], ids=["encoded", "plain"])
def test_a_host_with_a_zone(server: OverIPv6, world: str, written: str) -> None:
    url = f"http://[::1{written}]:{server.server_port}/v1"
    assert_right(rank(world, url, TEXTS), TEXTS)
    assert server.hosts == [f"[::1]:{server.server_port}"]  # the zone concerns nobody else


@pytest.mark.usefixtures("each_transport")
@worlds
def test_a_zone_that_is_not_here(world: str) -> None:
    with pytest.raises(TransportError, match="no network interface nowhere"):
        rank(world, "http://[fe80::1%25nowhere]:9/v1", TEXTS)


@pytest.mark.usefixtures("each_transport")
@worlds
def test_a_name_whose_address_has_a_zone(
    server: OverIPv6, world: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As multicast DNS gives them; systems report the zone next to the address."""
    real = socket.getaddrinfo
    zone = socket.if_nametoindex(LOOPBACK)
    connected_to: list[tuple[Any, ...]] = []

    def look_up(host: Any, port: Any, *rest: Any, **about: Any) -> Any:
        if host not in ("printer.local", b"printer.local"):
            return real(host, port, *rest, **about)
        about_it = socket.AF_INET6, socket.SOCK_STREAM, 6, ""
        return [(*about_it, ("::1", int(port), 0, zone))]

    class Noted(socket.socket):
        def connect(self, address: Any) -> None:
            connected_to.append(address)
            super().connect(address)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    if world != "uvloop":  # it connects with the socket's number
        monkeypatch.setattr(socket, "socket", Noted)
    url = f"http://printer.local:{server.server_port}/v1"
    if world == "trio":  # its sockets are no sockets of that class
        found = trio.run(backends._addresses, "printer.local", server.server_port)
        assert found == [f"::1%{zone}"]
    assert_right(rank(world, url, TEXTS), TEXTS)
    if world in ("sync", "asyncio"):
        assert connected_to == [("::1", server.server_port, 0, zone)]


@pytest.mark.usefixtures("each_transport")
@pytest.mark.parametrize("world", ["sync", "asyncio"])
@pytest.mark.parametrize("written", ["%25many", "%25251"])
def test_a_zone_whose_number_begins_like_the_encoding(
    world: str, written: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Machines with many containers have them."""
    zones: list[int] = []

    class Noted(socket.socket):
        def connect(self, address: Any) -> None:
            host, *_, zone = socket.getaddrinfo(*address[:2])[0][4]
            zones.append(address[3] if len(address) > 3 else int(zone))
            raise ConnectionRefusedError(f"nobody is at {host}")

    monkeypatch.setattr(socket, "if_nameindex", lambda: [(1, "one"), (251, "many")])
    monkeypatch.setattr(socket, "socket", Noted)
    with pytest.raises(TransportError, match="nobody is at"):
        rank(world, f"http://[fe80::1{written}]:9/v1", TEXTS)
    assert zones == [251]


def test_which_address_a_socket_gets() -> None:
    number = socket.if_nametoindex(LOOPBACK)
    assert sockets.plain("rerank.test") == "rerank.test"
    assert sockets.plain(f"fe80::1%25{LOOPBACK}") == f"fe80::1%{number}"
    assert sockets.plain("fe80::1%25") == "fe80::1%25"  # the number 25, without the encoding
    assert sockets.numbered((f"fe80::1%{LOOPBACK}", 80, 0, 0)) == ("fe80::1", 80, 0, number)
    assert sockets.numbered(("127.0.0.1", 80)) == ("127.0.0.1", 80)
    assert sockets.plain("fe80::1%7") == "fe80::1%7"
    assert sockets.plain("a%20name") == "a%20name"
    assert sockets.numbered(("a%20name", 80)) == ("a%20name", 80)
    # What systems report is encoded by nobody: machines with many containers have such numbers.
    assert sockets.numbered((sockets.plain("fe80::1%25251"), 80, 0, 0)) == ("fe80::1", 80, 0, 251)
    with pytest.raises(OSError, match="nowhere"):
        sockets.numbered(("fe80::1%nowhere", 80, 0, 0))


def test_a_full_pool_of_trios_threads_holds_up_no_look_up() -> None:
    """Each of them waits for the call that would wait for one of them."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        closed = listener.getsockname()[1]
    reranker = Reranker(base_url=f"http://localhost:{closed}/v1", max_retries=0, timeout=5)
    failures: list[str] = []

    def thread() -> None:
        try:
            trio.from_thread.run(reranker.arerank, "q", TEXTS)
        except TransportError as error:
            failures.append(str(error))

    async def main() -> None:
        trio.to_thread.current_default_thread_limiter().total_tokens = 1
        await trio.to_thread.run_sync(thread)

    trio.run(main)
    assert len(failures) == 1
    assert "refused" in failures[0]
