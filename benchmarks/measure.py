"""How figures are taken and shown: medians of call-by-call ratios to bare httpx."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One measured figure and the bar it has to stay under."""

    name: str
    measured: float
    bar: float | None
    unit: str = "x"

    def row(self) -> str:
        """A line of a Markdown table."""
        bar = "" if self.bar is None else f"<= {self.bar:g} {self.unit}"
        return f"| {self.name} | {self.measured:.2f} {self.unit} | {bar} |"

    def fails(self, factor: float) -> bool:
        """Whether the figure is above `factor` times its bar."""
        return self.bar is not None and self.measured > self.bar * factor


def show(title: str, figures: list[Figure]) -> list[Figure]:
    """Prints a table, and hands the figures on."""
    print(f"\n### {title}\n\n| what | measured | bar |\n| --- | --- | --- |")
    for figure in figures:
        print(figure.row())
    return figures


def ratios(
    bare: Callable[[], object], others: Mapping[str, Callable[[], object]], rounds: int
) -> dict[str, float]:
    """The median of each call's time over that of the bare call before it."""
    for _ in range(20):
        bare()
        for call in others.values():
            call()
    gc.collect()
    taken: dict[str, list[float]] = {name: [] for name in others}
    for _ in range(rounds):
        base = _seconds(bare)
        for name, call in others.items():
            taken[name].append(_seconds(call) / base)
    return {name: statistics.median(values) for name, values in taken.items()}


def _seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


async def seconds_of(call: Callable[[], Awaitable[object]]) -> float:
    """The wall time of one awaited call."""
    start = time.perf_counter()
    await call()
    return time.perf_counter() - start
