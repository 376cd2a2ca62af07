"""Where requests go and which key is sent: an argument, else a variable, else the default."""

from __future__ import annotations

import ipaddress
import os
import warnings
from collections.abc import Callable
from functools import lru_cache
from typing import Annotated, TypeVar
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, SecretStr

from ..errors import ConfigurationError

SERVICE_URL = "https://api.assisters.dev/v1"
API_KEY_VARIABLE = "ASSISTERS_API_KEY"
BASE_URL_VARIABLE = "ASSISTERS_BASE_URL"

NO_KEY = f"No API key: give api_key=… or set the variable {API_KEY_VARIABLE}."


def _usable_url(value: str) -> str:
    url = value.strip().rstrip("/").removesuffix("/rerank").removesuffix("/embeddings")
    problem = f"give an http or https address such as {SERVICE_URL}"
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").encode("idna")  # refuses a name that DNS cannot have
        _ = parts.port  # refuses a port that is not a number
    except ValueError:
        raise ValueError(problem) from None
    if not host or parts.scheme not in ("http", "https"):
        raise ValueError(problem)
    if parts.username or parts.password:
        raise ValueError(
            "it contains a user name or password; remove them and give the key as api_key"
        )
    if parts.query or parts.fragment:
        raise ValueError("it must end with the path, without ? or #")
    return url


def _usable_key(value: SecretStr | str) -> SecretStr | None:
    key = value.get_secret_value() if isinstance(value, SecretStr) else value
    key = key.strip()  # a newline often comes along from a file or a shell
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise ValueError(
            "it contains characters that no key has; copy the whole key, and only the key"
        )
    return SecretStr(key) if key else None


BaseUrl = Annotated[str, AfterValidator(_usable_url)]
# Written as a string, kept as a SecretStr.
ApiKey = Annotated[SecretStr | str, AfterValidator(_usable_key)] | None

T = TypeVar("T")


def default_base_url() -> str:
    """The variable's address, else the service's."""
    return _variable(BASE_URL_VARIABLE, _usable_url) or SERVICE_URL


def key_for(base_url: str, given: SecretStr | None) -> SecretStr | None:
    """The key to send to `base_url`, or None for a server that needs none.

    The variable's key was meant for one host, so it is sent to the service, or to the server that
    the base URL variable names, and to no other server.

    Raises:
        ConfigurationError: the service itself is called and there is no key.
    """
    key = given or _variable_key(base_url)
    if key is None:
        if _is_service(base_url):
            raise ConfigurationError(NO_KEY)
        return None
    address = _split(base_url)
    if address.scheme == "http" and not is_loopback(address.hostname or ""):
        warnings.warn(
            f"The API key goes to {address.netloc} over plain http, so that "
            "others can read it; give a base_url with https.",
            stacklevel=2,
        )
    return key


def known_key(base_url: str, given: SecretStr | None) -> SecretStr | None:
    """The key that would be sent to `base_url`, if there is one that can be used."""
    try:
        return given or _variable_key(base_url)
    except ConfigurationError:
        return None


def _variable_key(base_url: str) -> SecretStr | None:
    if _is_service(base_url) or _server(base_url) == _named_server():
        return _variable(API_KEY_VARIABLE, _usable_key)
    return None


def _named_server() -> tuple[str, str | None, int | None] | None:
    """The server of the base URL variable, if it names one.

    Whoever calls has an address already, so a variable that cannot be used is no error here.
    """
    try:
        named = _variable(BASE_URL_VARIABLE, _usable_url)
    except ConfigurationError:
        return None
    return None if named is None else _server(named)


def _variable(name: str, rule: Callable[[str], T | None]) -> T | None:
    """What the environment variable says; blank counts as missing."""
    text = os.environ.get(name, "")
    if not text.strip():
        return None
    try:
        return rule(text)
    except ValueError as error:
        problem = str(error)
    raise ConfigurationError(f"the variable {name}: {problem}")


@lru_cache(maxsize=64)
def _split(url: str) -> SplitResult:
    return urlsplit(url)


def _is_service(url: str) -> bool:
    return _split(url).hostname == _split(SERVICE_URL).hostname


def _server(url: str) -> tuple[str, str | None, int | None]:
    """Scheme, host and port, however the address writes them."""
    parts = _split(url)
    port = parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    return parts.scheme, parts.hostname, port


@lru_cache(maxsize=64)
def is_loopback(host: str) -> bool:
    """Whether only this machine can reach this host; of names: `localhost` (RFC 6761, 6.3)."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost" or host.lower().endswith(".localhost")
