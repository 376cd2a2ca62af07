"""Limits of size, time and number: what is large, slow or many holds up nobody."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import suppress

import httpx
import pytest
from starlette.requests import Request
from starlette.types import Message

from assisters_rerank.local import LocalServer, connection
from assisters_rerank.local.http import bodies
from assisters_rerank.local.http.refusal import Refusal

from .raw import error_of, post, raw_connection, read_answer, seconds_until_closed
from .surroundings import BODY, Steered, connect

MEGABYTE = 1_000_000
GOOD = json.dumps(BODY).encode()
CHUNKED = post(b"").replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")


@pytest.fixture(scope="module")
def small() -> Iterator[LocalServer]:
    """A server that takes bodies of 1 MB."""
    with LocalServer(scorer="lexical", max_body_mb=1) as server:
        yield server


def test_a_body_at_the_limit_is_taken(small: LocalServer) -> None:
    body = GOOD + b" " * (MEGABYTE - len(GOOD))
    with connect(small) as client:
        assert client.post("/rerank", content=body).status_code == 200
        refused = client.post("/rerank", content=body + b" ")
        assert refused.status_code == 413
        assert refused.json()["error"]["code"] == "request_too_large"
        assert "1 MB" in refused.json()["error"]["message"]


@pytest.mark.parametrize("path", ["/rerank", "/embeddings"])
def test_the_announced_length_is_enough_to_refuse(small: LocalServer, path: str) -> None:
    sent = post(b"", path=path).replace(b"Content-Length: 0", b"Content-Length: 1000001")
    with raw_connection(small.base_url) as connection:
        connection.sendall(sent)
        answer = read_answer(connection)
    assert (answer[0], "1 MB" in error_of(answer)) == (413, True)


def test_chunks_are_refused_while_they_come(small: LocalServer) -> None:
    piece = b"186a0\r\n" + b" " * 100_000 + b"\r\n"
    with raw_connection(small.base_url) as connection:
        connection.sendall(CHUNKED)
        for _ in range(11):
            connection.sendall(piece)
        answer = read_answer(connection)  # and the last chunk was never sent
        assert (answer[0], "1 MB" in error_of(answer)) == (413, True)
        # What is left of the body is dropped, and the connection serves on.
        connection.sendall(piece * 3 + b"0\r\n\r\n" + post(GOOD))
        assert read_answer(connection)[0] == 200


def test_a_client_that_sends_everything_first_reads_the_refusal(small: LocalServer) -> None:
    with connect(small) as client:
        for body in (b" " * 20 * MEGABYTE, iter([b" " * MEGABYTE] * 20)):
            assert client.post("/rerank", content=body).status_code == 413
            assert client.post("/rerank", json=BODY).status_code == 200


def sent(size: int) -> Request:
    async def receive() -> Message:
        return {"type": "http.request", "body": b" " * size, "more_body": False}

    return Request({"type": "http", "headers": []}, receive)


async def test_there_is_room_for_some_bodies_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "BODIES_AT_ONCE", 2)
    room = bodies.Bodies(1)
    for _ in range(2):
        async with room.read(sent(900_000)), room.read(sent(900_000)):
            with pytest.raises(Refusal) as refused:
                await room.read(sent(300_000)).__aenter__()
            assert (refused.value.status, refused.value.retry_after) == (503, 1)
            async with room.read(sent(200_000)) as body:
                assert len(body) == 200_000


@pytest.mark.parametrize("already", [b"", b"POST /v1/rer", CHUNKED[:-2]])
def test_slow_headers_end(
    small: LocalServer, monkeypatch: pytest.MonkeyPatch, already: bytes
) -> None:
    monkeypatch.setattr(connection, "HEADER_SECONDS", 0.1)
    with raw_connection(small.base_url) as slow:
        for byte in already or b"\r":
            slow.sendall(bytes([byte]) if already else b"")
            time.sleep(0.005)
        if already:
            answer = read_answer(slow)
            assert (answer[0], "headers" in error_of(answer)) == (408, True)
        assert seconds_until_closed(slow) < 5


def test_a_byte_now_and_then_buys_no_time(
    small: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "HEADER_SECONDS", 0.2)
    began = time.monotonic()
    with raw_connection(small.base_url) as slow:
        slow.setblocking(False)
        slow.settimeout(0.01)
        while time.monotonic() < began + 5:
            slow.sendall(b"a")
            try:
                assert slow.recv(1, 2) == b"H"  # MSG_PEEK
                break
            except TimeoutError:
                pass
        slow.settimeout(5)
        assert read_answer(slow)[0] == 408
    assert 0.15 < time.monotonic() - began < 4


def test_a_slow_body_ends(small: LocalServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "BODY_SECONDS", 0.1)
    with raw_connection(small.base_url) as slow:
        slow.sendall(post(GOOD)[:-5])
        answer = read_answer(slow)
    assert (answer[0], "body" in error_of(answer)) == (408, True)


@pytest.mark.parametrize("path", ["/nowhere", "/v1/rerank"])
def test_a_body_that_never_ends_after_its_answer_ends(
    small: LocalServer, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr(bodies, "BODY_SECONDS", 0.1)
    monkeypatch.setattr(connection, "BODY_SECONDS", 0.1)
    monkeypatch.setattr(connection, "LINGER_SECONDS", 0.1)
    with raw_connection(small.base_url) as slow:
        slow.sendall(CHUNKED.replace(b"/v1/rerank", path.encode()))
        assert read_answer(slow)[0] in (404, 408)
        assert seconds_until_closed(slow) < 5


def test_a_client_that_does_not_read_its_answer_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "BODY_SECONDS", 0.1)
    body = BODY | {"documents": ["a" * 200_000] * 100, "return_documents": True}
    with (
        LocalServer(scorer=Steered(lambda _: 0.5)) as server,
        raw_connection(server.base_url) as slow,
    ):
        slow.sendall(post(json.dumps(body).encode()))
        deadline = time.monotonic() + 10
        while not server.requests:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        time.sleep(0.5)
        read = 0
        with suppress(ConnectionError):
            while part := slow.recv(1_000_000):
                read += len(part)
    assert read < 20 * MEGABYTE


def test_an_idle_connection_is_kept(small: LocalServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "HEADER_SECONDS", 0.05)
    monkeypatch.setattr(connection, "BODY_SECONDS", 0.05)
    with raw_connection(small.base_url) as idle:
        for _ in range(2):
            idle.sendall(post(GOOD))
            assert read_answer(idle)[0] == 200
            time.sleep(0.15)


def test_a_slow_scorer_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "HEADER_SECONDS", 0.05)
    monkeypatch.setattr(connection, "BODY_SECONDS", 0.05)
    monkeypatch.setattr(connection, "LINGER_SECONDS", 0.0)

    def slowly(_: str) -> float:
        time.sleep(0.1)
        return 0.5

    with LocalServer(scorer=Steered(slowly)) as server, connect(server) as client:
        assert client.post("/rerank", json=BODY).status_code == 200


def test_the_longest_waiting_make_room(small: LocalServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "MAX_CONNECTIONS", 20)
    with connect(small) as client:
        opened = [raw_connection(small.base_url) for _ in range(60)]
        sockets = [each.__enter__() for each in opened]
        try:
            assert client.post("/rerank", json=BODY).status_code == 200
            assert seconds_until_closed(sockets[0]) < 5
            sockets[-1].sendall(post(GOOD))
            assert read_answer(sockets[-1])[0] == 200
        finally:
            for each in sockets:
                each.close()


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ("Host: localhost:8765", 200),
        ("Host: LOCALHOST.", 200),
        ("Host: 127.0.0.1", 200),
        ("Host: [::1]:8765", 200),
        ("Host: app.localhost", 200),
        ("Host: host.docker.internal:8765", 200),
        ("Host: evil.example", 403),
        ("Host: localhost.evil.example", 403),
        ("Host: 127.0.0.1.evil.example", 403),
        ("Host: 192.168.0.1", 403),
        ("Host: 0.0.0.0", 403),
        ("Host: [", 403),
        ("Host:", 403),
        ("Origin: http://localhost:3000", 200),
        ("Origin: http://127.0.0.1", 200),
        ("Origin: https://host.docker.internal", 200),
        ("Origin: https://evil.example", 403),
        ("Origin: null", 403),
        ("Origin: file://", 403),
        ("Origin: http://localhost.evil.example", 403),
    ],
)
def test_names_that_are_trusted(header: str, status: int) -> None:
    with _allowing() as server:
        sent = post(GOOD, header) if header.startswith("Origin") else _with_host(header)
        with raw_connection(server.base_url) as connection:
            connection.sendall(sent)
            answer = read_answer(connection)
    assert answer[0] == status
    if status == 403:
        assert "--allowed-host" in error_of(answer)
        assert server.requests == []


def _allowing() -> LocalServer:
    return LocalServer(scorer="lexical", allowed_hosts=["Host.Docker.Internal"])


def _with_host(header: str) -> bytes:
    return post(GOOD).replace(b"Host: localhost", header.encode())


def test_every_name_can_be_allowed() -> None:
    with LocalServer(scorer="lexical", allowed_hosts=None) as server:
        headers = {"Host": "evil.example", "Origin": "https://evil.example"}
        answer = httpx.get(f"{server.base_url}/models", headers=headers, trust_env=False)
    assert answer.status_code == 200
