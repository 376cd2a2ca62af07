"""`assisters-rerank serve` in a process of its own, as a user starts it."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from .surroundings import environment_without_proxies

COMMAND = (
    sys.executable,
    "-X",
    "utf8",
    "-c",
    "from assisters_rerank.commands.main import main; main()",
)


@dataclass
class Served:
    """A running server: what it printed so far, and where it answers."""

    process: subprocess.Popen[str]
    greeting: list[str]
    base_url: str

    def end(self, how: signal.Signals = signal.SIGINT) -> tuple[int, str, str]:
        """Its exit code, and what it printed after the greeting to stdout and to stderr."""
        self.process.send_signal(how)
        out, err = self.process.communicate(timeout=20)
        return self.process.returncode, out, err


@contextmanager
def serving(*arguments: str, **environment: str) -> Iterator[Served]:
    """`assisters-rerank serve` with these arguments, on a free port whatever they say."""
    process = subprocess.Popen(
        [*COMMAND, "serve", *arguments, "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=_environment(environment),
    )
    try:
        assert process.stdout is not None
        greeting = [process.stdout.readline().rstrip("\n") for _ in range(2)]
        found = re.search(r"at (http://\S+/v1)", greeting[0])
        if found is None:
            raise AssertionError(f"{greeting}, {process.communicate(timeout=20)}")
        yield Served(process, greeting, found[1])
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def run_command(arguments: Sequence[str], **environment: str) -> subprocess.CompletedProcess[str]:
    """A call of `assisters-rerank` that ends by itself."""
    return subprocess.run(
        [*COMMAND, *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        env=_environment(environment),
        check=False,
    )


def _environment(changes: dict[str, str]) -> dict[str, str]:
    kept = {
        name: value
        for name, value in environment_without_proxies().items()
        if not name.startswith("ASSISTERS_")
    }
    # Wide enough that no line is folded, and no colours, whatever runs the tests.
    return {**kept, "COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb", **changes}
