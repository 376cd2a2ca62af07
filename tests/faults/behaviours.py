"""Faults below and around HTTP: connections that break, stall, drip or talk nonsense."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable
from email.utils import formatdate

from .answers import response, right_bytes, right_payload, says
from .server import Behaviour, Exchange


def silent(exchange: Exchange) -> None:
    """No answer at all."""
    exchange.silence()


def close(exchange: Exchange) -> None:
    """Hang up in good order without an answer."""
    exchange.close()


def reset(exchange: Exchange) -> None:
    """Throw the connection away without an answer."""
    exchange.reset()


def part_then(ending: Behaviour, part: Callable[[bytes], bytes]) -> Behaviour:
    """Only a part of the right answer's bytes, then `ending`."""

    def behave(exchange: Exchange) -> None:
        exchange.send(part(right_bytes(exchange)))
        ending(exchange)

    return behave


def half_headers(answer: bytes) -> bytes:
    """Up to the middle of a header line."""
    return answer[: answer.index(b"Content-Length") + 5]


def all_headers(answer: bytes) -> bytes:
    """Everything before the body."""
    return answer[: answer.index(b"\r\n\r\n") + 4]


def half_body(answer: bytes) -> bytes:
    """The headers and a part of the body."""
    return answer[: (len(all_headers(answer)) + len(answer)) // 2]


def right_then(ending: Behaviour) -> Behaviour:
    """The whole right answer on a connection said to be kept alive, and then its end."""

    def behave(exchange: Exchange) -> None:
        exchange.send(right_bytes(exchange))
        ending(exchange)

    return behave


def chunked(body: bytes, *, size: int = 50) -> bytes:
    """Body bytes in HTTP chunks, with the end mark."""
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in [*pieces, b""])


CHUNKED_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
)


def in_chunks(
    change: Callable[[bytes], bytes] = bytes,
    ending: Behaviour = lambda exchange: None,
) -> Behaviour:
    """The right answer in chunks, after `change` to the chunked bytes, then `ending`."""

    def behave(exchange: Exchange) -> None:
        assert exchange.request is not None
        body = json.dumps(right_payload(exchange.request)).encode()
        exchange.send(CHUNKED_HEAD + change(chunked(body)))
        ending(exchange)

    return behave


def dripping_headers(seconds: float) -> Behaviour:
    """The right answer, its headers a few bytes at a time over `seconds`."""

    def behave(exchange: Exchange) -> None:
        answer = right_bytes(exchange)
        head = all_headers(answer)
        steps = int(seconds / 0.05)
        exchange.drip(head, 0.05, size=-(-len(head) // steps))
        exchange.send(answer[len(head) :])

    return behave


def dripping_body(exchange: Exchange) -> None:
    """The right headers at once, then one byte of the body every twentieth of a second."""
    answer = right_bytes(exchange)
    head = all_headers(answer)
    exchange.send(head)
    exchange.drip(answer[len(head) :], 0.05)


def dripping_chunks(exchange: Exchange) -> None:
    """A chunked body, one byte a chunk."""
    assert exchange.request is not None
    exchange.send(CHUNKED_HEAD)
    body = json.dumps(right_payload(exchange.request)).encode()
    exchange.drip(chunked(body, size=1), 0.05, size=6)


def endless_body(exchange: Exchange) -> None:
    """A body that never ends, at a rate that harms nobody's memory."""
    exchange.send(CHUNKED_HEAD)
    while not exchange.server.stopping.wait(0.02):
        exchange.send(chunked(b" " * 4096, size=4096)[:-5])


def endless_headers(exchange: Exchange) -> None:
    """Header lines without end, as fast as they are taken."""
    exchange.send(b"HTTP/1.1 200 OK\r\n")
    while not exchange.server.stopping.is_set():
        exchange.send(b"X-More: and more\r\n" * 1000)


def late_and_wrong(seconds: float) -> Behaviour:
    """After `seconds` an answer in which every score is 0.5, and then the connection's end."""

    def behave(exchange: Exchange) -> None:
        assert exchange.request is not None
        payload = right_payload(exchange.request)
        for result in payload["results"]:
            result["relevance_score"] = 0.5
        exchange.server.stopping.wait(seconds)
        try:
            exchange.send(response(json.dumps(payload)))
        finally:
            exchange.server.note_closed()

    return behave


def raw(data: bytes, ending: Behaviour = close) -> Behaviour:
    """These bytes, whatever they are, then `ending`."""

    def behave(exchange: Exchange) -> None:
        exchange.send(data)
        ending(exchange)

    return behave


def big_header(exchange: Exchange) -> None:
    """The right answer with one header of 70 kB."""
    assert exchange.request is not None
    body = json.dumps(right_payload(exchange.request))
    exchange.send(response(body, headers={"X-Big": "x" * 70_000}))


def interim_first(exchange: Exchange) -> None:
    """Two interim answers (102, 103) before the right one."""
    interim = b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    exchange.send(interim + right_bytes(exchange))


def gzipped(change: Callable[[bytes], bytes] = bytes) -> Behaviour:
    """The right answer in gzip, after `change` to the packed bytes."""

    def behave(exchange: Exchange) -> None:
        assert exchange.request is not None
        packed = gzip.compress(json.dumps(right_payload(exchange.request)).encode())
        exchange.send(response(change(packed), headers={"Content-Encoding": "gzip"}))

    return behave


def dated(status: int, body: str, seconds: float, clock: float | None = None) -> Behaviour:
    """An error status whose Retry-After is the HTTP date `seconds` from now.

    With `clock`, the server's own clock is that many seconds ahead, as its Date header says.
    """

    def behave(exchange: Exchange) -> None:
        now = time.time() + (clock or 0.0)
        headers = {"Retry-After": formatdate(now + seconds, usegmt=True)}
        if clock is not None:
            headers["Date"] = formatdate(now, usegmt=True)
        says(body, status, headers=headers)(exchange)

    return behave


def redirect(status: int) -> Behaviour:
    """Points the client to the server's `elsewhere`."""

    def behave(exchange: Exchange) -> None:
        target = exchange.server.elsewhere + "/rerank"
        exchange.send(response(status=status, headers={"Location": target}))

    return behave
