"""A server in a process of its own that answers as the contract says, at once or after a latency.

What is measured is the client, so its own time is kept small: a raw protocol, and bodies that are
made once.
"""

from __future__ import annotations

import asyncio
import base64
import json
import math
import multiprocessing
import random
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import formatdate
from functools import cache
from multiprocessing.queues import Queue
from typing import Any

from assisters_rerank.local.http import generations


@dataclass(frozen=True)
class Serving:
    """How long an answer takes, and by which generation of the API it is."""

    seconds: float
    seconds_per_document: float
    generation: int


class _Connection(asyncio.Protocol):
    """Just enough HTTP for the benchmarks."""

    def __init__(self, serving: Serving, counts: dict[str, int], known: _Known) -> None:
        self._serving = serving
        self._counts = counts
        self._known = known
        self._received = bytearray()
        self._wanted = 0  # bytes of the request under way, 0 until its head is there

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._counts["connections"] += 1

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not self._wanted:
            end = self._received.find(b"\r\n\r\n") + 4
            if end < 4:
                return
            head = bytes(self._received[:end]).lower()
            if head.startswith(b"get"):
                self._received.clear()
                self._answer(json.dumps(self._counts).encode())
                return
            self._body = end
            self._wanted = end + int(head.split(b"content-length:")[1].split(b"\r\n")[0])
        if len(self._received) < self._wanted:
            return
        asked = bytes(self._received[self._body : self._wanted])
        self._received.clear()
        self._wanted = 0
        count, body = self._known.answer(asked)
        wait = self._serving.seconds + self._serving.seconds_per_document * count
        if wait:
            asyncio.get_running_loop().call_later(wait, self._answer, body)
        else:
            self._answer(body)

    def _answer(self, body: bytes) -> None:
        self._transport.write(_head(int(time.time())) + b"%d\r\n\r\n%b" % (len(body), body))


@cache
def _head(now: int) -> bytes:
    """All headers that the contract names, of limits that hold nothing back; without the length."""
    ends = (now // 60 + 1) * 60
    limits = "".join(
        f"X-RateLimit-Limit-{unit}: {limit}\r\nX-RateLimit-Remaining-{unit}: {limit - 1}\r\n"
        f"X-RateLimit-Reset-{unit}: {ends}\r\n"
        for unit, limit in (("RPM", 10**6), ("TPM", 10**9))
    )
    return (
        f"HTTP/1.1 200 OK\r\nDate: {formatdate(now, usegmt=True)}\r\n"
        "Content-Type: application/json\r\nX-Request-ID: req-5f2b8c1e9a7d4036b1c2d3e4\r\n"
        f"X-Processing-Time-Ms: 48.2\r\n{limits}Content-Length: "
    ).encode()


class _Known:
    """The answers to requests that came before, so that each is read and written once only."""

    def __init__(self, generation: int) -> None:
        self._generation = generation
        self._answers: dict[tuple[int, bytes, bytes], tuple[int, bytes]] = {}

    def answer(self, asked: bytes) -> tuple[int, bytes]:
        """How many documents or texts the request has, and the body of its answer."""
        # Reading it all takes as long as the whole call. Were two alike in this, the clients would
        # refuse the answer to the other one.
        name = len(asked), asked[:200], asked[-100:]
        if name not in self._answers:
            content = json.loads(asked)
            self._answers[name] = (
                (len(content["input"]), _embeddings(content))
                if "input" in content
                else (len(content["documents"]), _scores(content, self._generation))
            )
        return self._answers[name]


def _scores(asked: dict[str, Any], generation: int) -> bytes:
    count = len(asked["documents"])
    chance = random.Random(count)
    scores = sorted((chance.random() for _ in range(count)), reverse=True)
    indices = chance.sample(range(count), count)
    body = generations.answer(
        generations.GENERATIONS[generation],
        id="rerank-5f2b8c1e9a7d",
        model=asked["model"],
        results=[
            {"index": index, "relevance_score": score}
            for index, score in zip(indices, scores, strict=True)
        ],
        documents=count,
        tokens=200 * count,
    )
    return json.dumps(body, separators=(",", ":")).encode()


def _embeddings(asked: dict[str, Any]) -> bytes:
    """Synthetic vectors, each the same. The model `bench-256` has 256 dimensions."""
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


def _serve(port: Queue[int], serving: Serving) -> None:
    async def main() -> None:
        counts, known = {"connections": 0}, _Known(serving.generation)
        server = await asyncio.get_running_loop().create_server(
            lambda: _Connection(serving, counts, known), "127.0.0.1", 0, backlog=512
        )
        port.put(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(main())


@contextmanager
def serving(
    *, seconds: float = 0.0, seconds_per_document: float = 0.0, generation: int = 3
) -> Iterator[str]:
    """The base URL of a server that takes `seconds`, plus some per document, for each answer.

    Generations 1 and 2 report tokens, 3 does not.
    """
    context = multiprocessing.get_context("spawn")
    port: Queue[int] = context.Queue()
    asked = Serving(seconds, seconds_per_document, generation)
    process = context.Process(target=_serve, args=(port, asked), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{port.get(timeout=20)}/v1"
    finally:
        process.terminate()
        process.join()
