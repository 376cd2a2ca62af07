"""Rows in which no usable answer arrives, or only after a second try."""

from __future__ import annotations

from assisters_rerank.errors import BudgetExceeded, ContractError, TransportError

from .answers import right, says
from .behaviours import (
    all_headers,
    big_header,
    chunked,
    close,
    dripping_body,
    dripping_chunks,
    dripping_headers,
    endless_body,
    endless_headers,
    gzipped,
    half_body,
    half_headers,
    in_chunks,
    late_and_wrong,
    part_then,
    raw,
    reset,
    right_then,
    silent,
)
from .row import KEY, RIGHT, Row
from .server import AtAccept, Behaviour

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"

BREAKS: dict[str, Behaviour | AtAccept] = {
    "reset-on-accept": AtAccept(reset),
    "reset-after-the-request": reset,
    "reset-inside-the-headers": part_then(reset, half_headers),
    "reset-inside-the-body": part_then(reset, half_body),
    "closed-on-accept": AtAccept(close),
    "closed-before-the-answer": close,
    "closed-inside-the-headers": part_then(close, half_headers),
    "closed-between-headers-and-body": part_then(close, all_headers),
    "closed-inside-the-body": part_then(close, half_body),
    "chunked-cut-off-inside-a-chunk": in_chunks(lambda sent: sent[:30], close),
    "chunked-cut-off-before-the-end-mark": in_chunks(lambda sent: sent[:-5], close),
    "bad-chunk-size": in_chunks(lambda sent: b"zz\r\n" + sent, close),
    "negative-chunk-size": in_chunks(lambda sent: b"-5\r\n" + sent, close),
    "garbage-status-line": raw(b"\x16\x03\x01 what is this\r\n\r\n"),
    "empty-status-line": raw(b"\r\n\r\n\r\n\r\n"),
    "status-of-two-digits": raw(b"HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n"),
    "other-protocol": raw(b"SSH-2.0-OpenSSH_9.6\r\n"),
    "header-without-colon": raw(HEAD + b"no colon here\r\n\r\n{}"),
    "header-with-a-control-character": raw(HEAD + b"X-Bad: a\x00b\r\nContent-Length: 2\r\n\r\n{}"),
    "content-length-not-a-number": raw(HEAD + b"Content-Length: many\r\n\r\n{}"),
    "content-length-negative": raw(HEAD + b"Content-Length: -1\r\n\r\n{}"),
    "content-lengths-that-differ": raw(HEAD + b"Content-Length: 2\r\nContent-Length: 9\r\n\r\n{}"),
    "endless-headers": endless_headers,
    "broken-gzip": gzipped(lambda packed: packed[:20] + b"\xff\xff\xff\xff" + packed[24:]),
    "gzip-announced-but-plain": says('{"results": []}', headers={"Content-Encoding": "gzip"}),
}

STALLS: dict[str, Behaviour | AtAccept] = {
    "no-answer": silent,
    "no-answer-inside-the-headers": part_then(silent, half_headers),
    "no-answer-after-the-headers": part_then(silent, all_headers),
    "no-answer-inside-the-body": part_then(silent, half_body),
    "dripping-headers": dripping_headers(30),
    "dripping-body": dripping_body,
    "dripping-chunks": dripping_chunks,
    "endless-body": endless_body,
}

ROWS = [
    *(
        Row(name=name, script=[break_], outcome=TransportError, options={"max_retries": 0})
        for name, break_ in BREAKS.items()
    ),
    *(
        Row(name=f"{name}-then-right", script=[BREAKS[name], right()], requests=2)
        for name in (
            "reset-on-accept",
            "reset-after-the-request",
            "closed-before-the-answer",
            "closed-inside-the-headers",
            "closed-inside-the-body",
            "chunked-cut-off-inside-a-chunk",
            "garbage-status-line",
            "broken-gzip",
        )
    ),
    *(
        Row(
            name=f"key-echoed-in-{name}",
            script=[raw(data)],
            outcome=TransportError,
            options={"max_retries": 0},
            echo=True,
        )
        for name, data in (
            ("a-garbage-status-line", KEY.encode() * 3 + b"\r\n\r\n"),
            ("a-garbage-header", HEAD + b"Bearer " + KEY.encode() + b"\r\n\r\n"),
            ("a-garbage-length", HEAD + b"Content-Length: " + KEY.encode() + b"\r\n\r\n"),
        )
    ),
    Row(
        name="reset-for-ever",
        script=[reset],
        outcome=TransportError,
        options={"max_retries": 2},
        requests=3,
    ),
    *(
        Row(name=name, script=[stall], outcome=BudgetExceeded, says="timeout|second", slow=True)
        for name, stall in STALLS.items()
    ),
    Row(
        name="reset-then-no-answer",
        script=[reset, silent],
        outcome=BudgetExceeded,
        requests=2,
        options={"timeout": 0.8},
        slow=True,
    ),
    Row(
        name="connection-refused",
        outcome=TransportError,
        address="refused",
        requests=None,
        options={"max_retries": 0},
    ),
    Row(
        name="connection-refused-again-and-again",
        outcome=TransportError,
        address="refused",
        requests=None,
        options={"max_retries": 2},
    ),
    Row(
        name="connection-never-accepted",
        outcome=BudgetExceeded,
        address="full",
        requests=None,
        slow=True,
    ),
    Row(
        name="tls-expected-of-a-plain-server",
        script=[AtAccept(raw(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"))],
        outcome=TransportError,
        address="https",
        requests=1,
        options={"max_retries": 0},
    ),
    Row(
        name="idle-connection-closed-between-two-calls",
        script=[right_then(close), right()],
        rounds=2,
        awaits_end=True,
        requests=2,
    ),
    Row(
        name="idle-connection-reset-between-two-calls",
        script=[right_then(reset), right()],
        rounds=2,
        awaits_end=True,
        requests=2,
    ),
    Row(
        name="connection-closed-as-the-second-call-comes",
        script=[right(), close, right()],
        rounds=2,
        requests=3,
    ),
    Row(
        name="late-answer-is-not-taken-for-the-next-one",
        script=[late_and_wrong(1.6), right()],
        rounds=2,
        requests=2,
        awaits_end=True,
        first_fails=BudgetExceeded,
        options={"timeout": 0.5},
    ),
    Row(
        name="header-of-70-kB",
        script=[big_header],
        outcome=RIGHT,
        or_else=(TransportError,),
        options={"max_retries": 0},
    ),
    Row(
        name="gzip-cut-off",
        script=[gzipped(lambda packed: packed[:-20])],
        outcome=TransportError,
        or_else=(ContractError,),
        options={"max_retries": 0},
    ),
    Row(
        name="body-longer-than-told",
        script=[raw(HEAD + b'Content-Length: 9\r\n\r\n{"results": []}')],
        outcome=ContractError,
        or_else=(TransportError,),
        library_decides=True,
        options={"max_retries": 0},
    ),
    Row(
        name="no-length-and-cut-off",
        script=[raw(HEAD + b'\r\n{"results": [{"index": 0,')],
        outcome=ContractError,
    ),
    Row(
        name="nothing-but-an-end-chunk",
        script=[in_chunks(lambda _: chunked(b""))],
        outcome=ContractError,
    ),
]
