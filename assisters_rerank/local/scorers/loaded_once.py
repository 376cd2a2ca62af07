"""What a process loads once by its name, since word vectors and models take a while and memory."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from ...after_fork import start_anew_in_child

T = TypeVar("T")


class LoadedOnce(Generic[T]):
    """Loads each thing once, for all threads; an error is raised, and the next call tries again."""

    def __init__(self, load: Callable[[str], T]) -> None:
        self._load = load
        self._loaded: dict[str, T] = {}
        self.start_anew()
        start_anew_in_child(self)

    def start_anew(self) -> None:
        """In a forked child, where nobody goes on with what the parent was loading: a new lock."""
        self._lock = threading.Lock()

    def __call__(self, name: str) -> T:
        """The thing of this name."""
        with self._lock:
            if name not in self._loaded:
                self._loaded[name] = self._load(name)
            return self._loaded[name]
