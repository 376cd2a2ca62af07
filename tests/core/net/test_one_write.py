"""A request's head and body are sent together; what is asked step by step is sent step by step."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import trio
from httpcore._backends.anyio import AnyIOStream
from httpcore._backends.sync import SyncStream
from httpcore._backends.trio import TrioStream

from assisters_rerank import Reranker
from assisters_rerank.net import backends, sockets

from ...faults.server import HostileServer
from ..expectation import assert_right

Main = Callable[[], Awaitable[None]]

RUNNERS: dict[str, Callable[[Main], object]] = {
    "asyncio": lambda main: asyncio.run(main()),  # type: ignore[arg-type]
    "trio": trio.run,
}
TEXTS = {"small": ["a", "b"], "large": ["a", "b" * 2 * sockets.SMALL]}


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What httpcore's own streams are given to write."""
    found: list[bytes] = []
    for stream in (SyncStream, AnyIOStream, TrioStream):

        def noted(self: Any, buffer: bytes, write: Any = stream.write, **timeout: Any) -> Any:
            found.append(buffer)
            return write(self, buffer, **timeout)

        monkeypatch.setattr(stream, "write", noted)
    return found


def assert_two_requests(written: list[bytes], texts: list[str]) -> None:
    assert len(written) == 2
    for buffer in written:
        head, _, body = buffer.partition(b"\r\n\r\n")
        assert head.startswith(b"POST /v1/rerank ")
        assert all(text.encode() in body for text in texts)


@pytest.mark.parametrize("texts", TEXTS.values(), ids=TEXTS)
def test_a_sync_request_is_one_write(
    honest_server: HostileServer, written: list[bytes], texts: list[str]
) -> None:
    with Reranker(base_url=honest_server.url) as reranker:
        for _ in range(2):
            assert_right(reranker.rerank("q", texts), texts)
    assert_two_requests(written, texts)


@pytest.mark.parametrize("texts", TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize("run", RUNNERS.values(), ids=RUNNERS)
def test_a_request_from_a_loop_is_one_write(
    honest_server: HostileServer, written: list[bytes], run: Callable[[Main], object], texts: Any
) -> None:
    async def main() -> None:
        async with Reranker(base_url=honest_server.url, async_transport="httpx") as reranker:
            for _ in range(2):
                assert_right(await reranker.arerank("q", texts), texts)

    run(main)
    assert_two_requests(written, texts)


class Recorded:
    """A stream of httpcore's that writes down what it is asked for."""

    def __init__(self) -> None:
        self.asked: list[object] = []

    def get_extra_info(self, info: str) -> None:
        raise AssertionError(info)

    def write(self, buffer: bytes, **timeout: float) -> None:
        self.asked.append((buffer, timeout["timeout"]))

    def read(self, max_bytes: int, **timeout: float) -> bytes:
        self.asked.append((max_bytes, timeout["timeout"]))
        return b"?"


class RecordedOnLoop:
    """The same for an event loop."""

    def __init__(self) -> None:
        self.now = Recorded()
        self.get_extra_info = self.now.get_extra_info

    async def write(self, buffer: bytes, **timeout: float) -> None:
        self.now.write(buffer, **timeout)

    async def read(self, max_bytes: int, **timeout: float) -> bytes:
        return self.now.read(max_bytes, **timeout)


STEPS = (
    (b"hello", 1.0),
    (9, 2.0),
    (b"head", 3.0),
    (b"body", 4.0),
    (b"more", 5.0),
    (b"", 6.0),
    (9, 7.0),
)
"""Written or read, and the time for it: a SOCKS proxy is asked and read, then comes a request."""
TAKEN = [(b"hello", 2.0), (9, 2.0), (b"headbody", 4.0), (b"more", 6.0), (9, 7.0)]


def test_what_waits_is_written_before_anything_is_read() -> None:
    recorded = Recorded()
    stream = backends._NoticingOnThreads(recorded)
    for what, timeout in STEPS:
        if isinstance(what, bytes):
            stream.write(what, timeout=timeout)
        else:
            assert stream.read(what, timeout=timeout) == b"?"
    assert recorded.asked == TAKEN


def test_what_waits_on_a_loop_is_written_before_anything_is_read() -> None:
    recorded = RecordedOnLoop()
    stream = backends._NoticingOnLoop(recorded)

    async def main() -> None:
        for what, timeout in STEPS:
            if isinstance(what, bytes):
                await stream.write(what, timeout=timeout)
            else:
                assert await stream.read(what, timeout=timeout) == b"?"

    asyncio.run(main())
    assert recorded.now.asked == TAKEN
