"""Idempotency keys: a repeated request gets its first answer, and nothing is scored twice."""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from .refusal import Refusal

MAX_ANSWERS = 1_000
"""Answers that are remembered; the oldest are forgotten first."""

MAX_BYTES = 16_000_000
"""The bytes of all remembered answers and keys together."""


@dataclass(frozen=True, slots=True)
class _Kept:
    digest: bytes
    answer: bytes


@dataclass(frozen=True, slots=True)
class _Awaited:
    digest: bytes
    answer: asyncio.Future[bytes]


class Replays:
    """Remembers the answers to requests that carried an `Idempotency-Key`.

    Only scores are remembered: after a 429 or 5xx the same key has to get another chance, and a
    400 comes again by itself. Used from one event loop at a time.
    """

    def __init__(self, max_answers: int = MAX_ANSWERS, max_bytes: int = MAX_BYTES) -> None:
        self._max_answers = max_answers
        self._max_bytes = max_bytes
        self._bytes = 0
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._awaited: dict[str, _Awaited] = {}

    async def once(
        self, key: str | None, body: bytes, first: Callable[[], Awaitable[bytes]]
    ) -> tuple[bytes, bool]:
        """The answer to this body, and whether it is a replay.

        `first` makes the answer, or raises. Requests that come while it is at work wait for what
        comes of it, errors included. Without a key every request is a first one.

        Raises `Refusal` with status 400 if the key came with another body before.
        """
        if not key:
            return await first(), False
        digest = hashlib.sha256(body).digest()
        known = self._awaited.get(key) or self._kept.get(key)
        if known is None:
            return await self._remember(key, digest, first), False
        if known.digest != digest:
            raise Refusal(
                400,
                "invalid_request",
                "This Idempotency-Key came with another body before; each request needs its own.",
                "Idempotency-Key",
            )
        if isinstance(known, _Kept):
            return known.answer, True
        # Shielded: who waits may give up without taking the answer from the others.
        return await asyncio.shield(known.answer), True

    async def _remember(
        self, key: str, digest: bytes, first: Callable[[], Awaitable[bytes]]
    ) -> bytes:
        awaited = _Awaited(digest, asyncio.get_running_loop().create_future())
        self._awaited[key] = awaited
        try:
            answer = await first()
        except Exception as error:
            awaited.answer.set_exception(error)
            awaited.answer.exception()  # or asyncio would complain where nobody waits for it
            raise
        else:
            awaited.answer.set_result(answer)
        finally:
            del self._awaited[key]
            awaited.answer.cancel()  # does nothing unless this request was cancelled itself
        self._keep(key, _Kept(digest, answer))
        return answer

    def _keep(self, key: str, kept: _Kept) -> None:
        self._kept[key] = kept
        self._bytes += len(key) + len(kept.answer)
        while len(self._kept) > self._max_answers or self._bytes > self._max_bytes:
            oldest, forgotten = self._kept.popitem(last=False)
            self._bytes -= len(oldest) + len(forgotten.answer)
