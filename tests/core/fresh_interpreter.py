"""Scripts run in a fresh interpreter: cold imports, exits, and what they leave on stderr."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from dataclasses import dataclass

OURS = ("ASSISTERS_", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "PYTHONWARNINGS")


@dataclass(frozen=True)
class Ended:
    """How a script ended."""

    code: int
    out: str
    err: str


def run(script: str, *arguments: str, flags: tuple[str, ...] = (), seconds: float = 60) -> Ended:
    """Runs the dedented script with `arguments` as `sys.argv[1:]` until it ends by itself."""
    surroundings = {
        name: value for name, value in os.environ.items() if not name.upper().startswith(OURS)
    }
    done = subprocess.run(
        [sys.executable, *flags, "-c", textwrap.dedent(script), *arguments],
        capture_output=True,
        text=True,
        timeout=seconds,
        env=surroundings,
        check=False,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def must_run(script: str, *arguments: str, flags: tuple[str, ...] = ()) -> str:
    """What the script printed; it fails the test if it failed."""
    ended = run(script, *arguments, flags=flags)
    assert ended.code == 0, ended.err
    return ended.out.strip()
