"""The command in a process of its own, which reports its memory and processor time at the end."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

STATUS = Path("/proc/self/status")

# What getrusage calls the most of a process begins with that of the one that started it.
_PROGRAM = """
import atexit, resource, sys
def say():
    own = resource.getrusage(resource.RUSAGE_SELF)
    status = open("/proc/self/status").read()
    peak = status.split("VmHWM:")[1].split()[0]
    print(peak, own.ru_utime + own.ru_stime, file=sys.stderr)
atexit.register(say)
from assisters_rerank.commands.main import main
main()
"""


class Took(NamedTuple):
    """What a command took: megabytes at most, and seconds of a processor."""

    peak: float
    busy: float


def took(arguments: Sequence[str], timeout: float | None = None) -> Took:
    """Runs `assisters-rerank` with these arguments, and skips where the system does not tell."""
    if not STATUS.exists():
        pytest.skip("the peak of a process's memory is read from /proc")
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, *arguments],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=True,
    )
    peak, busy = map(float, done.stderr.splitlines()[-1].split())
    return Took(peak / 1000, busy)
