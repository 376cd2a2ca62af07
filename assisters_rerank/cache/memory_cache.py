"""A cache of relevance scores in this process's memory."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence

from ..after_fork import start_anew_in_child
from ..settings import checked
from .score_cache import MAX_ENTRIES_RULE, CachedScore


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
        # Re-entrant: a finalizer or a signal handler may come to the cache in the middle of a use.
        self._lock = threading.RLock()

    def get_many(self, keys: Sequence[str]) -> dict[str, CachedScore]:
        """The scores of the keys that are known, which now count as used."""
        found = {}
        with self._lock:
            for key in keys:
                score = self._entries.pop(key, None)
                if score is not None:
                    self._entries[key] = found[key] = score
        return found

    def set_many(self, scores: Mapping[str, CachedScore]) -> None:
        """Keeps these scores, and drops the least recently used where there are too many."""
        with self._lock:
            for key, score in scores.items():
                self._entries.pop(key, None)
                self._entries[key] = score
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
