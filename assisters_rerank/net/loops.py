"""Async HTTP clients, one for each event loop and owner, which end with their loop.

An async client does not survive the loop that it was first used in. Each is therefore held by its
loop, together with an async generator that closes it: asyncio and trio both finish the generators
that they have seen start when they shut down, so nobody has to remember `aclose()`. Clients whose
owner is gone are closed when the loop next gets a new one.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
import weakref
from collections.abc import AsyncGenerator, Callable
from typing import NamedTuple, TypeVar

import anyio
import anyio.lowlevel
import anyio.to_thread

from ..after_fork import in_child
from .transports import AsyncPoster

T = TypeVar("T")


class _Held(NamedTuple):
    client: AsyncPoster
    closing: AsyncGenerator[None]


_Key = tuple[weakref.ref[object], str]
_LOOPS: weakref.WeakKeyDictionary[object, dict[_Key, _Held]] = weakref.WeakKeyDictionary()
_AHEAD: weakref.WeakKeyDictionary[object, float] = weakref.WeakKeyDictionary()
_LOCK = threading.Lock()
_PREPARED = False


async def prepare() -> None:
    """Loads anyio's side of asyncio, some 12 ms, in a thread; await it before anyio is used."""
    global _PREPARED
    if not _PREPARED:
        with contextlib.suppress(RuntimeError):  # trio runs: it has no asyncio loop, nor the need
            asyncio.get_running_loop()
            await asyncio.to_thread(anyio.run, anyio.sleep, 0)
            _PREPARED = True


async def in_thread(work: Callable[[], T]) -> T:
    """What `work` gives, done in a thread, which is left alone when the call is cancelled."""
    if is_asyncio():
        # anyio's own threads end with the loop's main task. A Ctrl-C may leave that unfinished, and
        # the interpreter would wait for them for ever.
        outcome = await asyncio.to_thread(_outcome, work)
        return outcome()
    return await anyio.to_thread.run_sync(work, abandon_on_cancel=True)


def _outcome(work: Callable[[], T]) -> Callable[[], T]:
    """What gives the result or raises the error; futures would make another of some errors."""
    try:
        result = work()
    except Exception as error:
        failure = error

        def fail() -> T:
            raise failure

        return fail
    return lambda: result


def clock_ahead() -> float:
    """Seconds that the running loop's clock is ahead of the monotonic one, for ever the same."""
    loop = _running_loop()
    if loop not in _AHEAD:
        _AHEAD[loop] = anyio.current_time() - time.monotonic()
    return _AHEAD[loop]


def find(owner: object, scheme: str) -> AsyncPoster | None:
    """The owner's client for `http` or `https` in the running loop, if it has one."""
    held = _LOOPS.get(_running_loop(), {}).get((weakref.ref(owner), scheme))
    return None if held is None else held.client


async def hold(owner: object, scheme: str, client: AsyncPoster) -> None:
    """Gives the running loop the owner's client to hold."""
    loop = _running_loop()
    with _LOCK:
        left = [_LOOPS.pop(other) for other in list(_LOOPS) if _is_closed(other)]
        held = _LOOPS.setdefault(loop, {})
    for of_a_closed_loop in left:
        for abandoned in of_a_closed_loop.values():
            # Else aiohttp complains on stderr. httpx's may want the loop that is gone.
            with contextlib.suppress(RuntimeError):
                await abandoned.client.aclose()
    key = (weakref.ref(owner), scheme)
    held[key] = _Held(client, _close_with_loop(held, key, client))
    await anext(held[key].closing)
    await _close(held, None)


async def close(owner: object) -> None:
    """Closes the owner's clients of the running loop."""
    await _close(_LOOPS.get(_running_loop(), {}), owner)


async def _close(held: dict[_Key, _Held], owner: object | None) -> None:
    # Taken out before the first await, since a generator can't be closed by two tasks at once.
    for taken in [held.pop(key) for key in list(held) if key[0]() is owner]:
        await taken.closing.aclose()


@in_child
def _forget() -> None:
    """Drops all clients without closing them: in a forked child, they are the parent's."""
    global _LOCK
    _LOCK = threading.Lock()
    _LOOPS.clear()


async def _close_with_loop(
    held: dict[_Key, _Held], key: _Key, client: AsyncPoster
) -> AsyncGenerator[None]:
    try:
        yield
    finally:
        held.pop(key, None)
        await client.aclose()


def is_asyncio() -> bool:
    """Whether the running loop is asyncio's (or uvloop's), not trio's."""
    return isinstance(_running_loop(), asyncio.AbstractEventLoop)


def _is_closed(loop: object) -> bool:
    """Whether it was closed without being shut down, so that its generators never ended."""
    return isinstance(loop, asyncio.AbstractEventLoop) and loop.is_closed()


def _running_loop() -> object:
    token = anyio.lowlevel.current_token()
    return getattr(token, "native_token", token)  # before anyio 4.11 it is the loop itself
