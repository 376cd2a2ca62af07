"""Which dialect the server speaks, at which address, and whether it wants a key."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from ..errors import (
    AuthenticationError,
    BudgetExceeded,
    ConfigurationError,
    QuotaExceededError,
    RateLimitError,
    TransportError,
)
from ..wire.address import shown
from ..wire.dialects import DIALECTS, Dialect, DialectName
from .asking import Asking, StoppedError
from .server_report import Attempt, Key

_QUERY = "night train"
_DOCUMENTS = ("The night train leaves at ten.",)

_VERSIONED = re.compile(r"^(.*?)/v\d+$")

# It opens no door anywhere.
_NO_KEY = "no-key-of-anyone"

# After these the next dialect would be told the same.
_IN_VAIN = (BudgetExceeded, QuotaExceededError, RateLimitError, StoppedError)


@dataclass(frozen=True, slots=True)
class Spoken:
    """The dialect and the address that were answered, or those that were given."""

    dialect: DialectName | Dialect | None
    base_url: str
    attempts: tuple[Attempt, ...]
    reachable: bool
    key: Key
    model: str | None = None


def name_of(dialect: DialectName | Dialect) -> str:
    """The dialect's name, or what stands for a table of the user's."""
    return dialect if isinstance(dialect, str) else "your own"


async def find_dialect(asking: Asking) -> Spoken:
    """Tries the reranker's own dialect, then the others, then all of them with `/v1` or without.

    Ends with the first that is answered, which is settled then, and where nobody listens.

    Raises:
        ConfigurationError: the reranker itself could not ask.
    """
    own, address = asking.reranker.dialect, asking.reranker.base_url
    dialects: list[DialectName | Dialect] = [own, *(name for name in DIALECTS if name != own)]
    attempts: list[Attempt] = []
    heard = False
    key: Key = "not told"
    for base_url in (address, _other_form(address)):
        for dialect in dialects:
            named: dict[str, Any] = {"dialect": dialect, "base_url": base_url}
            reply = await asking.ask(_QUERY, _DOCUMENTS, **named)
            error = reply.error
            if isinstance(error, ConfigurationError) and not attempts:
                raise error
            outcome = "answered" if error is None else str(error)
            attempts.append(Attempt(name_of(dialect), shown(base_url), error is None, outcome))
            if error is None:
                asking.settled |= named
                return Spoken(dialect, base_url, tuple(attempts), True, "not told", reply.model)
            heard = heard or not isinstance(error, TransportError | StoppedError)
            if not heard or isinstance(error, _IN_VAIN):
                return Spoken(None, address, tuple(attempts), heard, key)
            if isinstance(error, AuthenticationError) and key == "not told":
                sent = asking.options(**named).resolve_api_key()
                key = "missing" if sent is None else "wrong"
    return Spoken(None, address, tuple(attempts), True, key)


def _other_form(base_url: str) -> str:
    """The address with `/v1`, or without it: both are written often, and one of them is wrong."""
    before, mark, query = base_url.partition("?")
    versioned = _VERSIONED.match(before)
    return (versioned[1] if versioned else f"{before}/v1") + mark + query


async def find_key(asking: Asking) -> Key:
    """Whether the server that answers wants the key; if one was sent, it is asked with a false one.

    A server may take any key, or none, and answers all the same.
    """
    if asking.options().resolve_api_key() is None:
        return "not needed"
    reply = await asking.ask(_QUERY, _DOCUMENTS, api_key=_NO_KEY)
    if reply.error is None:
        return "not needed"
    return "needed" if reply.refusal or isinstance(reply.error, AuthenticationError) else "not told"
