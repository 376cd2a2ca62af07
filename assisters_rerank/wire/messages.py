"""The two HTTP messages as values: the request that goes out, the answer that comes back."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime

from pydantic import SecretStr
from pydantic_core import PydanticSerializationError, to_json


@dataclass(frozen=True, slots=True)
class Request:
    """One POST, ready to send."""

    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    secret: SecretStr | None = None

    def redact(self, text: str) -> str:
        """One printable line of `text`, cut to 200 characters, without the key."""
        # The key is removed first: a cut could leave a part of it that is no longer recognised.
        if self.secret:
            text = text.replace(self.secret.get_secret_value(), "[api key]")
        line = " ".join(text.split())[:200]
        if line.isprintable():
            return line
        return "".join(character if character.isprintable() else "?" for character in line)


def post(
    url: str, key: SecretStr | None, content: Mapping[str, object], idempotency_key: str
) -> Request:
    """The POST of a JSON object; the key goes into one header and nowhere else."""
    headers = {"Content-Type": "application/json", "Idempotency-Key": idempotency_key}
    if key is not None:
        headers["Authorization"] = f"Bearer {key.get_secret_value()}"
    return Request(url, headers, _json(content), key)


def _json(content: Mapping[str, object]) -> bytes:
    try:
        return to_json(content)  # several times faster than json.dumps
    except PydanticSerializationError:
        # Half characters, as from a text cut in the middle of an emoji: two halves that stand
        # together become one character again, a lone one becomes U+FFFD.
        text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whatever its status. Header names are looked up in any case."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def request_id(self) -> str | None:
        """The server's name for this request."""
        return self.headers.get("x-request-id")

    def server_time(self) -> float:
        """Unix time by the server's own clock where it tells, so that a skewed one does no harm."""
        try:
            return parsedate_to_datetime(self.headers.get("date", "")).timestamp()
        except (ValueError, TypeError, OverflowError):
            return time.time()


NOT_JSON = object()


def parsed(body: bytes) -> object:
    """A body's JSON value, or `NOT_JSON`: an exception would carry the whole body along."""
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
