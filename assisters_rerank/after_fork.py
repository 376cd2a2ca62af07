"""What a forked child must not share with its parent: sockets, files, locks that a thread held.

Whatever holds such things registers here, and starts anew in the child.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable
from typing import Protocol


class StartsAnew(Protocol):
    """Something that can forget what belongs to the parent process."""

    def start_anew(self) -> None:
        """Makes new locks, and drops what is the parent's without closing it."""
        ...


def in_child(function: Callable[[], None]) -> Callable[[], None]:
    """Has `function` called in every forked child; for what a module holds."""
    if hasattr(os, "register_at_fork"):  # not on Windows
        os.register_at_fork(after_in_child=function)
    return function


_LIVING: weakref.WeakSet[StartsAnew] = weakref.WeakSet()


def start_anew_in_child(living: StartsAnew) -> None:
    """Has `living.start_anew()` called in every forked child, for as long as `living` lives."""
    _LIVING.add(living)


@in_child
def _start_all_anew() -> None:
    for living in list(_LIVING):
        living.start_anew()
