"""Addresses: which ones can be used, the endpoint behind one, and how one is shown."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from typing import Annotated
from urllib.parse import SplitResult, parse_qsl, urlsplit, urlunsplit

from pydantic import AfterValidator

SERVICE_URL = "https://api.assisters.dev/v1"

# A whole address may be given; with the dialect's own path it is the same as without.
_OWN_PATHS = ("/rerank", "/embeddings")
_OTHER_PATHS = ("/reranking", "/reranks")

_IN_NO_ADDRESS = re.compile(r"""[\s<>"\\^`|]""")  # RFC 3986, appendix C, and what browsers mend

# Of parameters: what gateways call a key that stands in the address.
_KEY = re.compile(r"(^|[-_])(key|code|sig)$|(api_?key|token|secret|password|signature)$", re.I)


def usable_url(value: str) -> str:
    """The address in the form that is kept: without the white space and the last slash.

    Raises:
        ValueError: it is no http or https address, or holds a user name or a fragment.
    """
    problem = f"give an http or https address such as {SERVICE_URL}"
    try:
        parts = urlsplit(value.strip())
        host = (parts.hostname or "").encode("idna")  # refuses a name that DNS cannot have
        _ = parts.port  # refuses a port that is not a number
    except ValueError:
        raise ValueError(problem) from None
    if not host or parts.scheme not in ("http", "https") or _IN_NO_ADDRESS.search(value.strip()):
        raise ValueError(problem)
    if parts.username or parts.password:
        raise ValueError(
            "it contains a user name or password; remove them and give the key as api_key"
        )
    if parts.fragment:
        raise ValueError("it must end with the path, or with a query string, without #")
    return _with_path(parts, _without(parts.path.rstrip("/"), _OWN_PATHS))


BaseUrl = Annotated[str, AfterValidator(usable_url)]


@lru_cache(maxsize=64)
def endpoint(base_url: str, path: str) -> str:
    """Where a request goes: the address with `path`, unless it is a whole one already."""
    parts = parts_of(base_url)
    whole = parts.path.endswith((path, *_OTHER_PATHS))
    return base_url if whole else _with_path(parts, parts.path + path)


def short_form(base_url: str) -> str:
    """The address without the endpoint's path: the same for all ways of writing one server."""
    parts = parts_of(base_url)
    return _with_path(parts, _without(parts.path, _OTHER_PATHS))


@lru_cache(maxsize=64)
def shown(url: str) -> str:
    """The address as people are shown it: of a query string the names, and no values."""
    parts = parts_of(url)
    if not parts.query:
        return url
    names = (pair.partition("=")[0] for pair in parts.query.split("&"))
    return urlunsplit(parts._replace(query="&".join(f"{name}=…" for name in names)))


@lru_cache(maxsize=64)
def key_parameters(url: str) -> tuple[tuple[str, str], ...]:
    """The parameters in the query string that are named like a key, with their values."""
    pairs = parse_qsl(parts_of(url).query, keep_blank_values=True)
    return tuple((name, value) for name, value in pairs if _KEY.search(name))


@lru_cache(maxsize=64)
def parts_of(url: str) -> SplitResult:
    """The parts of an address."""
    return urlsplit(url)


@lru_cache(maxsize=64)
def server_of(url: str) -> tuple[str, str | None, int | None]:
    """Scheme, host and port, however the address writes them."""
    parts = parts_of(url)
    port = parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    return parts.scheme, parts.hostname, port


@lru_cache(maxsize=64)
def is_loopback(host: str) -> bool:
    """Whether only this machine can reach this host; of names: `localhost` (RFC 6761, 6.3)."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost" or host.lower().endswith(".localhost")


def _with_path(parts: SplitResult, path: str) -> str:
    return urlunsplit(parts._replace(path=path))


def _without(path: str, endings: tuple[str, ...]) -> str:
    for ending in endings:
        path = path.removesuffix(ending)
    return path.rstrip("/")
