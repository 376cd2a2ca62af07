"""What a failure to send or to get an answer is called in our tree of errors."""

from __future__ import annotations

import sys

import httpx

from ..errors import BudgetExceeded, ConfigurationError, TransportError
from ..wire.messages import Request
from .transports import AsyncPoster, Poster


def failure_to_send(
    error: Exception,
    request: Request,
    poster: Poster | AsyncPoster | None,
    *,
    own: bool,
    timed_out: bool,
) -> Exception | None:
    """What a failure to send is called in our tree; None if it is none of ours.

    The original is not chained: its text may quote the server, and the server may quote the key.
    """
    told = request.redact(f"{type(error).__name__}: {error}".rstrip(": "))
    if timed_out:
        return BudgetExceeded(f"No whole answer from {request.url} within timeout ({told}).")
    aiohttp = sys.modules.get("aiohttp")  # httpx over aiohttp lets some of its errors through
    foreign = (aiohttp.ClientError,) if aiohttp else ()
    if isinstance(error, (httpx.HTTPError, OSError, *foreign)):
        return TransportError(f"No answer from {request.url} ({told}).")
    if isinstance(error, (httpx.InvalidURL, UnicodeError)):  # also a host that no DNS can know
        return ConfigurationError(f"base_url can't be used ({told}).")
    if isinstance(error, RuntimeError) and poster is not None and poster.is_closed:
        if own:
            return ConfigurationError("http_client or async_http_client: it has been closed.")
        return TransportError(f"The reranker was closed before the call ended ({told}).")
    if isinstance(error, RuntimeError) and own and "loop is closed" in str(error):
        return ConfigurationError(
            "async_http_client: the event loop that it was used in is closed; give each its own."
        )
    return None
