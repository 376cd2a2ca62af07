"""What is no request, or none of the contract: one clear error in JSON each, and nothing logged."""

from __future__ import annotations

import errno
import json
from asyncio import selector_events
from contextlib import suppress
from unittest.mock import Mock

import pytest

from assisters_rerank.local import LocalServer

from .raw import answer_to, error_of, post, raw_connection, read_answer, seconds_until_closed
from .surroundings import BODY

GOOD = json.dumps(BODY).encode()


def with_field(name: str, value: str) -> bytes:
    """The example's body, with one more field that is written as it is."""
    return GOOD[:-1] + f', "{name}": {value}}}'.encode()


def request(*lines: str) -> bytes:
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


# The bytes, the status, a part of the message.
ROWS: dict[str, tuple[bytes, int, str]] = {
    "no JSON": (post(b"{'a': 1}"), 400, "line 1, column 2"),
    "cut JSON": (post(GOOD[:-5]), 400, "not valid JSON"),
    "two objects": (post(GOOD * 2), 400, "Extra data"),
    "empty body": (post(b""), 400, "not valid JSON"),
    "nested": (post(b"[" * 90_000), 400, "nested too deeply"),
    "nested objects": (post(b'{"a":' * 90_000), 400, "nested too deeply"),
    "NaN": (post(with_field("x", "NaN")), 400, "NaN"),
    "infinity": (post(with_field("top_n", "-Infinity")), 400, "Infinity"),
    "float": (post(with_field("top_n", "1e400")), 400, "top_n"),
    "digits": (post(with_field("top_n", "9" * 9_000)), 400, "not valid JSON"),
    "control character": (post(b'{"query": "\x01"}'), 400, "control character"),
    "UTF-16": (post(GOOD.decode().encode("utf-16")), 400, "UTF-8"),
    "Latin-1": (
        post('{"query": "é"}'.encode("latin-1"), "Content-Type: application/json; charset=latin-1"),
        400,
        "UTF-8 at byte 11",
    ),
    "surrogate in UTF-8": (post(b'{"query": "\xed\xa0\x80"}'), 400, "UTF-8"),
    "many values": (post(b"[" + b"1," * 600_000 + b"1]"), 413, "200,000 values"),
    "a form": (post(GOOD, "Content-Type: application/x-www-form-urlencoded"), 415, "send applica"),
    "text": (post(GOOD, "Content-Type: text/plain"), 415, "text/plain"),
    "parts": (post(GOOD, "Content-Type: multipart/form-data; boundary=x"), 415, "multipart"),
    "an empty type": (post(GOOD, "Content-Type:"), 415, "no type"),
    "gzip": (post(GOOD, "Content-Encoding: gzip"), 415, "gzip"),
    "two lengths": (post(GOOD, "Content-Length: 5"), 400, "Content-Length"),
    "a length that is none": (
        request("POST /v1/rerank HTTP/1.1", "Host: localhost", "Content-Length: -5"),
        400,
        "Content-Length",
    ),
    "two hosts": (post(GOOD, "Host: localhost"), 400, "Host"),
    "no host": (request("GET /v1/models HTTP/1.1"), 400, "Host"),
    "a foreign host": (request("GET /v1/models HTTP/1.1", "Host: evil.example"), 403, "--allowed"),
    "a foreign origin": (post(GOOD, "Origin: https://evil.example"), 403, "evil.example"),
    "gzip chunks": (
        request("POST /v1/rerank HTTP/1.1", "Host: localhost", "Transfer-Encoding: gzip, chunked"),
        501,
        "Transfer-Encoding",
    ),
    "a chunk without a size": (
        request("POST /v1/rerank HTTP/1.1", "Host: localhost", "Transfer-Encoding: chunked")
        + b"no size\r\n",
        400,
        "no HTTP request",
    ),
    "10,000 headers": (post(GOOD, *(f"X-{i}: y" for i in range(10_000))), 431, "too long"),
    "a long header": (post(GOOD, "X: " + "y" * 1_000_000), 431, "too long"),
    "a long line": (request("GET /" + "a" * 100_000 + " HTTP/1.1", "Host: a"), 431, "too long"),
    "a header without a name": (request("GET / HTTP/1.1", ": x"), 400, "no HTTP request"),
    "a folded header": (request("GET / HTTP/1.1", " x: y"), 400, "no HTTP request"),
    "a null byte": (request("GET /\x00 HTTP/1.1", "Host: localhost"), 400, "no HTTP request"),
    "TLS": (bytes.fromhex("16030100a5010000a10303") + bytes(160) + b"\r\n\r\n", 400, "no HTTP"),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 404, "Not Found"),
    "no HTTP at all": (b"hello\r\n\r\n", 400, "no HTTP request"),
    "PUT": (request("PUT /v1/rerank HTTP/1.1", "Host: localhost"), 405, "Method Not Allowed"),
    "OPTIONS": (request("OPTIONS /v1/rerank HTTP/1.1", "Host: localhost"), 405, "Method"),
    "OPTIONS *": (request("OPTIONS * HTTP/1.1", "Host: localhost"), 404, "Not Found"),
    "CONNECT": (request("CONNECT evil.example:443 HTTP/1.1", "Host: localhost"), 404, "Not"),
    "a method of its own": (request("!#$ /v1/models HTTP/1.1", "Host: localhost"), 405, "Method"),
    "an encoded path": (request("GET /v1/%00%ff%0a HTTP/1.1", "Host: localhost"), 404, "Not"),
    "an absolute address": (
        request("GET http://evil.example/v1/models HTTP/1.1", "Host: localhost"),
        404,
        "Not Found",
    ),
    "a WebSocket": (
        request("GET /v1/rerank HTTP/1.1", "Host: localhost", "Connection: Upgrade")[:-2]
        + request("Upgrade: websocket", "Sec-WebSocket-Key: eA==", "Sec-WebSocket-Version: 13"),
        405,
        "Method Not Allowed",
    ),
}


@pytest.mark.parametrize("row", ROWS)
def test_it_is_answered_with_one_clear_error(
    server: LocalServer, caplog: pytest.LogCaptureFixture, row: str
) -> None:
    sent, status, part = ROWS[row]
    answer = answer_to(server.base_url, sent)
    assert (answer[0], part in error_of(answer)) == (status, True), answer
    assert caplog.records == []


@pytest.mark.parametrize("row", ["HTTP/2", "no HTTP at all", "10,000 headers", "TLS"])
def test_who_is_gone_before_the_refusal_ends_leaves_no_trace(
    server: LocalServer,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    row: str,
) -> None:
    gone = OSError(errno.ENOTCONN, "Transport endpoint is not connected")
    ends = Mock(side_effect=gone)
    with monkeypatch.context() as patch:
        # What the system says of a connection that is reset meanwhile, which no client can time.
        patch.setattr(selector_events._SelectorSocketTransport, "write_eof", ends)  # type: ignore[attr-defined]
        with raw_connection(server.base_url) as connection:
            with suppress(ConnectionError):
                connection.sendall(ROWS[row][0])
            assert seconds_until_closed(connection) < 1
    assert ends.called
    assert answer_to(server.base_url, post(GOOD))[0] == 200
    assert caplog.records == []


def test_head(server: LocalServer) -> None:
    head = request("HEAD /v1/models HTTP/1.1", "Host: localhost")
    wrong = request("HEAD /v1/rerank HTTP/1.1", "Host: localhost")
    assert answer_to(server.base_url, head, "HEAD")[::2] == (200, b"")
    assert answer_to(server.base_url, wrong, "HEAD")[::2] == (405, b"")


@pytest.mark.parametrize(
    "sent",
    [
        post(GOOD, "Content-Type: application/json; charset=utf-8"),
        post(GOOD, "Content-Type: application/vnd.api+json"),
        post(b"\xef\xbb\xbf" + GOOD),
        post(json.dumps(BODY | {"query": "\ud800", "documents": ["\udfff a"] * 2}).encode()),
        post(GOOD.replace(b"{", b'{"query": "an earlier one",', 1)),
        post(GOOD, "Authorization: Basic eDp5", "Authorization: Bearer x"),
        post(GOOD, "X-\xe9: y".replace("\xe9", "e"), "X-Y: \xe9\xff"),
        post(GOOD).replace(b"HTTP/1.1", b"HTTP/1.0").replace(b"Host: localhost\r\n", b""),
        post(GOOD, "Origin: http://localhost:3000"),
        post(GOOD, "Expect: 100-continue"),
    ],
)
def test_what_is_odd_but_allowed_is_answered(server: LocalServer, sent: bytes) -> None:
    status, _, body = answer_to(server.base_url, sent)
    if b"Expect" in sent:
        assert status == 200 or body == b""
    else:
        assert (status, json.loads(body)["model"]) == (200, "local-embedded")


def test_requests_in_a_row_are_answered_in_their_order(server: LocalServer) -> None:
    good, bad = post(GOOD), post(b"{")
    with raw_connection(server.base_url) as connection:
        connection.sendall(good + bad + good + b"no HTTP\r\n\r\n")
        answers = [read_answer(connection) for _ in range(4)]
    assert [answer[0] for answer in answers] == [200, 400, 200, 400]
    assert "no HTTP request" in error_of(answers[3])


def test_what_breaks_after_the_answer_ends_the_connection(
    server: LocalServer, caplog: pytest.LogCaptureFixture
) -> None:
    chunked = request("POST /v1/nowhere HTTP/1.1", "Host: localhost", "Transfer-Encoding: chunked")
    with raw_connection(server.base_url) as connection:
        connection.sendall(chunked)
        assert read_answer(connection)[0] == 404
        connection.sendall(b"no size\r\n")
        assert seconds_until_closed(connection) < 5
    assert caplog.records == []
