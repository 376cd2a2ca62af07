"""A script that ends without `aclose()` ends quietly and at once, on every loop and on none."""

from __future__ import annotations

import sys
import threading

import pytest

from ...faults.server import Behaviour, Exchange, HostileServer
from ..fresh_interpreter import run

pytestmark = pytest.mark.slow  # an interpreter for each script

STRICT = ("-X", "dev", "-W", "error::ResourceWarning")

HEAD = """
import asyncio, sys
if sys.argv[2] == "asyncio without the extra":
    sys.modules["httpx_aiohttp"] = None

from assisters_rerank import AssistersError, Reranker, arerank, rerank
URL, TEXTS = sys.argv[1], ["a", "b", "c"]

def sharded():
    return Reranker(base_url=URL, max_documents_per_request=1)

def go(main):
    if sys.argv[2] == "trio":
        import trio
        trio.run(main)
    else:
        asyncio.run(main(), debug=False)  # it would report slow machines
"""

ASYNC: dict[str, str] = {
    "global": """
kept = sharded()
async def main():
    print(len(await kept.arerank("q", TEXTS)))
go(main)
""",
    "local": """
async def main():
    reranker = sharded()
    print(len(await reranker.arerank("q", TEXTS)))
go(main)
""",
    "temporary": """
async def main():
    print(len(await sharded().arerank("q", TEXTS)))
    if sys.argv[2] == "trio":
        import trio
        await trio.sleep(0.01)
    else:
        await asyncio.sleep(0.01)
go(main)
""",
    "function": """
import os
os.environ["ASSISTERS_BASE_URL"] = URL
async def main():
    print(len(await arerank("q", TEXTS)))
go(main)
""",
    "error": """
async def main():
    reranker = sharded()
    print(len(await reranker.arerank("q", TEXTS)))
    raise SystemExit(0)
go(main)
""",
    "two-loops": """
kept = sharded()
async def main():
    await kept.arerank("q", TEXTS)
go(main)
go(main)
print(3)
""",
    "aclosed": """
async def main():
    async with sharded() as reranker:
        print(len(await reranker.arerank("q", TEXTS)))
go(main)
""",
    "deepcopied": """
import copy
async def main():
    first = sharded()
    second = copy.deepcopy(first)
    print(len(await first.arerank("q", TEXTS)))
    await second.arerank("q", TEXTS)
go(main)
""",
}

INTERRUPTED = """
import os, signal, threading
async def main():
    async with sharded() as reranker:
        print(len(await reranker.arerank("q", TEXTS)))
    threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
    await asyncio.sleep(60)
loop = asyncio.new_event_loop()
try:
    loop.run_until_complete(main())
except KeyboardInterrupt:
    loop.close()
"""

SYNC: dict[str, str] = {
    "global": 'kept = sharded()\nprint(len(kept.rerank("q", TEXTS)))',
    "local": 'def main():\n    print(len(sharded().rerank("q", TEXTS)))\nmain()',
    "function": """
import os
os.environ["ASSISTERS_BASE_URL"] = URL
print(len(rerank("q", TEXTS)))
""",
    "closed": 'with sharded() as reranker:\n    print(len(reranker.rerank("q", TEXTS)))',
    "in-a-loop": """
async def main():
    print(len(sharded().rerank("q", TEXTS)))
go(main)
""",
}


@pytest.mark.parametrize("backend", ["asyncio", "asyncio without the extra", "trio"])
@pytest.mark.parametrize("script", ASYNC.values(), ids=ASYNC)
def test_async_scripts_end_quietly(script: str, backend: str, honest_server: HostileServer) -> None:
    ended = run(HEAD + script, honest_server.url, backend, flags=STRICT)
    assert (ended.code, ended.out.strip(), ended.err) == (0, "3", "")


@pytest.mark.skipif(sys.platform == "win32", reason="sends itself a SIGINT")
@pytest.mark.parametrize("backend", ["asyncio", "asyncio without the extra"])
def test_a_loop_stopped_by_ctrl_c_does_not_keep_the_interpreter(
    backend: str, honest_server: HostileServer
) -> None:
    ended = run(HEAD + INTERRUPTED, honest_server.url, backend, seconds=20)
    assert (ended.code, ended.out.strip()) == (0, "3")


@pytest.mark.parametrize("script", SYNC.values(), ids=SYNC)
def test_sync_scripts_end_quietly(script: str, honest_server: HostileServer) -> None:
    ended = run(HEAD + script, honest_server.url, "asyncio", flags=STRICT)
    assert (ended.code, ended.out.strip(), ended.err) == (0, "3", "")


def wait_long(exchange: Exchange) -> None:
    exchange.send(b"HTTP/1.1 503 No\r\nRetry-After: 15\r\nContent-Length: 0\r\n\r\n")


@pytest.mark.parametrize("others", [wait_long, Exchange.silence], ids=["waiting", "unanswered"])
def test_a_failed_call_does_not_hold_up_the_scripts_end(others: Behaviour) -> None:
    both_here = threading.Barrier(2)

    def refuse_bad(exchange: Exchange) -> None:
        assert exchange.request is not None
        both_here.wait(5)
        if exchange.request.payload["documents"] == ["bad"]:
            exchange.send(b"HTTP/1.1 422 No\r\nContent-Length: 0\r\n\r\n")
        else:
            others(exchange)

    script = """
        import sys, time
        from assisters_rerank import InvalidRequestError, Reranker
        reranker = Reranker(base_url=sys.argv[1], max_documents_per_request=1, timeout=20)
        try:
            reranker.rerank("q", ["good", "bad"])
        except InvalidRequestError:
            print("told")
    """
    with HostileServer([refuse_bad]) as server:
        ended = run(script, server.url, seconds=8)
    assert (ended.code, ended.out.strip()) == (0, "told")
