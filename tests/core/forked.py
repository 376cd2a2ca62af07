"""Work in a forked child."""

from __future__ import annotations

import os
import signal
import traceback
from collections.abc import Callable


def in_child(work: Callable[[], None]) -> int:
    """The id of a forked child that does the work, and exits with 1 if it fails."""
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        try:
            work()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return child


def ended(child: int) -> int:
    """The child's exit code, once it has ended."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
