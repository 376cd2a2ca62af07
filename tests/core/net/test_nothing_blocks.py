"""Nothing blocks an event loop: not the first cold call, nor TLS's start, nor a retry."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from blockbuster import blockbuster_ctx

from assisters_rerank import Reranker
from assisters_rerank.pace import recovery

from ...faults.server import Exchange, HostileServer
from ..conftest import answer_honestly
from ..expectation import assert_right
from ..fresh_interpreter import must_run

pytestmark = pytest.mark.timed

TEXTS = ["a", "b", "c", "d"]


@pytest.fixture
def guarded() -> Iterator[None]:
    """Any blocking call on a loop raises."""
    with blockbuster_ctx():
        yield


def refuse(exchange: Exchange) -> None:
    exchange.send(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n")


@pytest.fixture
def flaky_server() -> Iterator[HostileServer]:
    """Refuses every other request, so that every call is retried."""
    with HostileServer([refuse, answer_honestly] * 20) as server:
        yield server


async def test_a_retry_does_not_block(
    guarded: None, flaky_server: HostileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recovery, "_FIRST_WAIT", 0.01)
    reranker = Reranker(base_url=flaky_server.url)
    ranking = await reranker.arerank("q", TEXTS)
    assert_right(ranking, TEXTS)
    assert ranking.usage.retries == 1
    await reranker.aclose()


async def test_shards_copies_and_closing_do_not_block(
    guarded: None, honest_server: HostileServer
) -> None:
    reranker = Reranker(base_url=honest_server.url, max_documents_per_request=1)
    reranker_too = reranker.model_copy()
    assert_right(await reranker.arerank("q", TEXTS), TEXTS)
    assert_right(await reranker_too.arerank("q", TEXTS), TEXTS)
    await reranker.aclose()
    assert_right(await reranker.arerank("q", TEXTS), TEXTS)
    await reranker.aclose()
    await reranker_too.aclose()


async def test_the_guard_guards(guarded: None, honest_server: HostileServer) -> None:
    # Sync calls do block, which shows that the tests above could fail.
    with pytest.raises(Exception, match="Blocking call"):
        Reranker(base_url=honest_server.url).rerank("q", TEXTS)


COLD = """
    import asyncio, ssl, sys, threading
    url, backend, extra = sys.argv[1:]
    if extra == "httpx":
        sys.modules["httpx_aiohttp"] = None

    import anyio
    from blockbuster import blockbuster_ctx
    from assisters_rerank import Reranker, TransportError
    from assisters_rerank.pace import recovery

    recovery._FIRST_WAIT = 0.01
    on_loop, off_loop = [], []

    def note(what):
        here = threading.current_thread() is threading.main_thread()
        (on_loop if here else off_loop).append(what)

    class Imports:
        def find_spec(self, name, path=None, target=None):
            note(name)

    def noting(*arguments, _make=ssl.create_default_context, **named):
        note("certificates")
        return _make(*arguments, **named)

    ssl.create_default_context = noting

    async def main():
        if backend == "trio":
            await anyio.sleep(0)  # what the loop itself needs is not our business
        sys.meta_path.insert(0, Imports())
        reranker = Reranker(base_url=url, max_retries=1, api_key="k")
        try:
            ranking = await reranker.arerank("q", ["a", "b", "c"])
            assert (len(ranking), ranking.usage.retries) == (3, 1)
        except TransportError as error:
            print("refused")
        await reranker.aclose()
        sys.meta_path.pop(0)

    if backend == "trio":
        anyio.run(main, backend="trio")  # blockbuster knows asyncio alone
    else:
        with blockbuster_ctx():
            asyncio.run(main())
    # What trio's look-up of an address brings in, and asyncio's first thread.
    small = {"encodings.idna", "stringprep", "concurrent.futures.thread"}
    print("on the loop:", *sorted(set(on_loop) - small))
    print("off the loop:", *(name for name in ("httpcore", "certificates") if name in off_loop))
"""


transports = pytest.mark.parametrize("transport", ["httpx", "aiohttp"])
backends = pytest.mark.parametrize("backend", ["asyncio", "trio"])


@pytest.mark.xdist_group("busy")
@transports
@backends
def test_the_first_call_of_a_process_does_not_block(
    flaky_server: HostileServer, backend: str, transport: str
) -> None:
    lines = must_run(COLD, flaky_server.url, backend, transport).splitlines()
    # Some 50 ms of imports, which no guard would notice.
    assert lines[0] == "on the loop:"
    assert lines[1].startswith("off the loop: httpcore")


@pytest.mark.xdist_group("busy")
@transports
@backends
def test_the_first_call_over_tls_does_not_block(backend: str, transport: str) -> None:
    with socket.socket() as bound:  # bound, so that nobody else listens there either
        bound.bind(("127.0.0.1", 0))
        url = f"https://127.0.0.1:{bound.getsockname()[1]}/v1"
        lines = must_run(COLD, url, backend, transport).splitlines()
    assert lines == ["refused", "on the loop:", "off the loop: httpcore certificates"]
