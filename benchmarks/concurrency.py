"""Many async calls at once, cold and warm, and what they do to the event loop."""

from __future__ import annotations

import asyncio
import gc
import statistics
import subprocess
import sys
import time

import langchain_core.tracers.langchain  # noqa: F401 - LangChain imports it in the first call
import langsmith.run_helpers  # noqa: F401 - the same

from benchmarks.faces import async_faces
from benchmarks.measure import Figure, seconds_of, show
from benchmarks.server import serving
from benchmarks.texts import texts_of

CALLS = 32
LATENCY = 0.150
WARM = {"Reranker": 1.25, "LangChain": 1.4, "LlamaIndex": 1.4}
COLD = {"Reranker": 1.4, "LangChain": 1.5, "LlamaIndex": 1.5}
LONGEST_CALLBACK = 10.0


def run(rounds: int = 5) -> list[Figure]:
    """Wall time of 32 calls, of the server's 150 ms; each face in a fresh interpreter."""
    figures = []
    with serving(seconds=LATENCY) as base_url:
        for face in WARM:
            runs = [_fresh(base_url, face) for _ in range(rounds)]
            cold, warm, held = (statistics.median(values) for values in zip(*runs, strict=True))
            figures += [
                Figure(f"{face}, {CALLS} calls, cold", cold / LATENCY, COLD[face]),
                Figure(f"{face}, {CALLS} calls, warm", warm / LATENCY, WARM[face]),
                Figure(f"{face}, longest callback of a first call", held, LONGEST_CALLBACK, "ms"),
            ]
    return show("Async calls at once, of the server's time", figures)


def _fresh(base_url: str, face: str) -> tuple[float, float, float]:
    command = [sys.executable, "-m", "benchmarks.concurrency", base_url, face]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    cold, warm, held = (float(value) for value in printed.split())
    return cold, warm, held


async def _measure(base_url: str, face: str) -> tuple[float, float, float]:
    longest = await _longest_callback(base_url, face)
    call = async_faces(base_url, texts_of(10))[face]
    gc.collect()
    cold = await seconds_of(lambda: _at_once(call))
    gc.collect()
    warm = statistics.median([await seconds_of(lambda: _at_once(call)) for _ in range(5)])
    return cold, warm, longest


async def _at_once(call) -> None:  # type: ignore[no-untyped-def]
    await asyncio.gather(*(call() for _ in range(CALLS)))


async def _longest_callback(base_url: str, face: str) -> float:
    """The loop thread's own milliseconds between two beats, at most, in the first call of all.

    Its processor time, that is, so that other processes don't count; that nothing waits for a
    file or a lock either is shown by the tests, with blockbuster.
    """
    call = async_faces(base_url, texts_of(10))[face]
    longest, last, running = 0.0, time.thread_time(), True

    def beat() -> None:
        nonlocal longest, last
        now = time.thread_time()
        longest, last = max(longest, now - last), now
        if running:
            asyncio.get_running_loop().call_soon(beat)

    gc.collect()
    gc.disable()  # its pauses grow with all that was imported here, not with the call
    last = time.thread_time()
    asyncio.get_running_loop().call_soon(beat)
    try:
        await call()
    finally:
        gc.enable()
    running = False
    return longest * 1000


if __name__ == "__main__":
    print(*asyncio.run(_measure(sys.argv[1], sys.argv[2])))
