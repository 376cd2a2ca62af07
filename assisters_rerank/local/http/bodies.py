"""Request bodies, read within limits of size, of time and of memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.requests import ClientDisconnect, Request

from .refusal import Refusal

BODY_SECONDS = 30.0
"""How long a client may take to send a body."""

BODIES_AT_ONCE = 8
"""Bodies of the largest size for which there is room in memory, until they are answered."""


class Bodies:
    """The bodies of one server's requests; used from one event loop at a time.

    Args:
        megabytes: the most that one body may have, in millions of bytes.
    """

    def __init__(self, megabytes: int) -> None:
        self._megabytes = megabytes
        self._limit = megabytes * 1_000_000
        self._held = 0

    @asynccontextmanager
    async def read(self, request: Request) -> AsyncIterator[bytes]:
        """A request's body, which takes room for as long as the context is open.

        Raises `Refusal`: 413 for a body over the limit, 408 for one that takes too long, 415 for
        one that is encoded, 503 without room, 400 if it breaks off.
        """
        chunks: list[bytes] = []
        try:
            await self._read(request, chunks)
            body = b"".join(chunks)
            yield body
        finally:
            self._held -= sum(map(len, chunks))

    async def _read(self, request: Request, chunks: list[bytes]) -> None:
        self._check_headers(request)
        size = 0
        try:
            async with asyncio.timeout(BODY_SECONDS):
                async for chunk in request.stream():
                    size += len(chunk)
                    if size > self._limit:
                        raise self._too_large()
                    if self._held + len(chunk) > BODIES_AT_ONCE * self._limit:
                        message = "The server has no room for another body; try again."
                        raise Refusal(503, "server_error", message, retry_after=1)
                    self._held += len(chunk)
                    chunks.append(chunk)
        except ClientDisconnect as error:
            raise Refusal(400, "invalid_request", "The body broke off.") from error
        except TimeoutError as error:
            message = f"The body took longer than {BODY_SECONDS:g} s."
            raise Refusal(408, "request_timeout", message) from error

    def _check_headers(self, request: Request) -> None:
        headers = request.headers
        if int(headers.get("content-length", "0")) > self._limit:  # h11 lets only numbers pass
            raise self._too_large()
        encoding = headers.get("content-encoding", "identity")
        if encoding.lower() != "identity":
            message = f"The body is encoded ({encoding}); send it as it is."
            raise Refusal(415, "invalid_request", message, "Content-Encoding")
        kind = headers.get("content-type", "application/json").partition(";")[0].strip().lower()
        if kind != "application/json" and not kind.endswith("+json"):
            message = f"The body is {kind or 'of no type'}; send application/json."
            raise Refusal(415, "invalid_request", message, "Content-Type")

    def _too_large(self) -> Refusal:
        message = f"The body is larger than {self._megabytes} MB, this server's limit."
        return Refusal(413, "request_too_large", message)
