"""A server in a process of its own that answers at once, or after a given latency."""

from __future__ import annotations

import asyncio
import base64
import json
import math
import multiprocessing
import random
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from multiprocessing.queues import Queue
from typing import Any


class _Connection(asyncio.Protocol):
    """Just enough HTTP for the benchmarks: what is measured is the client."""

    def __init__(self, seconds_per_document: float, seconds: float, counts: dict[str, int]) -> None:
        self._seconds_per_document = seconds_per_document
        self._seconds = seconds
        self._counts = counts
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._counts["connections"] += 1

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, rest = self._received.partition(b"\r\n\r\n")
        if not found:
            return
        if head.startswith(b"GET"):
            self._received = rest
            self._answer(self._counts)
            return
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        if len(rest) < length:
            return
        self._received = rest[length:]
        asked = json.loads(rest[:length])
        answer: object
        if "input" in asked:
            count, answer = len(asked["input"]), _embeddings(asked)
        else:
            count, answer = len(asked["documents"]), _scores(len(asked["documents"]))
        wait = self._seconds + self._seconds_per_document * count
        if wait:
            asyncio.get_running_loop().call_later(wait, self._answer, answer)
        else:
            self._answer(answer)

    def _answer(self, answer: object) -> None:
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self._transport.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Request-ID: req-0\r\n"
            b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
        )


def _scores(count: int) -> dict[str, object]:
    return {
        "id": "rerank-0",
        "model": "bench",
        "results": [{"index": i, "relevance_score": 1 - i / 2000} for i in range(count)],
        "usage": {"prompt_tokens": count, "total_tokens": count},
    }


def _embeddings(asked: dict[str, Any]) -> bytes:
    """Synthetic vectors, each the same; made once, so that the server's time stays out of it.

    The model `bench-256` has 256 dimensions.
    """
    embedding = _embedding(asked["encoding_format"], int(asked["model"].split("-")[1]))
    entries = b",".join(
        b'{"object":"embedding","index":%d,"embedding":%b}' % (index, embedding)
        for index in range(len(asked["input"]))
    )
    usage = b'{"prompt_tokens":1,"total_tokens":1}'
    return b'{"object":"list","data":[%b],"model":"bench","usage":%b}' % (entries, usage)


@cache
def _embedding(encoding: str, dimensions: int) -> bytes:
    """A vector of length 1, as 32-bit floats or with the nine digits that hold those exactly."""
    chance = random.Random(0)
    drawn = [chance.gauss(0, 1) for _ in range(dimensions)]
    vector = [value / math.hypot(*drawn) for value in drawn]
    if encoding == "base64":
        return b'"%b"' % base64.b64encode(struct.pack(f"<{dimensions}f", *vector))
    return f"[{','.join(f'{value:.9g}' for value in vector)}]".encode()


def _serve(port: Queue[int], seconds_per_document: float, seconds: float) -> None:
    async def main() -> None:
        counts = {"connections": 0}
        server = await asyncio.get_running_loop().create_server(
            lambda: _Connection(seconds_per_document, seconds, counts), "127.0.0.1", 0, backlog=512
        )
        port.put(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(main())


@contextmanager
def serving(*, seconds: float = 0.0, seconds_per_document: float = 0.0) -> Iterator[str]:
    """The base URL of a server that takes `seconds`, plus some per document, for each answer."""
    context = multiprocessing.get_context("spawn")
    port: Queue[int] = context.Queue()
    process = context.Process(
        target=_serve, args=(port, seconds_per_document, seconds), daemon=True
    )
    process.start()
    try:
        yield f"http://127.0.0.1:{port.get(timeout=20)}/v1"
    finally:
        process.terminate()
        process.join()
