"""Goes through a page as its reader does: commands and code in their order, and what they show.

    python run_in_order.py steps.json

A step is `code` or a `command`, and what is `shown` after it, or null. All code shares its names;
commands share the folder, what was exported, and the servers that they start. Needs only Python.
"""

from __future__ import annotations

import io
import json
import os
import re
import socket
import subprocess
import sys
import time
from contextlib import redirect_stdout
from pathlib import Path

# Nobody's measurement comes out alike twice.
TIME = re.compile(r"\b\d[\d.,]*(?= (?:ms|s|a second)\b)")
# A port of a page may be taken on this machine.
PORT = re.compile(r"(?<=serve --port )\d+")
# A line like this stands for lines that are not shown.
LEFT_OUT = re.compile(r"^…$", re.MULTILINE)


def differs(shown: str, printed: str) -> bool:
    """Whether something else was printed than is shown, wherever its lines end."""
    parts = [_words(part) for part in LEFT_OUT.split(shown)]
    return not re.fullmatch(".+".join(map(re.escape, parts)), _words(printed), re.DOTALL)


def _words(text: str) -> str:
    return " ".join(["", *TIME.sub("#", text).split(), ""])


def main(path: Path) -> int:
    """Runs the steps; the exit code says whether each showed what the page shows."""
    text = path.read_text(encoding="utf-8")
    if port := PORT.search(text):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            text = re.sub(rf"\b{port[0]}\b", str(free.getsockname()[1]), text)
    names: dict[str, object] = {"__name__": "__main__"}
    servers: list[subprocess.Popen[str]] = []
    try:
        for step in json.loads(text):
            began = time.monotonic()
            printed = _code(step["code"], names) if "code" in step else _command(step, servers)
            took = time.monotonic() - began
            print(f"{took:6.1f} s  {str(step.get('code') or step['command']).splitlines()[0]}")
            if step["shown"] is not None and differs(step["shown"], printed):
                print(f"It shows\n{step['shown']}\nand prints\n{printed}", file=sys.stderr)
                return 1
    finally:
        for server in servers:
            server.terminate()
            server.wait()
    return 0


def _code(code: str, names: dict[str, object]) -> str:
    with redirect_stdout(io.StringIO()) as printed:
        exec(compile(code, "<page>", "exec", dont_inherit=True), names)
    return printed.getvalue()


def _command(step: dict[str, str], servers: list[subprocess.Popen[str]]) -> str:
    command = step["command"]
    if command.startswith("export "):
        name, _, value = command.removeprefix("export ").partition("=")
        os.environ[name] = value
        return ""
    if " serve " in command:  # it runs until the page is at its end
        server = subprocess.Popen(
            command.split(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        servers.append(server)
        assert server.stdout
        return server.stdout.readline()
    done = subprocess.run(
        command,
        shell=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{command} ends with {done.returncode}:\n{done.stdout}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
