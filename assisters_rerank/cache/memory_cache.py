"""Caches of relevance scores: what a cache is, what it is asked for, and one in memory.

A cross-encoder's score depends on the model, the query and the text alone, so it can be kept.
"""

from __future__ import annotations

import base64
import hashlib
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Annotated, NamedTuple, Protocol, runtime_checkable

from pydantic import Field, TypeAdapter

from ..after_fork import start_anew_in_child
from ..settings import checked

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


def score_keys(base_url: str, model: str, query: str, texts: Sequence[str]) -> list[str]:
    """The texts' keys in a cache, in order: 32 ASCII characters each, from which nothing is read.

    They are 192-bit BLAKE2b digests (RFC 7693), and differ as soon as one of the four parts does.
    Lone surrogates are allowed. The API key plays no part: whoever pays, the score is the same.
    """
    # The version of the key's make-up; a new one makes all older entries unfindable.
    beginning = hashlib.blake2b(digest_size=24, person=b"assisters-1")
    for part in (base_url, model, query):
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


class MemoryCache:
    """Keeps scores in this process; of more than `max_entries`, the least recently used go first.

    An entry takes about 0.3 KB, so the default is about 30 MB when full. For all threads, and for
    several rerankers at once. A forked child starts with a copy.

    Raises:
        ConfigurationError: `max_entries` is no whole number of at least 1.
    """

    def __init__(self, max_entries: int = 100_000) -> None:
        self.max_entries = checked(MAX_ENTRIES_RULE, max_entries, "max_entries")
        self._entries: OrderedDict[str, CachedScore] = OrderedDict()
        self.start_anew()
        start_anew_in_child(self)

    def start_anew(self) -> None:
        """Makes a new lock: in a forked child, another thread may have held the old one."""
        self._lock = threading.Lock()

    def get_many(self, keys: Sequence[str]) -> dict[str, CachedScore]:
        """The scores of the keys that are known, which now count as used."""
        found = {}
        with self._lock:
            for key in keys:
                score = self._entries.get(key)
                if score is not None:
                    self._entries.move_to_end(key)
                    found[key] = score
        return found

    def set_many(self, scores: Mapping[str, CachedScore]) -> None:
        """Keeps these scores, and drops the least recently used where there are too many."""
        with self._lock:
            for key, score in scores.items():
                self._entries[key] = score
                self._entries.move_to_end(key)
            while len(self._entries) > self.max_entries:
                self._entries.popitem(last=False)

    def clear(self) -> None:
        """Forgets everything."""
        with self._lock:
            self._entries.clear()

    def __len__(self) -> int:
        return len(self._entries)

    def __repr__(self) -> str:
        return f"MemoryCache(max_entries={self.max_entries}, entries={len(self)})"
