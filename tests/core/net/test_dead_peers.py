"""A peer that is gone is noticed by the socket and asked anew; one that is only slow is not."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import trio

from assisters_rerank import Reranker
from assisters_rerank.net import sockets

from ...faults.server import HostileServer
from ..conftest import answer_honestly

linux = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc, or at namespaces")


def on_uvloop(main: Callable[[], Any]) -> None:
    pytest.importorskip("uvloop").run(main())


RUNNERS: dict[str, Callable[[Callable[[], Any]], object]] = {
    "asyncio": lambda main: asyncio.run(main()),
    "uvloop": on_uvloop,
    "trio": trio.run,
}


def options_of_connections_to(address: tuple[str, int]) -> Iterator[dict[str, int]]:
    """What is set on this process's connections."""
    for link in Path("/proc/self/fd").iterdir():
        try:
            if not os.readlink(link).startswith("socket:"):
                continue
            sock = socket.socket(fileno=os.dup(int(link.name)))
        except OSError:  # closed meanwhile
            continue
        with sock:
            try:
                if sock.getpeername() != address:
                    continue
            except OSError:
                continue
            names = ("TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT", "TCP_USER_TIMEOUT")
            found = {n: sock.getsockopt(socket.IPPROTO_TCP, getattr(socket, n)) for n in names}
            found["SO_KEEPALIVE"] = sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            yield found


def expected(*, small: bool) -> dict[str, int]:
    return {
        "TCP_KEEPIDLE": 2,
        "TCP_KEEPINTVL": 1,
        "TCP_KEEPCNT": 3,
        "TCP_USER_TIMEOUT": 5000 if small else 0,
        "SO_KEEPALIVE": 1,
    }


# Larger than any receive buffer must be: a busy server may leave it unread for long.
SIZES = {"small": ["a"], "large": ["a" * sockets.SMALL]}
ORDER = ["small", "small", "large", "large", "small"]
EXPECTED = [[expected(small=size == "small")] for size in ORDER]


@pytest.fixture(params=["direct", "proxy", "tls"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Where connections lead to, and the base_url; a proxy that answers itself among them."""
    if request.param == "tls":
        port = request.getfixturevalue("tls").port
        yield ("127.0.0.1", port), f"https://rerank.test:{port}/v1"
        return
    with HostileServer([answer_honestly]) as server:
        if request.param == "proxy":
            monkeypatch.setenv("HTTP_PROXY", "http://{}:{}".format(*server.address))
            yield server.address, "http://rerank.test/v1"
        else:
            yield server.address, server.url


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """The name in the certificate is this machine's."""
    real = socket.getaddrinfo

    def look_up(host: Any, *rest: Any, **about: Any) -> Any:
        return real("127.0.0.1" if host in NAMES else host, *rest, **about)

    for module in (socket, trio.socket._stdlib_socket):  # type: ignore[attr-defined]
        monkeypatch.setattr(module, "getaddrinfo", look_up)


KEYS = {"http:": None, "https": "k"}
NAMES = ("rerank.test", b"rerank.test")


@linux
def test_sync_connections_notice(way: tuple[tuple[str, int], str]) -> None:
    address, url = way
    found = []
    with Reranker(base_url=url, api_key=KEYS[url[:5]]) as reranker:
        for size in ORDER:
            reranker.rerank("q", SIZES[size])
            found.append(list(options_of_connections_to(address)))
    assert found == EXPECTED


@linux
@pytest.mark.usefixtures("each_transport")
@pytest.mark.parametrize("run", RUNNERS.values(), ids=RUNNERS)
def test_connections_of_loops_notice(
    way: tuple[tuple[str, int], str], run: Callable[..., object]
) -> None:
    address, url = way
    found = []

    async def main() -> None:
        async with Reranker(base_url=url, api_key=KEYS[url[:5]]) as reranker:
            for size in ORDER:
                await reranker.arerank("q", SIZES[size])
                found.append(list(options_of_connections_to(address)))

    run(main)
    assert found == EXPECTED


def test_what_a_system_does_not_know_or_take_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(socket, "TCP_USER_TIMEOUT", raising=False)
    monkeypatch.setattr(socket, "TCP_KEEPCNT", 9999, raising=False)  # an option of no system
    sockets.options.cache_clear()
    try:
        taken = sockets.options(small=True)
        with socket.socket() as sock:
            sockets.notice(sock, small=True)
            assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    finally:
        sockets.options.cache_clear()
    assert (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1) in taken
    assert all(option[1] != 9999 and option[2] < 1000 for option in taken)


# Two network namespaces with a cable between them. The server's address is taken away, as if its
# machine had lost its power: nothing answers any more, not even to say so.
CABLE = """
    set -e
    ip link set lo up
    unshare -n sleep 60 & there=$!
    trap 'kill $there' EXIT
    own=$(readlink /proc/self/ns/net)
    while [ "$(readlink /proc/$there/ns/net)" = "$own" ]; do sleep 0.02; done
    ip link add here type veth peer name there
    ip link set there netns $there
    ip addr add 10.9.0.1/24 dev here
    ip link set here up
    nsenter -t $there -n ip addr add 10.9.0.2/24 dev there
    nsenter -t $there -n ip link set there up
    nsenter -t $there -n "$1" -c "$2" & server=$!
    trap 'kill $server $there' EXIT
    "$1" -c "$3" $there "$4"
"""

SERVER = """
    import socket, threading, time
    counted = {}

    def serve(sock):
        with sock:
            buffered = b""
            while True:
                while b"\\r\\n\\r\\n" not in buffered:
                    part = sock.recv(65536)
                    if not part:
                        return
                    buffered += part
                head, _, buffered = buffered.partition(b"\\r\\n\\r\\n")
                size = int(head.lower().split(b"content-length:")[1].split()[0])
                what = head.split()[1].split(b"/")[1].decode()
                counted[what] = counted.get(what, 0) + 1
                if what == "unread":
                    time.sleep(4)
                while len(buffered) < size:
                    buffered += sock.recv(65536)
                buffered = buffered[size:]
                if what == "slow" or (what == "held" and counted[what] == 2):
                    time.sleep(4)
                body = b'{"results": [{"index": 0, "relevance_score": %d}]}' % counted[what]
                head = b"HTTP/1.1 200 OK\\r\\nContent-Length: %d\\r\\n\\r\\n" % len(body)
                sock.sendall(head + body)

    listening = socket.create_server(("10.9.0.2", 8000))
    while True:
        threading.Thread(target=serve, args=(listening.accept()[0],), daemon=True).start()
"""

CLIENT = """
    import asyncio, subprocess, sys, threading, time
    there, world = sys.argv[1:]
    if world == "asyncio":
        sys.modules["httpx_aiohttp"] = None
    from assisters_rerank import Reranker
    from assisters_rerank.net import sockets

    sockets._PROBING.update(TCP_KEEPIDLE=1, TCP_KEEPINTVL=1, TCP_KEEPCNT=1)
    sockets._ACKNOWLEDGED.update(TCP_USER_TIMEOUT=1500)

    def address(does):
        command = f"nsenter -t {there} -n ip addr {does} 10.9.0.2/24 dev there"
        subprocess.run(command.split(), check=True)

    def later(seconds, does):
        threading.Timer(seconds, address, [does]).start()

    async def call(what, texts=["a"]):
        reranker = Reranker(base_url=f"http://10.9.0.2:8000/{what}", timeout=30, max_retries=2)
        began = time.monotonic()
        if world == "sync":
            ranking = reranker.rerank("q", texts)
        else:
            ranking = await reranker.arerank("q", texts)
        asked = int(ranking[0].relevance_score)
        return reranker, asked, ranking.usage.retries, time.monotonic() - began

    async def again(reranker):
        if world == "sync":
            return reranker.rerank("q", ["a"])
        return await reranker.arerank("q", ["a"])

    async def main():
        # Its program is slow, but its system acknowledges.
        _, asked, retries, took = await call("slow")
        assert (asked, retries) == (1, 0) and took > 3.9, (asked, retries, took)
        _, asked, retries, took = await call("unread", ["a" * 2_000_000])
        assert (asked, retries) == (1, 0) and took > 3.9, (asked, retries, took)
        # What is sent over a connection that was used before is never acknowledged.
        reranker, *_ = await call("gone")
        address("del")
        later(3, "add")
        ranking = await again(reranker)
        assert (ranking.usage.retries, ranking[0].relevance_score) == (1, 2), ranking
        # The request arrived; the peer is gone before it answers.
        reranker, *_ = await call("held")
        later(0.3, "del")
        later(4.5, "add")
        ranking = await again(reranker)
        assert (ranking.usage.retries, ranking[0].relevance_score) == (1, 3), ranking
        print("noticed")

    if world == "trio":
        import trio
        trio.run(main)
    elif world == "uvloop":
        import uvloop
        uvloop.run(main())
    else:
        asyncio.run(main())
"""


NEEDED = {"sync": "httpx", "asyncio": "httpx", "aiohttp": "httpx_aiohttp", "uvloop": "uvloop"}
WORLDS = [*NEEDED, "trio"]


@pytest.fixture(scope="module")
def under_way() -> Iterator[dict[str, subprocess.Popen[str]]]:
    """Every world's script, each on a cable of its own: they mostly wait, so all do it at once."""
    apart = ["unshare", "-rn"] if os.geteuid() else ["unshare", "-n"]
    if not shutil.which("unshare") or not shutil.which("ip"):
        pytest.skip("no unshare or ip")
    if subprocess.run([*apart, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no network namespaces for this user")
    scripts = [textwrap.dedent(script) for script in (SERVER, CLIENT)]
    command = [*apart, "bash", "-c", textwrap.dedent(CABLE), "cable", sys.executable, *scripts]
    started = {
        world: subprocess.Popen(
            [*command, world],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[3],
        )
        for world in WORLDS
        if find_spec(NEEDED.get(world, world))
    }
    yield started
    for process in started.values():
        process.terminate()
        process.communicate()


@linux
@pytest.mark.slow
@pytest.mark.xdist_group("dead peers")  # one worker's, or each would start all of them
@pytest.mark.parametrize("world", WORLDS)
def test_a_dead_peer_is_noticed_and_a_slow_one_left_alone(
    world: str, under_way: dict[str, subprocess.Popen[str]]
) -> None:
    if world not in under_way:
        pytest.skip(f"{NEEDED[world]} is not installed")
    out, errors = under_way[world].communicate(timeout=90)
    assert out.strip() == "noticed", errors
