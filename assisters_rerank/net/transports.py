"""What posts a request: an httpx transport of ours, or an httpx client of the user's.

A client adds what its owner gave it (headers, parameters, proxies), and takes a quarter of a small
call's time for it. Ours has nothing to add, so its transport is used without a client around it.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Protocol

import httpx

from ..version import __version__
from ..wire.messages import Request
from .aiohttp_transport import drop_session

Extensions = dict[str, Any]

_CODINGS = "gzip, deflate"

_ZONE = re.compile(r"%[^]]*]")

_HEADERS = {
    "Accept": "application/json",
    "Accept-Encoding": _CODINGS,
    "User-Agent": f"assisters-rerank/{__version__}",
}


@lru_cache(maxsize=64)
def _url(url: str) -> tuple[httpx.URL, str]:
    """The address as httpx takes it, and its Host header.

    Raises:
        idna.IDNAError: the host's name is none, which nobody should be asked to look up.
    """
    parsed = httpx.URL(url)
    _ = parsed.host
    # A zone is this machine's own business (RFC 6874, 4).
    return parsed, _ZONE.sub("]", parsed.netloc.decode("ascii"))


class Poster(Protocol):
    """Posts from the sync world."""

    @property
    def is_closed(self) -> bool:
        """Whether nothing can be posted any more."""
        ...

    def post(self, request: Request, extensions: Extensions) -> httpx.Response:
        """Posts; the response is still to be read and closed. Redirects are not followed."""
        ...

    def close(self) -> None:
        """Closes its connections."""
        ...


class AsyncPoster(Protocol):
    """Posts from an event loop."""

    @property
    def is_closed(self) -> bool:
        """Whether nothing can be posted any more."""
        ...

    async def post(self, request: Request, extensions: Extensions) -> httpx.Response:
        """Posts; the response is still to be read and closed. Redirects are not followed."""
        ...

    async def aclose(self) -> None:
        """Closes its connections."""
        ...

    def abandon(self) -> None:
        """Drops its connections; for a client whose loop is closed, from any loop."""
        ...


class Direct:
    """Posts through a transport, from the sync world."""

    def __init__(self, transport: httpx.BaseTransport) -> None:
        self._transport = transport
        self.is_closed = False

    def post(self, request: Request, extensions: Extensions) -> httpx.Response:
        """See `Poster`."""
        return self._transport.handle_request(_plain(request, extensions))

    def close(self) -> None:
        """See `Poster`."""
        self.is_closed = True
        self._transport.close()


class AsyncDirect:
    """Posts through a transport, from an event loop."""

    def __init__(self, transport: httpx.AsyncBaseTransport) -> None:
        self._transport = transport
        self.is_closed = False

    async def post(self, request: Request, extensions: Extensions) -> httpx.Response:
        """See `AsyncPoster`."""
        return await self._transport.handle_async_request(_plain(request, extensions))

    async def aclose(self) -> None:
        """See `AsyncPoster`."""
        self.is_closed = True
        await self._transport.aclose()

    def abandon(self) -> None:
        """See `AsyncPoster`."""
        self.is_closed = True
        drop_session(self._transport)  # the sockets go with the last reference


class ViaClient:
    """Posts through a client, from the sync world."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client
        self.close = client.close

    @property
    def is_closed(self) -> bool:
        """See `Poster`."""
        return self._client.is_closed

    def post(self, request: Request, extensions: Extensions) -> httpx.Response:
        """See `Poster`."""
        merged = _merged(self._client, request, extensions)
        try:
            return self._client.send(merged, stream=True, follow_redirects=False)
        except httpx.HTTPStatusError as error:
            return _refused(error.response)


class AsyncViaClient:
    """Posts through a client, from an event loop."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client
        self.aclose = client.aclose

    @property
    def is_closed(self) -> bool:
        """See `AsyncPoster`."""
        return self._client.is_closed

    def abandon(self) -> None:
        """See `AsyncPoster`: httpx does not complain, and the sockets go with the reference."""

    async def post(self, request: Request, extensions: Extensions) -> httpx.Response:
        """See `AsyncPoster`."""
        merged = _merged(self._client, request, extensions)
        try:
            return await self._client.send(merged, stream=True, follow_redirects=False)
        except httpx.HTTPStatusError as error:
            return _refused(error.response)


def _refused(response: httpx.Response) -> httpx.Response:
    """A status that a hook of the client's raised: what it means is for us to say.

    httpx has closed the response, so its body is gone unless the hook has read it.
    """
    if response.is_stream_consumed:
        return response
    return httpx.Response(response.status_code, headers=response.headers)


def _plain(request: Request, extensions: Extensions) -> httpx.Request:
    url, host = _url(request.url)
    headers = {**_HEADERS, **request.headers, "Content-Length": str(len(request.body))}
    if "host" not in map(str.lower, request.headers):
        headers = {"Host": host, **headers}
    # As a stream: from `content` httpx works out these headers, which takes longer than the rest.
    body = httpx.ByteStream(request.body)
    plain = httpx.Request("POST", url, headers=headers, stream=body, extensions=extensions)
    plain.read()
    return plain


def _merged(
    client: httpx.Client | httpx.AsyncClient, request: Request, extensions: Extensions
) -> httpx.Request:
    merged = client.build_request(
        "POST", request.url, headers=request.headers, content=request.body, extensions=extensions
    )
    # httpx asks for what it could unpack, and we unpack less; an owner may ask for even less.
    if merged.headers.get("accept-encoding") != "identity":
        merged.headers["Accept-Encoding"] = _CODINGS
    return merged


# The headers that every httpx client has.
_OF_HTTPX = {"accept", "accept-encoding", "connection", "user-agent"}


def changes_requests(client: httpx.Client | httpx.AsyncClient | None) -> bool:
    """Whether a client of the user's own sends more than httpx does by itself."""
    return client is not None and bool(client.params or set(client.headers) - _OF_HTTPX)
