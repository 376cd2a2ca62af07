"""HTTP by hand: what no client library would send."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPResponse

import httpx

Answer = tuple[int, dict[str, str], bytes]


class _Unbuffered:
    """Reads no byte of the response after this one."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def makefile(self, mode: str) -> object:
        return self._connection.makefile("rb", 0)


@contextmanager
def raw_connection(base_url: str, timeout: float = 10) -> Iterator[socket.socket]:
    """A socket to the server of this base URL."""
    address = httpx.URL(base_url)
    connection = socket.create_connection((address.host, address.port or 80), timeout)
    with connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield connection


def read_answer(connection: socket.socket, method: str = "POST") -> Answer:
    """The next response: its status, its headers in lower case, its body."""
    with HTTPResponse(_Unbuffered(connection), method=method) as response:  # type: ignore[arg-type]
        response.begin()
        body = response.read()
        headers = {name.lower(): value for name, value in response.getheaders()}
        return response.status, headers, body


def answer_to(base_url: str, request: bytes, method: str = "POST") -> Answer:
    """The response to these bytes, which need not be a request."""
    with raw_connection(base_url) as connection:
        with suppress(ConnectionError):  # the server may have refused before the end
            connection.sendall(request)
        return read_answer(connection, method)


def post(body: bytes, *headers: str, path: str = "/v1/rerank") -> bytes:
    """A whole POST request."""
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def error_of(answer: Answer) -> str:
    """The message of an answer that is an error in the contract's words."""
    _, headers, body = answer
    assert headers["content-type"] == "application/json"
    error = json.loads(body)["error"]
    assert {"message", "type", "code", "param"} == set(error)
    message: str = error["message"]
    assert message
    assert "\n" not in message
    return message


def seconds_until_closed(connection: socket.socket) -> float:
    """How long the server took to close this connection."""
    began = time.monotonic()
    with suppress(ConnectionError):
        while connection.recv(65_536):
            pass
    return time.monotonic() - began
