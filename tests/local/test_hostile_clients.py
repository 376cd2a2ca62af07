"""Bodies without end, connections without number, no descriptors: a normal request is answered."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPException
from pathlib import Path

import httpx
import pytest

from .hostile import Child, child
from .raw import answer_to, post, raw_connection
from .surroundings import BODY

if not Path("/proc/self/statm").exists():
    pytest.skip("memory is measured as Linux tells it", allow_module_level=True)
pytestmark = [pytest.mark.timed, pytest.mark.slow]

GOOD = post(json.dumps(BODY).encode(), "Connection: close")
CHUNKED = post(b"").replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")


def slowest(server: Child, wanted: Callable[[], bool]) -> float:
    """The longest that a normal request took on a new connection, until `wanted` is false."""
    longest = 0.0
    while wanted():
        began = time.monotonic()
        status = 0
        while status != 200 and time.monotonic() < began + 10:
            # Near the last descriptor its own connection may be closed, and the client tries again.
            with suppress(OSError, HTTPException):
                status = answer_to(server.base_url, GOOD)[0]
        longest = max(longest, time.monotonic() - began)
    return longest


@contextmanager
def beside(work: Callable[[], None]) -> Iterator[threading.Thread]:
    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield thread
    finally:
        thread.join(60)


BODIES = {
    "blanks": b" ",
    "empty arrays": b"[],",
    "keys": b"".join(b'"%d":1,' % number for number in range(100_000)),
    "strings": b'"a",',
    "text": json.dumps({"query": "a", "documents": ["a b c " * 40_000] * 4}).encode(),
}


@pytest.mark.xdist_group("busy")
@pytest.mark.parametrize("megabytes", [31, 100])
@pytest.mark.parametrize("kind", BODIES)
def test_large_bodies(kind: str, megabytes: int) -> None:
    body = b"[" + BODIES[kind] * (megabytes * 1_000_000 // len(BODIES[kind]))
    statuses: list[int] = []
    with child(256) as server:
        slowest(server, iter([True, False]).__next__)
        before = server.megabytes()

        def send() -> None:
            for _ in range(3):
                statuses.append(answer_to(server.base_url, post(body))[0])

        peak = before
        with beside(send) as sending:
            longest = 0.0
            while sending.is_alive():
                longest = max(longest, slowest(server, iter([True, False]).__next__))
                peak = max(peak, server.megabytes())
        errors = server.end()
    print(f"{kind}, {megabytes} MB: {longest:.3f} s, {peak - before:.0f} MB more")  # noqa: T201
    assert longest < 1
    assert peak - before < 300
    assert errors == ""


@pytest.mark.xdist_group("busy")
def test_tiny_chunks() -> None:
    with child(256) as server:
        slowest(server, iter([True, False]).__next__)
        before = server.megabytes()
        ends = time.monotonic() + 3

        def send() -> None:
            with suppress(OSError), raw_connection(server.base_url) as connection:
                connection.sendall(CHUNKED)
                while time.monotonic() < ends:
                    connection.sendall(b"1\r\n \r\n" * 10_000)

        with beside(send), beside(send):
            longest = slowest(server, lambda: time.monotonic() < ends)
        print(f"tiny chunks: {longest:.3f} s, {server.megabytes() - before:.0f} MB more")  # noqa: T201
        assert longest < 1
        assert server.megabytes() - before < 100
        assert server.end() == ""


# The client takes fifteen seconds, so that the system's queue before the server is never full: then
# it is the system that lets nobody in, for a second at a time.
_HALF_OPEN = """
import json, resource, socket, sys, time
allowed = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, allowed))
parts = [part.encode("latin-1") for part in json.loads(sys.argv[3])]
begun, kept = time.monotonic(), []
for number in range(10_000):
    connection = socket.create_connection((sys.argv[1], int(sys.argv[2])), 10)
    connection.sendall(parts[number % len(parts)])
    kept.append(connection)
    time.sleep(max(0, begun + number / 700 - time.monotonic()))
print(len(kept), flush=True)
time.sleep(60)
"""


def test_half_open_connections() -> None:
    parts = ["", "POST /v1/rer", CHUNKED.decode() + "5\r\n{    \r\n"]
    opened: list[bytes] = []
    with child(1_024) as server:
        slowest(server, iter([True, False]).__next__)
        before = peak = server.megabytes()
        address = httpx.URL(server.base_url)
        command = [sys.executable, "-c", _HALF_OPEN, address.host, str(address.port)]
        client = subprocess.Popen([*command, json.dumps(parts)], stdout=subprocess.PIPE)
        assert client.stdout is not None
        with client.stdout, beside(lambda: opened.append(client.stdout.readline())) as opening:
            longest = 0.0
            while opening.is_alive():
                longest = max(longest, slowest(server, iter([True, False]).__next__))
                peak = max(peak, server.megabytes())
                time.sleep(0.05)
        client.kill()
        client.wait()
        errors = server.end()
    print(f"half-open: {longest:.3f} s, {peak - before:.0f} MB more")  # noqa: T201
    assert opened == [b"10000\n"]
    assert longest < 1
    assert peak - before < 100
    assert errors == ""


def test_without_descriptors() -> None:
    with child(128) as server, httpx.Client(trust_env=False) as client:
        url = f"{server.base_url}/rerank"
        assert client.post(url, json=BODY).status_code == 200
        server.tell("fill")
        waiting = [raw_connection(server.base_url) for _ in range(50)]
        connections = [each.__enter__() for each in waiting]
        began = time.monotonic()
        assert client.post(url, json=BODY).status_code == 200
        longest = time.monotonic() - began
        time.sleep(2.5)  # asyncio tries again every second
        server.tell("empty")
        began = time.monotonic()
        assert answer_to(server.base_url, GOOD)[0] == 200
        recovery = time.monotonic() - began
        for connection in connections:
            connection.close()
        errors = server.end()
    print(f"none left: {longest:.3f} s, {recovery:.3f} s afterwards, {len(errors)} bytes of log")  # noqa: T201
    assert longest < 1
    assert recovery < 2
    assert errors.count("\n") == 1
    assert "ulimit -n" in errors
