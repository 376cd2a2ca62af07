"""Ctrl-C at any moment: exit code 130, and no traceback."""

from __future__ import annotations

import os
import signal
import sys

CODE = 130
TERMINATED = 143


def _end(*_: object) -> object:
    os._exit(CODE)


def end_at_once() -> None:
    """From now on Ctrl-C ends the process at once: before the work begins and after its end.

    In the middle of an import, or of the interpreter's own end, an exception may be lost or shown
    with a traceback.
    """
    _replace(signal.default_int_handler, _end)


def _replace(handler: Callable[..., object], other: Callable[..., object]) -> None:
    if signal.getsignal(signal.SIGINT) is handler:
        try:
            signal.signal(signal.SIGINT, other)
        except ValueError:  # not in the main thread
            return


if "assisters" in sys.argv[0]:  # the program itself, and nobody's tests
    end_at_once()

import _thread  # noqa: E402
import atexit  # noqa: E402
from collections.abc import Callable, Iterator  # noqa: E402
from contextlib import contextmanager  # noqa: E402


class InterruptedByUser(Exception):  # noqa: N818 - no error: Ctrl-C
    """Ctrl-C in a command; typer would keep back what the command has to say about it."""


class Terminated(BaseException):
    """SIGTERM in a command that has something to keep, and something to say."""


@contextmanager
def terminable() -> Iterator[None]:
    """Raises `Terminated` in the block when SIGTERM comes, once; a second one ends the process."""

    def handle(*_: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        raise Terminated

    try:
        before = signal.signal(signal.SIGTERM, handle)
    except ValueError:  # not in the main thread
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def raise_again() -> None:
    """From now on Ctrl-C is a `KeyboardInterrupt`, as everywhere in Python."""
    _replace(_end, signal.default_int_handler)
    atexit.register(end_at_once)


@contextmanager
def none_lost() -> Iterator[None]:
    """Raises a `KeyboardInterrupt` again that came where Python cannot hand it on (a finalizer)."""
    before = sys.unraisablehook

    def hook(lost: sys.UnraisableHookArgs) -> None:
        if issubclass(lost.exc_type, KeyboardInterrupt):
            _thread.interrupt_main()
        else:
            before(lost)

    sys.unraisablehook = hook
    try:
        yield
    finally:
        sys.unraisablehook = before


def is_behind(error: BaseException) -> bool:
    """Whether Ctrl-C is what the error came of: imports make an `ImportError` of it."""
    behind: BaseException | None = error
    while behind is not None:
        if isinstance(behind, KeyboardInterrupt | InterruptedByUser):
            return True
        behind = behind.__cause__ or behind.__context__
    return False
