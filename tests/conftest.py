"""What holds for all tests: an environment without settings, and a Ctrl-C that works."""

from __future__ import annotations

import os
import signal

# What would change where calls go (and who pays for them), or how rich and typer write.
_VARIABLES = {
    "ASSISTERS_API_KEY",
    "ASSISTERS_BASE_URL",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "NO_COLOR",
    "FORCE_COLOR",
    "COLUMNS",
    "LINES",
    "TERM",
    "PYTHONIOENCODING",
    "TTY_COMPATIBLE",
    "TTY_INTERACTIVE",
}

# Before any fixture, of whatever scope: a developer's own key must not be used, nor paid for.
for variable in list(os.environ):
    if variable.upper() in _VARIABLES:
        del os.environ[variable]

# A run in the background ignores Ctrl-C, and so would every command that the tests start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
