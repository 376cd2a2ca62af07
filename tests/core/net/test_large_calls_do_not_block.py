"""Large requests and answers: no event loop waits for them to be written, counted or read.

Others' work on the loop waits for the interpreter's lock too, so what is done in a thread is done
in pieces (`wire/large_json.py`, `text/blocks.py`).
"""

from __future__ import annotations

import asyncio
import gzip
import json
import threading
import time
import zlib
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import pytest

from assisters_rerank import Embedder, MemoryCache, Reranker
from assisters_rerank.text import passages, tokens
from assisters_rerank.wire import large_json

from ...faults.server import Exchange, HostileServer
from ..answers import scored

WORDS = 'The first second of a rerank is spent in front of a closed door.\n\t"Quite". '
TEXTS = {
    "english": (WORDS * 30_000)[:2_000_000],
    "chinese": "中文字符测试内容。" * 120_000,
    "marks": "-=" * 600_000,
    "escapes": '\n\t"\\' * 300_000,
    "half": WORDS * 15_000 + "\ud800",
}
CODINGS: dict[str, Callable[[bytes], bytes]] = {
    "identity": lambda body: body,
    "gzip": lambda body: gzip.compress(body, 1),
    "deflate": lambda body: zlib.compress(body, 1),
}


def repeats_the_texts(coding: str) -> Callable[[Exchange], None]:
    """A server that sends all texts back, coded so, and counts no tokens."""

    def act(exchange: Exchange) -> None:
        assert exchange.request is not None
        asked = exchange.request.payload
        if "input" in asked:
            data = [{"index": i, "embedding": [0.5] * 3000} for i in range(len(asked["input"]))]
            content: dict[str, Any] = {"data": data}
        else:
            content = scored(asked)
            for result in content["results"]:
                result["document"] = {"text": asked["documents"][result["index"]]}
        content.pop("usage", None)
        body = CODINGS[coding](json.dumps(content).encode())
        head = f"Content-Encoding: {coding}\r\nContent-Length: {len(body)}"
        exchange.send(f"HTTP/1.1 200 OK\r\n{head}\r\n\r\n".encode() + body)

    return act


@pytest.fixture
def on_loop(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """What was done in the loop's thread with how many characters or bytes, and any piece's."""
    done: list[tuple[str, int]] = []
    loops = threading.current_thread()

    def watch(module: Any, name: str, most_at_once: float) -> None:
        real = getattr(module, name)

        def watched(value: Any, *more: Any) -> Any:
            size = len(value) if isinstance(value, str | bytes | bytearray) else len(str(value))
            if threading.current_thread() is loops or size > most_at_once:
                done.append((f"{name} in {threading.current_thread().name}", size))
            return real(value, *more)

        monkeypatch.setattr(module, name, watched)

    watch(large_json, "whole", 4e5)
    watch(large_json, "from_json", 4e6)  # an entry is read at once
    watch(tokens, "_hundredths", 4e5)
    watch(passages, "_stand_in", 4e5)
    return done


def calls(
    url: str, texts: list[str], query: str = "q", **options: Any
) -> Callable[[], Awaitable[object]]:
    async def call() -> None:
        async with Reranker(base_url=url, timeout=30, **options) as reranker:
            ranking = await reranker.arerank(query, texts)
            assert len(ranking) == len(texts)
            assert ranking.usage.tokens_estimated

    return call


ways = pytest.mark.parametrize("backend", ["asyncio", "trio"])


@pytest.mark.usefixtures("each_transport")
@ways
@pytest.mark.parametrize(
    ("kind", "coding"),
    [*((kind, "identity") for kind in TEXTS), ("english", "gzip"), ("english", "deflate")],
)
def test_rerank(on_loop: list[tuple[str, int]], backend: str, kind: str, coding: str) -> None:
    half = len(TEXTS[kind]) // 2
    texts = [TEXTS[kind][:half], TEXTS[kind][half:], "short"]
    with HostileServer([repeats_the_texts(coding)]) as server:
        anyio.run(calls(server.url, texts), backend=backend)
    assert [(what, size) for what, size in on_loop if size > 100_000] == []


@ways
@pytest.mark.parametrize(
    "options",
    [
        {"tokens_per_minute": 10**9},
        {"cache": MemoryCache()},
        {"long_documents": "truncate"},
        {"model": "auto"},
        {"max_context_tokens": 500_000},
        {"dialect": "pinecone", "model": "m"},
    ],
    ids=lambda options: next(iter(options)),
)
def test_options(on_loop: list[tuple[str, int]], backend: str, options: dict[str, Any]) -> None:
    texts = [TEXTS["half"], *(f"{place} {WORDS}" * 100 for place in range(50))]

    def act(exchange: Exchange) -> None:
        assert exchange.request is not None
        asked = exchange.request.payload
        plain = [text if isinstance(text, str) else text["text"] for text in asked["documents"]]
        results = scored({**asked, "documents": plain})["results"]
        if options.get("dialect"):
            content: object = {"data": [{"index": r["index"], "score": 0.5} for r in results]}
        else:
            content = {"results": results}
        body = json.dumps(content).encode()
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    with HostileServer([act]) as server:
        anyio.run(calls(server.url, texts, api_key="k", **options), backend=backend)
    assert [(what, size) for what, size in on_loop if size > 100_000] == []


@ways
@pytest.mark.parametrize(
    "options", [{}, {"tokens_per_minute": 10**9}, {"model": "auto"}, {"cache": MemoryCache()}]
)
def test_a_large_query(
    on_loop: list[tuple[str, int]], backend: str, options: dict[str, Any]
) -> None:
    with HostileServer([repeats_the_texts("identity")]) as server:
        call = calls(server.url, ["a", "b"], TEXTS["english"], api_key="k", **options)
        anyio.run(call, backend=backend)
    assert [(what, size) for what, size in on_loop if size > 100_000] == []


@ways
def test_embeddings(on_loop: list[tuple[str, int]], backend: str) -> None:
    texts = [TEXTS["half"][place:] for place in range(3)]

    async def call() -> None:
        async with Embedder(model="m", base_url=server.url, timeout=30) as embedder:
            vectors = await embedder.aembed_documents([*texts, *(f"t{i}" for i in range(200))])
            assert {len(vector) for vector in vectors} == {3000}
            assert embedder.total_usage.tokens_estimated

    with HostileServer([repeats_the_texts("identity")]) as server:
        anyio.run(call, backend=backend)
    assert [(what, size) for what, size in on_loop if size > 100_000] == []


@pytest.mark.timed
@pytest.mark.xdist_group("busy")
def test_the_longest_step_of_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the processor time of its thread: what others do on this machine does not count."""
    steps: list[float] = []
    run = asyncio.Handle._run

    def timed(handle: asyncio.Handle) -> None:
        began = time.thread_time()
        run(handle)
        steps.append(time.thread_time() - began)

    monkeypatch.setattr(asyncio.Handle, "_run", timed)
    text = (TEXTS["escapes"] + TEXTS["half"])[-1_000_000:]
    with HostileServer([repeats_the_texts("gzip")]) as server:
        asyncio.run(calls(server.url, [text + str(place) for place in range(4)])())
    assert max(steps) < 0.05
