"""Where sockets connect to, and how they notice that their peer is gone.

A peer that is gone looks like a slow answer otherwise.

While an answer is waited for or a connection is idle, the system probes the peer, and what was sent
has to be acknowledged in time. A peer whose system runs does both, however slow its program is.
"""

from __future__ import annotations

import contextlib
import socket
from functools import cache
from typing import Any

Option = tuple[int, int, int]

SMALL = 3 * 2**14
"""Bytes of a body that fit into any usual receive buffer (64 KB and more), with all around them.

Linux's limit on unacknowledged data also counts data that the peer has no room for. So a server
that is too busy to read a larger request would be cut off, and asked again.
"""

_IDLE, _BETWEEN, _PROBES = 2, 1, 3
_SILENT = _IDLE + _BETWEEN * _PROBES

_PROBING = {
    "TCP_KEEPIDLE": _IDLE,
    "TCP_KEEPALIVE": _IDLE,  # macOS's name for it
    "TCP_KEEPINTVL": _BETWEEN,
    "TCP_KEEPCNT": _PROBES,
}
_ACKNOWLEDGED = {"TCP_USER_TIMEOUT": 1000 * _SILENT}


@cache
def options(*, small: bool) -> tuple[Option, ...]:
    """What this system takes of them, for a request with a `SMALL` body or a larger one."""
    named = _PROBING | (_ACKNOWLEDGED if small else dict.fromkeys(_ACKNOWLEDGED, 0))
    wanted = [
        (socket.IPPROTO_TCP, getattr(socket, name), value)
        for name, value in named.items()
        if hasattr(socket, name)
    ]
    taken = []
    with socket.socket() as trial:
        for option in [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1), *wanted]:
            with contextlib.suppress(OSError):
                trial.setsockopt(*option)
                taken.append(option)
    return tuple(taken)


def notice(connected: Any, *, small: bool) -> None:
    """Has a connected socket notice, while a request of this size goes over it."""
    with contextlib.suppress(OSError):  # it is broken already, as who uses it will be told
        for option in options(small=small):
            connected.setsockopt(*option)


def plain(host: str) -> str:
    """The host as systems read it: the zone of an IPv6 address as a number, not by its name.

    Addresses of the web have %25 before a zone (RFC 6874).

    Raises:
        OSError: this machine has no such zone.
    """
    address, _, zone = host.partition("%")
    if not zone or ":" not in address:  # in a name, a percent sign is a mistake
        return host
    return f"{address}%{_number_of(zone.removeprefix('25') or zone)}"


def numbered(address: tuple[Any, ...]) -> tuple[Any, ...]:
    """A socket's address, as systems give it, with the zone where it belongs.

    Where it is a part of the host, event loops look the host up, in threads that are not ours.

    Raises:
        OSError: this machine has no such zone.
    """
    host, _, zone = address[0].partition("%")
    return (host, *address[1:3], _number_of(zone)) if zone and ":" in host else address


def _number_of(zone: str) -> int:
    if zone.isdecimal():
        return int(zone)
    numbers = {name: number for number, name in socket.if_nameindex()}
    if zone not in numbers:
        raise OSError(f"this machine has no network interface {zone}")
    return numbers[zone]
