"""The hostile server does what its behaviours' names say, seen through bare sockets and httpx."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable

import httpx
import pytest

from . import behaviours, rows_transport
from .answers import TEXTS, literal, right, says, true_score
from .server import AtAccept, Behaviour, HostileServer

ASKED = {"model": "m", "query": "q", "documents": list(TEXTS)}


def ask(server: HostileServer) -> socket.socket:
    """A bare connection over which one well-formed request has gone out."""
    sock = socket.create_connection(server.address, timeout=5)
    body = json.dumps(ASKED).encode()
    head = f"POST /v1/rerank HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
    sock.sendall(head.encode() + body)
    return sock


def read_all(sock: socket.socket) -> bytes:
    """Everything up to the server's end of the connection."""
    data = b""
    while piece := sock.recv(65536):
        data += piece
    return data


def test_right_answer_scores_each_text_by_its_own_number() -> None:
    with HostileServer([right("shuffled")]) as server, httpx.Client() as client:
        got = client.post(server.url + "/rerank", json=ASKED).json()
    scores = {result["index"]: result["relevance_score"] for result in got["results"]}
    assert scores == {index: true_score(text) for index, text in enumerate(TEXTS)}
    assert list(scores) != sorted(scores)


def test_top_n_is_honoured_or_ignored_as_told() -> None:
    with HostileServer([right(), right(honour_top_n=False)]) as server, httpx.Client() as client:
        answers = [client.post(server.url, json={**ASKED, "top_n": 2}).json() for _ in range(2)]
    assert [len(answer["results"]) for answer in answers] == [2, 5]


def test_requests_are_recorded_with_their_connection() -> None:
    with HostileServer([right()]) as server, httpx.Client() as client:
        client.post(server.url + "/rerank", json=ASKED, headers={"X-One": "1"})
        client.post(server.url + "/rerank", json=ASKED)
        httpx.post(server.url, json=ASKED)
    assert [request.connection for request in server.requests] == [1, 1, 2]
    assert server.requests[0].headers["x-one"] == "1"
    assert server.requests[0].payload == ASKED
    assert (server.requests[0].method, server.requests[0].target) == ("POST", "/v1/rerank")
    assert server.requests[0].at < server.requests[2].at


def test_script_is_played_in_order_and_its_last_step_repeats() -> None:
    with HostileServer([says("", 500), right()]) as server, httpx.Client() as client:
        statuses = [client.post(server.url, json=ASKED).status_code for _ in range(3)]
    assert statuses == [500, 200, 200]
    assert server.played == 3


def test_reset_after_the_request_is_a_reset() -> None:
    with (
        HostileServer([behaviours.reset]) as server,
        ask(server) as sock,
        pytest.raises(ConnectionResetError),
    ):
        sock.recv(1)
    assert len(server.requests) == 1


def test_reset_at_accept_comes_before_any_request() -> None:
    with (
        HostileServer([AtAccept(behaviours.reset)]) as server,
        pytest.raises(ConnectionResetError),  # while connecting, if the server is quick
        socket.create_connection(server.address, timeout=5) as sock,
    ):
        sock.recv(1)
    assert (server.played, server.requests) == (1, [])


def test_step_for_the_accept_lets_a_plain_step_wait_for_its_request() -> None:
    with HostileServer([right(), AtAccept(behaviours.reset)]) as server:
        # Connecting alone must not use up the first step.
        socket.create_connection(server.address, timeout=5).close()
        with httpx.Client() as client:
            assert client.post(server.url, json=ASKED).status_code == 200


def test_close_is_an_orderly_end_and_can_be_waited_for() -> None:
    with HostileServer([behaviours.close]) as server, ask(server) as sock:
        assert read_all(sock) == b""
        server.wait_closed(1)


@pytest.mark.parametrize(
    ("part", "expected_end"),
    [
        (behaviours.half_headers, b"Conte"),
        (behaviours.all_headers, b"\r\n\r\n"),
    ],
)
def test_partial_answers_break_off_where_they_should(
    part: Callable[[bytes], bytes], expected_end: bytes
) -> None:
    broken = behaviours.part_then(behaviours.close, part)
    with HostileServer([broken]) as server, ask(server) as sock:
        assert read_all(sock).endswith(expected_end)


def test_body_breaks_off_inside() -> None:
    broken = behaviours.part_then(behaviours.close, behaviours.half_body)
    with HostileServer([broken]) as server, ask(server) as sock:
        head, _, body = read_all(sock).partition(b"\r\n\r\n")
    told = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    assert 0 < len(body) < told


def test_chunks_are_right_until_broken() -> None:
    with HostileServer([behaviours.in_chunks()]) as server:
        answer = httpx.post(server.url, json=ASKED)
    assert answer.headers["transfer-encoding"] == "chunked"
    assert len(answer.json()["results"]) == 5


def test_silence_lasts_until_the_client_goes() -> None:
    with HostileServer([behaviours.silent]) as server, ask(server) as sock:
        sock.settimeout(0.15)
        with pytest.raises(TimeoutError):
            sock.recv(1)


@pytest.mark.parametrize(
    "drip",
    [
        behaviours.dripping_headers(0.4),
        behaviours.dripping_body,
        behaviours.dripping_chunks,
        behaviours.endless_body,
    ],
    ids=["headers", "body", "chunks", "endless"],
)
@pytest.mark.timed
def test_drips_send_a_little_at_a_time(drip: Behaviour) -> None:
    with HostileServer([drip]) as server, ask(server) as sock:
        start, pieces = time.monotonic(), 0
        while time.monotonic() - start < 0.35:
            pieces += bool(sock.recv(65536))
    assert pieces >= 4


@pytest.mark.timed
def test_header_drip_ends_in_the_right_answer() -> None:
    with HostileServer([behaviours.dripping_headers(0.3)]) as server:
        start = time.monotonic()
        answer = httpx.post(server.url, json=ASKED)
    assert len(answer.json()["results"]) == 5
    assert time.monotonic() - start >= 0.25


def test_literals_reach_the_wire_unchanged() -> None:
    with HostileServer([literal("relevance_score", "1e999")]) as server:
        assert b'"relevance_score": 1e999' in httpx.post(server.url, json=ASKED).content


def test_gzip_is_unpacked_by_an_honest_client() -> None:
    with HostileServer([behaviours.gzipped()]) as server:
        answer = httpx.post(server.url, json=ASKED)
    assert answer.headers["content-encoding"] == "gzip"
    assert len(answer.json()["results"]) == 5


def test_broken_gzip_cannot_be_unpacked() -> None:
    broken = rows_transport.BREAKS["broken-gzip"]
    with HostileServer([broken]) as server, pytest.raises(httpx.DecodingError):
        httpx.post(server.url, json=ASKED)


@pytest.mark.timed
def test_a_late_answer_comes_and_is_wrong() -> None:
    with HostileServer([behaviours.late_and_wrong(0.1)]) as server:
        start = time.monotonic()
        got = httpx.post(server.url, json=ASKED).json()
        server.wait_closed(1)
    assert time.monotonic() - start >= 0.1
    assert {result["relevance_score"] for result in got["results"]} == {0.5}


def test_redirect_points_elsewhere() -> None:
    with (
        HostileServer([right()]) as target,
        HostileServer([behaviours.redirect(307)], elsewhere=target.url) as server,
        httpx.Client(follow_redirects=True) as client,
    ):
        client.post(server.url + "/rerank", json=ASKED)
    assert (len(server.requests), len(target.requests)) == (1, 1)


@pytest.mark.timed
def test_stopping_is_quick_and_leaves_no_thread() -> None:
    before = threading.active_count()
    server = HostileServer([behaviours.silent])
    with server:
        socks = [ask(server) for _ in range(3)]
        while len(server.requests) < 3:
            time.sleep(0.005)
        start = time.monotonic()
    assert time.monotonic() - start < 1
    assert threading.active_count() == before
    assert [read_all(sock) for sock in socks] == [b""] * 3
    for sock in socks:
        sock.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(server.address, timeout=1)
