"""A server in a process of its own, in which little is left of memory and file descriptors."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .surroundings import environment_without_proxies

# It serves, and does as the lines say that it reads: `fill` opens files until there is no
# descriptor left, `empty` closes them.
_SCRIPT = """
import os, resource, sys
descriptors = int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))
from assisters_rerank.local import LocalServer
with LocalServer(scorer="lexical") as server:
    print(server.base_url, flush=True)
    taken = []
    for line in sys.stdin:
        if line == "fill\\n":
            try:
                while True:
                    taken.append(os.open(os.devnull, os.O_RDONLY))
            except OSError:
                pass
        while line == "empty\\n" and taken:
            os.close(taken.pop())
        print("done", flush=True)
"""


@dataclass
class Child:
    """A server in another process."""

    base_url: str
    process: subprocess.Popen[str]

    def megabytes(self) -> float:
        """The memory that it uses now."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1_000_000

    def tell(self, command: str) -> None:
        """Has it do something, and waits for it."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{command}\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "done\n"

    def end(self) -> str:
        """What it wrote to stderr."""
        _, errors = self.process.communicate(timeout=20)
        assert self.process.returncode == 0
        return errors


@contextmanager
def child(descriptors: int) -> Iterator[Child]:
    """A running server whose process may open so many files."""
    process = subprocess.Popen(
        [sys.executable, "-c", _SCRIPT, str(descriptors)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment_without_proxies(),
    )
    try:
        assert process.stdout is not None
        yield Child(process.stdout.readline().strip(), process)
    finally:
        process.kill()
        process.communicate()
