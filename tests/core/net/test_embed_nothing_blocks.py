"""Nothing of an embedding call blocks an event loop: not large answers, not counts, not a start."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
import trio
from blockbuster import blockbuster_ctx

from assisters_rerank import Embedder
from assisters_rerank.pace import recovery
from assisters_rerank.wire import embedding_contract

from ...faults.server import Exchange, HostileServer
from ..embeddings import coded, embedded, vector
from ..fresh_interpreter import must_run

pytestmark = pytest.mark.timed

WIDE = [0.5] * 1024


@pytest.fixture
def guarded() -> Iterator[None]:
    """Any blocking call on a loop raises."""
    with blockbuster_ctx():
        yield


def send(exchange: Exchange, content: object) -> None:
    body = json.dumps(content).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    exchange.send(f"{head}\r\n\r\n".encode() + body)


def answer_small(exchange: Exchange) -> None:
    assert exchange.request is not None
    send(exchange, embedded(exchange.request.payload))


def answer_wide(exchange: Exchange) -> None:
    assert exchange.request is not None
    texts = exchange.request.payload["input"]
    send(exchange, {"data": [{"index": i, "embedding": coded(WIDE)} for i in range(len(texts))]})


def refuse(exchange: Exchange) -> None:
    exchange.send(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n")


@pytest.fixture
def small_server() -> Iterator[HostileServer]:
    with HostileServer([answer_small]) as server:
        yield server


@pytest.fixture
def wide_server() -> Iterator[HostileServer]:
    """Refuses once, and then answers with vectors of 1,024 dimensions."""
    with HostileServer([refuse, *[answer_wide] * 10]) as server:
        yield server


@pytest.fixture
def decoding_threads(monkeypatch: pytest.MonkeyPatch) -> list[threading.Thread]:
    """Where each answer is decoded."""
    threads: list[threading.Thread] = []
    real = embedding_contract.decode

    def noting(*arguments: Any) -> embedding_contract.Vectors:
        threads.append(threading.current_thread())
        return real(*arguments)

    monkeypatch.setattr(embedding_contract, "decode", noting)
    return threads


def on_asyncio(call: Callable[[], Awaitable[object]]) -> None:
    async def main() -> None:
        await call()

    asyncio.run(main())


@pytest.mark.parametrize("run", [on_asyncio, trio.run], ids=["asyncio", "trio"])
@pytest.mark.parametrize(("reply", "is_aside"), [(answer_small, False), (answer_wide, True)])
def test_large_answers_are_decoded_aside(
    decoding_threads: list[threading.Thread],
    run: Callable[[Callable[[], Awaitable[object]]], None],
    reply: Callable[[Exchange], None],
    is_aside: bool,
) -> None:
    with HostileServer([reply]) as server:
        embedder = Embedder(base_url=server.url)

        async def main() -> None:
            vectors = await embedder.aembed_documents([f"text {i}" for i in range(100)])
            assert [len(each) for each in vectors] == [1024 if is_aside else 4] * 100
            await embedder.aclose()

        run(main)
    assert [thread is not threading.main_thread() for thread in decoding_threads] == [is_aside]


async def test_batches_retries_and_closing_do_not_block(
    guarded: None, wide_server: HostileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recovery, "_FIRST_WAIT", 0.01)
    embedder = Embedder(base_url=wide_server.url)
    assert await embedder.aembed_documents([f"text {i}" for i in range(300)]) == [WIDE] * 300
    assert embedder.total_usage.retries == 1
    await embedder.aclose()
    assert await embedder.aembed_query("a") == WIDE
    await embedder.aclose()


async def test_a_users_own_count_of_tokens_runs_aside(
    guarded: None, small_server: HostileServer
) -> None:
    counted_on: list[threading.Thread] = []

    def count(text: str) -> int:
        counted_on.append(threading.current_thread())
        return len(text)

    embedder = Embedder(base_url=small_server.url, count_tokens=count, model="m")
    assert await embedder.aembed_documents(["a", "b"]) == [vector("a"), vector("b")]
    await embedder.aclose()
    assert counted_on
    assert threading.main_thread() not in counted_on


async def test_the_guard_guards(guarded: None, small_server: HostileServer) -> None:
    with pytest.raises(Exception, match="Blocking call"):
        Embedder(base_url=small_server.url).embed_query("a")


COLD = """
    import asyncio, sys, threading
    url, extra = sys.argv[1:]
    if extra == "httpx":
        sys.modules["httpx_aiohttp"] = None
    from blockbuster import blockbuster_ctx
    from assisters_rerank import Embedder

    on_loop = []

    class Imports:
        def find_spec(self, name, path=None, target=None):
            if threading.current_thread() is threading.main_thread():
                on_loop.append(name)

    async def main():
        sys.meta_path.insert(0, Imports())
        embedder = Embedder(base_url=url, api_key="k")
        assert len(await embedder.aembed_documents(["a", "b"])) == 2
        await embedder.aclose()
        sys.meta_path.pop(0)

    with blockbuster_ctx():
        asyncio.run(main())
    small = {"encodings.idna", "stringprep", "concurrent.futures.thread"}
    print(*sorted(set(on_loop) - small))
"""


@pytest.mark.xdist_group("busy")
@pytest.mark.parametrize("transport", ["httpx", "aiohttp"])
def test_the_first_call_of_a_process_does_not_block(
    small_server: HostileServer, transport: str
) -> None:
    assert must_run(COLD, small_server.url, transport) == ""
