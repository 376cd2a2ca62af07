"""How an example is run: as its reader runs it, in a fresh interpreter and without a key."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / "examples"


def run_example(name: str, **variables: str) -> str:
    """What `examples/{name}` writes to stdout; it must succeed and write nothing to stderr.

    No ASSISTERS_ variable is set but those given.
    """
    clean = {k: v for k, v in os.environ.items() if not k.startswith("ASSISTERS_")}
    result = subprocess.run(
        [sys.executable, "-X", "utf8", str(EXAMPLES / name)],
        env=clean | variables,
        cwd=EXAMPLES.parent,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert not result.stderr, result.stderr
    return result.stdout
