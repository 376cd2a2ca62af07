"""Axes: a range of values to a range of places, and round values to write along it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scale:
    """A linear axis.

    Attributes:
        low: the value at `start`.
        high: the value at `end`; more than `low`.
        start: where the axis begins, in units of the drawing.
        end: where it ends; less than `start` if it rises.
        ticks: round values within, each with how it is written.
    """

    low: float
    high: float
    start: float
    end: float
    ticks: Sequence[tuple[float, str]]

    def __call__(self, value: float) -> float:
        """Where a value is."""
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


def scale(
    values: Iterable[float], start: float, end: float, *, ticks: int = 5, tight: bool = False
) -> Scale:
    """An axis that holds all values, from one round value to another.

    Args:
        values: at least one.
        start: where the axis begins.
        end: where it ends.
        ticks: about how many values are written along it.
        tight: it begins and ends with the values themselves.
    """
    found = list(values)
    low, high = min(found), max(found)
    if high - low <= 1e-9 * max(1.0, abs(low), abs(high)):
        around = abs(low) / 10 or 0.5
        # Nothing costs or lasts less than nothing.
        low, high, tight = low - around if low else 0.0, high + around, False
    step = _round_step((high - low) / max(ticks - 1, 1))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    written = [(i * step, _written(i * step, step)) for i in range(first, last + 1)]
    if tight:
        inside = [(value, text) for value, text in written if low <= value <= high]
        return Scale(low, high, start, end, inside)
    return Scale(first * step, last * step, start, end, written)


def _round_step(step: float) -> float:
    """The next of 1, 2, 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(m * power for m in (1, 2, 5, 10) if m * power >= step * (1 - 1e-9))


def _written(value: float, step: float) -> str:
    if abs(value) >= 1e6 or step < 1e-6:
        return f"{value:.3g}"
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    return f"{value + 0.0:,.{decimals}f}"
