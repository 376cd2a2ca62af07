"""Async HTTP clients, one for each event loop and owner, which end with their loop.

An async client does not survive the loop that it was first used in. Each is therefore held by its
loop, together with an async generator that closes it: asyncio and trio both finish the generators
that they have seen start when they shut down, so nobody has to remember `aclose()`. Clients whose
owner is gone are closed when the loop next gets a new one.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import threading
import time
import weakref
from collections.abc import AsyncGenerator, Hashable
from typing import NamedTuple

import anyio
import anyio.lowlevel

from ..after_fork import in_child
from .threads import OURS, in_thread, runs_trio
from .transports import AsyncPoster


class _Held(NamedTuple):
    client: AsyncPoster
    closing: AsyncGenerator[None]


_Key = tuple[weakref.ref[object], Hashable]
_LOOPS: weakref.WeakKeyDictionary[object, dict[_Key, _Held]] = weakref.WeakKeyDictionary()
_AHEAD: weakref.WeakKeyDictionary[object, float] = weakref.WeakKeyDictionary()
_LOCK = threading.RLock()  # a signal handler may come back to it
_PREPARED = False
_PREPARED_WITHIN = 0.25


async def prepare() -> None:
    """Loads anyio's side of asyncio, some 12 ms, in a thread; await it before anyio is used."""
    if not _PREPARED and not runs_trio():  # trio has no need of it
        with contextlib.suppress(TimeoutError):  # then it is loaded here
            async with asyncio.timeout(_PREPARED_WITHIN):
                await in_thread(_prepare, OURS)


def _prepare() -> None:
    global _PREPARED
    if not _PREPARED:
        contextvars.Context().run(anyio.run, anyio.sleep, 0)
        _PREPARED = True


def clock_ahead() -> float:
    """Seconds that the running loop's clock is ahead of the monotonic one, for ever the same."""
    loop = _running_loop()
    if loop not in _AHEAD:
        _AHEAD[loop] = anyio.current_time() - time.monotonic()
    return _AHEAD[loop]


def find(owner: object, route: Hashable) -> AsyncPoster | None:
    """The owner's client for this route in the running loop, if it has one."""
    held = _LOOPS.get(_running_loop(), {}).get((weakref.ref(owner), route))
    return None if held is None else held.client


def hold(owner: object, route: Hashable, client: AsyncPoster) -> None:
    """Gives the running loop the owner's client to hold, and drops what closed loops left."""
    loop = _running_loop()
    with _LOCK:
        held = _LOOPS.setdefault(loop, {})
        left = [_LOOPS.pop(other) for other in list(_LOOPS) if _is_closed(other)]
    key = (weakref.ref(owner), route)
    closing = _close_with_loop(held, key, client)
    held[key] = _Held(client, closing)
    with contextlib.suppress(StopIteration):  # it has come to its yield, and the loop knows it
        closing.__anext__().send(None)
    for of_a_closed_loop in left:
        for abandoned in of_a_closed_loop.values():
            abandoned.client.abandon()


async def close_ownerless() -> None:
    """Closes the running loop's clients whose owners are gone."""
    await _close(_LOOPS.get(_running_loop(), {}), None)


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
    _LOCK = threading.RLock()
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
