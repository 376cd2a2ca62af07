"""Headers of the user's own, checked: what they may be called, and what they may hold."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, SecretStr

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # a token (RFC 9110, 5.6.2)

# What describes our own body and connection; another value would break the request.
_OURS = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "idempotency-key",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)


def _usable(headers: dict[str, SecretStr | str]) -> dict[str, SecretStr | str]:
    names = [name.lower() for name in headers]
    for name in headers:
        if not _NAME.fullmatch(name):
            raise ValueError("a name is not one that HTTP allows: letters, digits and hyphens")
        if name.lower() in _OURS:
            raise ValueError(f"{name} is set by each request itself; leave it out")
        if names.count(name.lower()) > 1:
            raise ValueError(f"{name} is given twice; HTTP does not tell capital letters apart")
    return {name: _hidden(name, value) for name, value in headers.items()}


def _hidden(name: str, value: SecretStr | str) -> SecretStr:
    text = value.get_secret_value() if isinstance(value, SecretStr) else value
    text = text.strip()
    if not (text.isascii() and text.isprintable()):
        raise ValueError(f"the value of {name} has characters that no header can have")
    return SecretStr(text)


# Written as strings, kept as SecretStr.
ExtraHeaders = Annotated[Mapping[str, SecretStr | str], AfterValidator(_usable)]
