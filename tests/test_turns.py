"""The locks of tests that measure time: who may run with whom, and nobody starves."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path

import pytest

from .turns import Turn, Turns

pytest.importorskip("fcntl")

TOGETHER = {(Turn.TOGETHER, Turn.TOGETHER), (Turn.TIMED, Turn.TIMED)}


@contextmanager
def turns(folder: Path) -> Iterator[Turns]:
    """As another process has it: its files are opened anew."""
    made = Turns(folder)
    try:
        yield made
    finally:
        made.close()


def begin(folder: Path, turn: Turn) -> tuple[threading.Thread, threading.Event]:
    """Somebody who waits for a turn and ends it at once; the event says that it came."""
    came = threading.Event()

    def work() -> None:
        with turns(folder) as own, own.take(turn):
            came.set()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread, came


@pytest.mark.parametrize(("first", "second"), sorted(set(product(Turn, Turn)) - TOGETHER))
def test_who_waits_for_whom(tmp_path: Path, first: Turn, second: Turn) -> None:
    with turns(tmp_path) as own:
        with own.take(first):
            thread, came = begin(tmp_path, second)
            assert not came.wait(0.05)
        thread.join(10)
        assert came.is_set()


@pytest.mark.parametrize("turn", [Turn.TOGETHER, Turn.TIMED])
def test_who_is_together(tmp_path: Path, turn: Turn) -> None:
    with turns(tmp_path) as own, own.take(turn):
        thread, came = begin(tmp_path, turn)
        thread.join(10)
        assert came.is_set()


@pytest.mark.parametrize("turn", Turn)
def test_a_failure_ends_the_turn(tmp_path: Path, turn: Turn) -> None:
    with turns(tmp_path) as own:
        with pytest.raises(ZeroDivisionError), own.take(turn):
            _ = 1 / 0
        thread, came = begin(tmp_path, Turn.ALONE)
        thread.join(10)
        assert came.is_set()


@pytest.mark.parametrize("turn", [Turn.ALONE, Turn.TIMED])
def test_who_measures_time_does_not_starve(tmp_path: Path, turn: Turn) -> None:
    over = threading.Event()

    def again_and_again() -> None:
        with turns(tmp_path) as own:
            while not over.is_set():
                with own.take(Turn.TOGETHER):
                    over.wait(0.02)

    others = [threading.Thread(target=again_and_again, daemon=True) for _ in range(5)]
    for other in others:
        other.start()
    try:
        thread, came = begin(tmp_path, turn)
        thread.join(5)
        assert came.is_set()
    finally:
        over.set()
        for other in others:
            other.join(10)
