"""The lock of tests that measure time: alone is alone, together is together, and nobody starves."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from .turns import Turns

pytest.importorskip("fcntl")


@contextmanager
def turns(folder: Path) -> Iterator[Turns]:
    """As another process has it: its files are opened anew."""
    made = Turns(folder)
    try:
        yield made
    finally:
        made.close()


def begin(folder: Path, *, alone: bool) -> tuple[threading.Thread, threading.Event]:
    """Somebody who waits for a turn and ends it at once; the event says that it came."""
    came = threading.Event()

    def work() -> None:
        with turns(folder) as own, own.take(alone=alone):
            came.set()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread, came


@pytest.mark.parametrize(("first", "second"), [(True, True), (True, False), (False, True)])
def test_alone_is_alone(tmp_path: Path, first: bool, second: bool) -> None:
    with turns(tmp_path) as own:
        with own.take(alone=first):
            thread, came = begin(tmp_path, alone=second)
            assert not came.wait(0.05)
        thread.join(10)
        assert came.is_set()


def test_others_are_together(tmp_path: Path) -> None:
    with turns(tmp_path) as own, own.take(alone=False):
        thread, came = begin(tmp_path, alone=False)
        thread.join(10)
        assert came.is_set()


def test_a_failure_ends_the_turn(tmp_path: Path) -> None:
    with turns(tmp_path) as own:
        with pytest.raises(ZeroDivisionError), own.take(alone=True):
            _ = 1 / 0
        thread, came = begin(tmp_path, alone=True)
        thread.join(10)
        assert came.is_set()


def test_who_wants_to_be_alone_does_not_starve(tmp_path: Path) -> None:
    over = threading.Event()

    def again_and_again() -> None:
        with turns(tmp_path) as own:
            while not over.is_set():
                with own.take(alone=False):
                    over.wait(0.02)

    others = [threading.Thread(target=again_and_again, daemon=True) for _ in range(5)]
    for other in others:
        other.start()
    try:
        thread, came = begin(tmp_path, alone=True)
        thread.join(5)
        assert came.is_set()
    finally:
        over.set()
        for other in others:
            other.join(10)
