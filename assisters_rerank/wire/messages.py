"""The two HTTP messages as values: the request that goes out, the answer that comes back."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from functools import lru_cache
from types import MappingProxyType

from pydantic import SecretStr
from pydantic_core import from_json

from . import large_json
from .address import shown
from .redaction import redacted

MOST_BYTES = 128 * 2**20
"""The largest body of any answer."""


@dataclass(slots=True)
class Request:
    """One POST, ready to send."""

    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    secret: SecretStr | None = None
    answer_limit: int = MOST_BYTES
    """Bytes that the answer's body may have at most."""
    hidden: Sequence[SecretStr] = ()
    """What is shown nowhere, besides the key: the user's own headers, keys in the address."""

    @property
    def shown_url(self) -> str:
        """The address as messages show it, without the values of its query string."""
        return shown(self.url)

    def redact(self, text: str) -> str:
        """One printable line of `text`, cut to 200 characters, without the secrets."""
        return redacted(text, self.secret, *self.hidden)


@dataclass(slots=True)
class Recipient:
    """Where requests go, and the key and headers that go with them."""

    url: str
    key: SecretStr | None = None
    headers: Mapping[str, SecretStr] = field(default_factory=dict)
    """The user's own; they are sent and never shown."""
    hidden: Sequence[SecretStr] = ()
    """All that is shown nowhere, besides the key."""


def post(
    to: Recipient,
    content: Mapping[str, object],
    idempotency_key: str,
    answer_limit: Callable[[int], int],
    key_header: str = "Authorization",
    key_prefix: str = "Bearer ",
    headers: Mapping[str, str] = MappingProxyType({}),
    *,
    large: bool = False,
) -> Request:
    """The POST of a JSON object; the key goes into one header and nowhere else.

    `answer_limit` gives the most bytes of an answer to a body of so many bytes; `headers` are
    the dialect's own; a `large` object is written in pieces.
    """
    sent = {"Content-Type": "application/json", "Idempotency-Key": idempotency_key, **headers}
    if to.key is not None:
        sent[key_header] = key_prefix + to.key.get_secret_value()
    for name, value in to.headers.items():
        sent[name] = value.get_secret_value()
    body = large_json.written(content) if large else large_json.whole(content)
    limit = min(answer_limit(len(body)), MOST_BYTES)
    return Request(to.url, sent, body, to.key, limit, to.hidden)


@dataclass(slots=True)
class Answer:
    """What came back, whatever its status. Names of headers are in lower case."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | bytearray = field(repr=False)

    @property
    def request_id(self) -> str | None:
        """The server's name for this request."""
        return self.headers.get("x-request-id") or self.headers.get("x-litellm-call-id")

    def server_time(self) -> float:
        """Unix time by the server's own clock if it reports it: ours may be wrong."""
        reported = unix_time(self.headers.get("date", ""))
        return time.time() if reported is None else reported


@lru_cache(maxsize=16)  # the answers of one second have the same
def unix_time(date: str) -> float | None:
    """The Unix time of an HTTP date; None for anything else."""
    try:
        return parsedate_to_datetime(date).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None


def number_or_none(text: str | None) -> float | None:
    """The finite number in a header; None if the header is missing, or says anything else."""
    if not text:  # mostly: to raise and catch an error takes longer
        return None
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


NOT_JSON = object()

_AT_ONCE = 2**20


def parsed(body: bytes | bytearray) -> object:
    """A body's JSON value, or `NOT_JSON`: an exception would carry the whole body along."""
    # Several times faster than json.loads, which holds the interpreter's lock all the while; but
    # it refuses some of what that reads: deep nesting, UTF-16, half characters.
    try:
        return from_json(body) if len(body) <= _AT_ONCE else large_json.read(body)
    except ValueError:
        pass
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return NOT_JSON


def mapping_or_empty(value: object) -> dict[str, object]:
    """A JSON object as it is; anything else counts as an empty one."""
    return value if isinstance(value, dict) else {}


def text_or_none(value: object) -> str | None:
    """A JSON string as it is; anything else, and the empty one, counts as missing."""
    return value if isinstance(value, str) and value else None
