"""A guard for other interpreters: whoever looks up or calls another machine is told on, and fails.

Frameworks report usage or fetch files behind one's back; an example must not.
"""

from __future__ import annotations

from pathlib import Path

# Written to stderr too, as code that reports usage keeps its failures to itself.
_GUARD = """
import os
import sys

HERE = {"127.0.0.1", "::1", "localhost", "", "0.0.0.0", None}


def refuse_strangers(event, arguments):
    if event in ("socket.connect", "socket.sendto"):
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) else None
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = arguments[0]
    else:
        return
    host = host.decode() if isinstance(host, bytes) else host
    if host not in HERE:
        os.write(2, f"{event}: {host}\\n".encode())
        raise PermissionError(f"{event}: {host}")


sys.addaudithook(refuse_strangers)
"""


def guard(folder: Path) -> Path:
    """A folder for PYTHONPATH that puts interpreters under the guard."""
    place = folder / "guard"
    place.mkdir()
    (place / "sitecustomize.py").write_text(_GUARD, encoding="utf-8")
    return place
