"""The locks of tests that measure time: who may run with whom, and nobody starves."""

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


def begin(folder: Path, *, timed: bool) -> tuple[threading.Thread, threading.Event]:
    """Somebody who waits for a turn and ends it at once; the event says that it came."""
    came = threading.Event()

    def work() -> None:
        with turns(folder) as own, own.take(timed=timed):
            came.set()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread, came


@pytest.mark.parametrize("timed", [True, False])
def test_one_room_waits_for_the_other(tmp_path: Path, timed: bool) -> None:
    with turns(tmp_path) as own:
        with own.take(timed=timed):
            thread, came = begin(tmp_path, timed=not timed)
            assert not came.wait(0.05)
        thread.join(10)
        assert came.is_set()


@pytest.mark.parametrize("timed", [True, False])
def test_those_of_a_room_are_together(tmp_path: Path, timed: bool) -> None:
    with turns(tmp_path) as own, own.take(timed=timed):
        thread, came = begin(tmp_path, timed=timed)
        thread.join(10)
        assert came.is_set()


@pytest.mark.parametrize("timed", [True, False])
def test_a_failure_ends_the_turn(tmp_path: Path, timed: bool) -> None:
    with turns(tmp_path) as own:
        with pytest.raises(ZeroDivisionError), own.take(timed=timed):
            _ = 1 / 0
        thread, came = begin(tmp_path, timed=not timed)
        thread.join(10)
        assert came.is_set()


def test_who_measures_time_does_not_starve(tmp_path: Path) -> None:
    over = threading.Event()

    def again_and_again() -> None:
        with turns(tmp_path) as own:
            while not over.is_set():
                with own.take(timed=False):
                    over.wait(0.02)

    others = [threading.Thread(target=again_and_again, daemon=True) for _ in range(5)]
    for other in others:
        other.start()
    try:
        thread, came = begin(tmp_path, timed=True)
        thread.join(5)
        assert came.is_set()
    finally:
        over.set()
        for other in others:
            other.join(10)
