"""A server whose scores are known, and which counts what is paid for and what is under way."""

from __future__ import annotations

import asyncio
import json
import threading
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

Refusal = Callable[[str], tuple[int, str] | None]


def score(query: str, document: str) -> float:
    """The same in every run: between 0 and 1."""
    return zlib.crc32(document.encode(), zlib.crc32(query.encode())) / 2**32


@dataclass
class Standin:
    """Its settings, which a test may change at any time, and what it has seen."""

    latency: float = 0.0
    refusal: Refusal = lambda query: None
    """The status and message of a refusal; None: an answer."""
    model: Callable[[str], str] = lambda query: "standin-1"
    paid: Counter[str] = field(default_factory=Counter)
    """How often each query was answered."""
    seen: Counter[str] = field(default_factory=Counter)
    in_flight: int = 0
    most_in_flight: int = 0
    base_url: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    on_request: Callable[[], None] = lambda: None

    @property
    def paid_again(self) -> int:
        """Queries that were paid for once more than needed."""
        return sum(self.paid.values()) - len(self.paid)

    def answer(self, query: str, documents: Sequence[str]) -> tuple[int, dict[str, object]]:
        self.seen[query] += 1
        if (refused := self.refusal(query)) is not None:
            return refused[0], {"error": {"message": refused[1], "type": "error"}}
        self.paid[query] += 1
        results = [
            {"index": at, "relevance_score": score(query, text)}
            for at, text in enumerate(documents)
        ]
        results.sort(key=lambda result: -float(str(result["relevance_score"])))
        tokens = sum(map(len, documents)) // 8
        return 200, {
            "id": "r",
            "model": self.model(query),
            "results": results,
            "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
        }


class _Connection(asyncio.Protocol):
    def __init__(self, standin: Standin) -> None:
        self._standin = standin
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, body = self._received.partition(b"\r\n\r\n")
        if not found:
            return
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        if len(body) < length:
            return
        self._received = body[length:]
        standin = self._standin
        standin.in_flight += 1
        standin.most_in_flight = max(standin.most_in_flight, standin.in_flight)
        asked = json.loads(body[:length])
        standin.on_request()
        status, answer = standin.answer(asked["query"], asked["documents"])
        loop = asyncio.get_running_loop()
        loop.call_later(standin.latency, self._send, status, json.dumps(answer).encode())

    def _send(self, status: int, body: bytes) -> None:
        self._standin.in_flight -= 1
        headers = "".join(f"{name}: {value}\r\n" for name, value in self._standin.headers.items())
        head = (
            f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nX-Request-ID: req-7\r\n"
            f"{headers}Content-Length: {len(body)}\r\n\r\n"
        )
        if not self._transport.is_closing():
            self._transport.write(head.encode() + body)


@contextmanager
def serving() -> Iterator[Standin]:
    """The server, on a free port, in a thread of its own."""
    standin = Standin()
    loop = asyncio.new_event_loop()
    started = threading.Event()

    async def serve() -> None:
        server = await loop.create_server(lambda: _Connection(standin), "127.0.0.1", 0)
        standin.base_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        started.set()

    def work() -> None:
        loop.run_until_complete(serve())
        loop.run_forever()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    assert started.wait(10)
    try:
        yield standin
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
