"""Runs the installed command in a process of its own, with pipes or with a terminal."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import sysconfig
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import pytest

from assisters_rerank.commands.main import main

COMMAND = Path(sysconfig.get_path("scripts")) / "assisters-rerank"

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def run(*arguments: str, stdin: str | bytes = b"") -> subprocess.CompletedProcess[str]:
    """The command between pipes."""
    data = stdin.encode() if isinstance(stdin, str) else stdin
    done = subprocess.run(
        [COMMAND, *arguments], input=data, capture_output=True, check=False, timeout=60
    )
    return subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
    )


def run_here(
    *arguments: str, stdin: bytes = b"", columns: int = 80
) -> subprocess.CompletedProcess[str]:
    """The same in this process, which has imported everything: milliseconds, and no second.

    Not for signals and terminals, nor for what a process takes with it when it ends.
    """
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="") for _ in range(2))
    with (
        patch.object(sys, "argv", [str(COMMAND), *arguments]),
        # Under `python -m pytest` click would take this for a module's run, and call it so.
        patch.object(sys.modules["__main__"], "__package__", None),
        patch.object(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8")),
        patch.dict(os.environ, COLUMNS=str(columns)),  # whatever terminal runs the tests
        redirect_stdout(out),
        redirect_stderr(err),
        pytest.raises(SystemExit) as ended,
    ):
        main()
    out.seek(0)
    err.seek(0)
    code = ended.value.code
    assert isinstance(code, int)
    return subprocess.CompletedProcess(arguments, code, out.read(), err.read())


@dataclass(frozen=True)
class Screen:
    """What a terminal was sent: as it came, and without colours and cursor movements."""

    code: int
    raw: str

    @property
    def text(self) -> str:
        return _ESCAPES.sub("", self.raw).replace("\r\n", "\n")


def run_in_terminal(*arguments: str, columns: int = 80) -> Screen:
    """The command with a terminal for all three streams; nobody types."""
    import fcntl
    import pty
    import struct
    import termios

    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    with subprocess.Popen(
        [COMMAND, *arguments],
        stdin=follower,
        stdout=follower,
        stderr=follower,
        env={**os.environ, "TERM": "xterm-256color"},
    ) as running:
        os.close(follower)
        received = b""
        while True:
            try:
                chunk = os.read(leader, 65536)
            except OSError:  # Linux's way to say that the other side is closed
                break
            if not chunk:
                break
            received += chunk
    os.close(leader)
    return Screen(running.returncode, received.decode())
