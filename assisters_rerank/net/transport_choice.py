"""Which transport async calls go over: the option, else the variable, else what can be used."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias, cast, get_args

from ..errors import ConfigurationError
from ..wire.destination import from_variable
from . import loops
from .aiohttp_transport import HAS_AIOHTTP

AsyncTransport: TypeAlias = Literal["auto", "httpx", "aiohttp"]

ASYNC_TRANSPORT_VARIABLE = "ASSISTERS_ASYNC_TRANSPORT"

_NOT_INSTALLED = (
    'aiohttp needs the extra `aiohttp`: pip install "assisters-rerank[aiohttp]", '
    "or choose auto or httpx"
)


class Choice(NamedTuple):
    """What was asked for, and where."""

    transport: AsyncTransport
    source: str


def chosen(option: AsyncTransport) -> Choice:
    """The option, or where that is auto, the variable as it is now.

    Raises:
        ConfigurationError: the variable says something else.
    """
    if option != "auto":
        return Choice(option, "async_transport")
    named: AsyncTransport | None = from_variable(ASYNC_TRANSPORT_VARIABLE, _known)
    return Choice(named or "auto", f"the variable {ASYNC_TRANSPORT_VARIABLE}")


def installed(transport: AsyncTransport) -> AsyncTransport:
    """Raises `ValueError` for aiohttp where the extra is missing."""
    if transport == "aiohttp" and not HAS_AIOHTTP:
        raise ValueError(_NOT_INSTALLED)
    return transport


def goes_over_aiohttp(choice: Choice, *, proxied: bool) -> bool:
    """Whether calls of the running loop go over aiohttp, else over httpx's own transport.

    Raises:
        ConfigurationError: aiohttp is asked for and cannot be used here.
    """
    if choice.transport == "httpx":
        return False
    hindrance = _hindrance(proxied=proxied)
    if choice.transport == "aiohttp" and hindrance:
        raise ConfigurationError(f"{choice.source}: {hindrance}.")
    return not hindrance


def _hindrance(*, proxied: bool) -> str:
    if not HAS_AIOHTTP:
        return _NOT_INSTALLED
    if not loops.is_asyncio():
        return "aiohttp runs only on asyncio, and this call runs on trio; choose auto or httpx"
    if proxied:  # aiohttp knows fewer kinds of proxies; sync and async have to go the same way
        return (
            "aiohttp is not used where the environment names a proxy (HTTPS_PROXY, ALL_PROXY …); "
            "choose auto or httpx"
        )
    return ""


def _known(text: str) -> AsyncTransport:
    transport = text.strip().lower()
    if transport not in get_args(AsyncTransport):
        raise ValueError(f"give one of {', '.join(get_args(AsyncTransport))}")
    return cast(AsyncTransport, transport)
