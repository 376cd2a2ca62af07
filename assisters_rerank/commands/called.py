"""How this program was called, so that it can print commands that are copied and run."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

_COMMAND = "assisters-rerank"


def program() -> str:
    """What to type to call this program again from where it was called."""
    called = sys.argv[0]
    if Path(called).stem != _COMMAND:
        return "python -m assisters_rerank"
    return _COMMAND if shutil.which(_COMMAND) == called else _typed([called])


def same_command(*, piped: bool) -> str:
    """The whole command line once more; `piped`: something wrote into it."""
    command = f"{program()} {_typed(sys.argv[1:])}"
    return f"… | {command}" if piped else command


def _typed(words: list[str]) -> str:
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)
