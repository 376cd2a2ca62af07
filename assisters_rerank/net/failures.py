"""What a failure to send or to get an answer is called in our tree of errors."""

from __future__ import annotations

import re
import ssl
import sys
from urllib.request import getproxies

import httpx

from ..errors import AssistersError, BudgetExceeded, ConfigurationError, TransportError
from ..wire.messages import Request
from .transports import AsyncPoster, Poster


def failure_to_send(
    error: Exception,
    request: Request,
    poster: Poster | AsyncPoster | None,
    *,
    own: bool,
    timed_out: bool,
) -> Exception:
    """What a failure to send is called in our tree.

    The original is not chained: its text may quote the server, and the server may quote the key.
    """
    if isinstance(error, AssistersError):
        return error
    # Another thread may be importing aiohttp: then the module is there, and the class is not.
    of_aiohttp = getattr(sys.modules.get("aiohttp"), "ClientError", None)
    foreign = (OSError,) if of_aiohttp is None else (OSError, of_aiohttp)
    # A timeout's own class names the phase; of other errors httpx over aiohttp mixes the classes.
    cause = error if timed_out else _cause(error, foreign)
    said = request.redact(f"{type(cause).__name__}: {cause}".rstrip(": "))
    if timed_out:
        return BudgetExceeded(f"No whole answer from {request.shown_url} within timeout ({said}).")
    if isinstance(cause, ssl.SSLCertVerificationError):
        return TransportError(
            f"The certificate of {request.shown_url} cannot be trusted ({said}). {_TRUST[own]}",
            transient=False,
        )
    if isinstance(cause, ssl.SSLError) and cause.reason in _NO_TLS:
        return TransportError(
            f"What answers at {request.shown_url} speaks no TLS ({said}). Should base_url begin "
            "with http://, or is a proxy in the way?"
        )
    if isinstance(error, httpx.ProxyError) and re.match(r"40[137]\b", str(error)):
        return TransportError(
            f"The proxy refuses the way to {request.shown_url} ({said}). "
            f"Check the proxy's address, user name and password in {_proxy_setting(request, own)}.",
            transient=False,
        )
    if isinstance(error, (httpx.HTTPError, *foreign)):  # aiohttp's are not all made httpx's
        return TransportError(f"No answer from {request.shown_url} ({said}).")
    if isinstance(error, (httpx.InvalidURL, UnicodeError)):  # also a host that no DNS can know
        return ConfigurationError(f"base_url can't be used ({said}).")
    if isinstance(error, RuntimeError) and poster is not None and poster.is_closed:
        if own:
            return ConfigurationError("http_client or async_http_client: it has been closed.")
        return TransportError(f"The reranker was closed before the call ended ({said}).")
    if isinstance(error, RuntimeError) and own and "loop is closed" in str(error):
        return ConfigurationError(
            "async_http_client: the event loop that it was used in is closed; give each its own."
        )
    return TransportError(f"The request to {request.shown_url} failed ({said}).", transient=False)


# What OpenSSL says to an answer that is none of TLS, by its version.
_NO_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST", "UNKNOWN_PROTOCOL")

_TRUST = {
    False: (
        "Name the file with the certificate of its authority in SSL_CERT_FILE, or give an "
        "http_client (async_http_client for async calls) that trusts it."
    ),
    True: "Give an http_client (async_http_client for async calls) whose verify= trusts it.",
}


def _proxy_setting(request: Request, own: bool) -> str:
    if own:
        return "your http_client or async_http_client"
    scheme = request.url.partition(":")[0].lower()
    return f"{scheme.upper()}_PROXY" if scheme in getproxies() else "ALL_PROXY"


def _cause(error: Exception, kinds: tuple[type[Exception], ...]) -> BaseException:
    """What the system or TLS said: httpx, anyio, trio and aiohttp each wrap it in their own way."""
    found: BaseException = error
    link: BaseException | None = error
    while link is not None:
        if isinstance(link, kinds) and str(link):
            found = link
        if isinstance(link, BaseExceptionGroup):
            link = link.exceptions[0]
        else:
            # httpcore raises `from None`, which keeps the context. Other contexts may be what the
            # caller was handling when it called us.
            link = link.__cause__ or (link.__context__ if link.__suppress_context__ else None)
    return found
