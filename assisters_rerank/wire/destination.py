"""Where requests go and which key is sent: an argument, else a variable, else the default."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, TypeVar

from pydantic import AfterValidator, SecretStr

from ..errors import ConfigurationError
from .address import SERVICE_URL, is_loopback, parts_of, server_of, shown, usable_url

API_KEY_VARIABLE = "ASSISTERS_API_KEY"
BASE_URL_VARIABLE = "ASSISTERS_BASE_URL"

KEYS_URL = "https://www.assisters.dev/dashboard/api-keys"
NO_KEY = (
    f"No API key: give api_key=… or set the variable {API_KEY_VARIABLE} (keys: {KEYS_URL}). "
    "Without a key, use the local server: base_url=service_or_local().base_url, imported from "
    "assisters_rerank.local (extra `local`)."
)


def _usable_key(value: SecretStr | str) -> SecretStr | None:
    key = value.get_secret_value() if isinstance(value, SecretStr) else value
    key = key.strip()  # a newline often comes along from a file or a shell
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise ValueError(
            "it contains characters that no key has; copy the whole key, and only the key"
        )
    return SecretStr(key) if key else None


# Written as a string, kept as a SecretStr.
ApiKey = Annotated[SecretStr | str, AfterValidator(_usable_key)] | None

T = TypeVar("T")


def default_base_url() -> str:
    """The variable's address, else the service's."""
    return from_variable(BASE_URL_VARIABLE, usable_url) or SERVICE_URL


@dataclass(frozen=True, slots=True)
class Provider:
    """Who runs a hosted service: its address, and the variable that holds its key."""

    url: str | None = None
    key_variable: str | None = None


ASSISTERS = Provider(SERVICE_URL, API_KEY_VARIABLE)


def key_for(
    base_url: str,
    given: SecretStr | None,
    provider: Provider = ASSISTERS,
    lost: Callable[[], Collection[str]] = tuple,
) -> SecretStr | None:
    """The key to send to `base_url`, or None for a server that needs none.

    A variable's key was meant for one host, so it is sent to the provider's own, or to the server
    that the base URL variable names, and to no other server. `lost` gives the names of
    the options that a pickle left out.

    Raises:
        ConfigurationError: the provider's own service is called and there is no key, or it was
            lost.
    """
    key = given or _variable_key(base_url, provider)
    if key is None:
        if "api_key" in (names := lost()):
            raise ConfigurationError(_pickled(base_url, names, provider))
        if _is_at(provider, base_url):
            raise ConfigurationError(
                NO_KEY
                if provider is ASSISTERS
                else f"No API key: give api_key=… or set the variable {provider.key_variable}."
            )
        return None
    address = parts_of(base_url)
    if address.scheme == "http" and not is_loopback(address.hostname or ""):
        warnings.warn(
            f"The API key goes to {address.netloc} over plain http, so that "
            "others can read it; give a base_url with https.",
            stacklevel=2,
        )
    return key


def _pickled(base_url: str, lost: Collection[str], provider: Provider) -> str:
    names, were = " and ".join(sorted(lost)), "was" if len(lost) == 1 else "were"
    told = f"No API key: its {names} {were} left out when it was pickled: "
    if provider.key_variable is None:
        return f"{told}give it again in the workers."
    away = provider is ASSISTERS and not _is_at(provider, base_url)
    server = f" and {BASE_URL_VARIABLE} (to {shown(base_url)})" if away else ""
    return f"{told}set {provider.key_variable}{server} in the workers."


def known_key(
    base_url: str, given: SecretStr | None, provider: Provider = ASSISTERS
) -> SecretStr | None:
    """The key that would be sent to `base_url`, if there is one that can be used."""
    try:
        return given or _variable_key(base_url, provider)
    except ConfigurationError:
        return None


def _variable_key(base_url: str, provider: Provider) -> SecretStr | None:
    if provider.key_variable is None:
        return None
    named = provider is ASSISTERS and server_of(base_url) == _named_server()
    return (
        from_variable(provider.key_variable, _usable_key)
        if named or _is_at(provider, base_url)
        else None
    )


def _named_server() -> tuple[str, str | None, int | None] | None:
    """The server of the base URL variable, if it names one.

    Whoever calls has an address already, so a variable that cannot be used is no error here.
    """
    try:
        named = from_variable(BASE_URL_VARIABLE, usable_url)
    except ConfigurationError:
        return None
    return None if named is None else server_of(named)


def from_variable(name: str, rule: Callable[[str], T | None]) -> T | None:
    """What the environment variable says; blank counts as missing."""
    text = os.environ.get(name, "")
    if not text.strip():
        return None
    try:
        return rule(text)
    except ValueError as error:
        problem = str(error)
    raise ConfigurationError(f"the variable {name}: {problem}")


def is_service(base_url: str) -> bool:
    """Whether this is the service itself, or the server that the base URL variable names."""
    return _is_at(ASSISTERS, base_url) or server_of(base_url) == _named_server()


@lru_cache(maxsize=64)
def _is_at(provider: Provider, url: str) -> bool:
    return provider.url is not None and parts_of(url).hostname == parts_of(provider.url).hostname
