"""What a cache of relevance scores is, and what it is asked for.

A cross-encoder's score depends only on the model, the query and the text, so it can be kept.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from typing import Annotated, NamedTuple, Protocol, runtime_checkable

from pydantic import Field, TypeAdapter

MAX_ENTRIES_RULE = TypeAdapter[int](Annotated[int, Field(strict=True, ge=1)])


class CachedScore(NamedTuple):
    """A relevance score, and the model that the server said had scored it (None: it said none)."""

    score: float
    model: str | None


@runtime_checkable
class ScoreCache(Protocol):
    """Any object with these two methods; they are called from several threads at once."""

    def get_many(self, keys: Sequence[str]) -> Mapping[str, tuple[float, str | None]]:
        """The (score, model) of each key that is known; the others are left out."""
        ...

    def set_many(self, scores: Mapping[str, CachedScore]) -> None:
        """Keeps these scores, in place of older ones of the same keys."""
        ...


def is_pickled(cache: object) -> bool:
    """Whether the cache's class says how it travels to other processes, as `SqliteCache` does."""
    return type(cache).__reduce__ is not object.__reduce__


def score_keys(
    base_url: str, model: str, query: str, texts: Sequence[str], namespace: str = ""
) -> list[str]:
    """The texts' keys in a cache, in order: 32 ASCII characters each, from which nothing is read.

    They are 192-bit BLAKE2b digests (RFC 7693), and differ as soon as one of the parts does. Lone
    surrogates are allowed. The API key plays no part: whoever pays, the score is the same.
    """
    # The version of the key's make-up; a new one makes all older entries unfindable.
    person, parts = b"assisters-1", [base_url, model, query]
    if namespace:
        person, parts = b"assisters-1-name", [*parts, namespace]
    beginning = hashlib.blake2b(digest_size=24, person=person)
    for part in parts:
        encoded = part.encode("utf-8", "surrogatepass")
        # With its length, or ("a", "bc") would be ("ab", "c").
        beginning.update(len(encoded).to_bytes(8, "little"))
        beginning.update(encoded)
    keys = []
    for text in texts:
        digest = beginning.copy()
        digest.update(text.encode("utf-8", "surrogatepass"))
        keys.append(base64.b64encode(digest.digest()).decode())
    return keys
