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


def milliseconds(call: Callable[[], object], rounds: int) -> float:
    """The median time of a call."""
    for _ in range(20):
        call()
    return 1000 * statistics.median([_seconds(call) for _ in range(rounds)])


def ratios(
    bare: Callable[[], object], others: Mapping[str, Callable[[], object]], rounds: int
) -> dict[str, float]:
    """The median of each call's time over that of the bare call right before it."""
    for _ in range(20):
        bare()
        for call in others.values():
            call()
    gc.collect()
    taken: dict[str, list[float]] = {name: [] for name in others}
    for _ in range(rounds):
        for name, call in others.items():
            base = _seconds(bare)
            taken[name].append(_seconds(call) / base)
    return {name: statistics.median(values) for name, values in taken.items()}


async def aratios(
    bare: Callable[[], Awaitable[object]],
    others: Mapping[str, Callable[[], Awaitable[object]]],
    rounds: int,
) -> dict[str, float]:
    """`ratios` of awaited calls."""
    for _ in range(20):
        await bare()
        for call in others.values():
            await call()
    gc.collect()
    taken: dict[str, list[float]] = {name: [] for name in others}
    for _ in range(rounds):
        for name, call in others.items():
            base = await seconds_of(bare)
            taken[name].append(await seconds_of(call) / base)
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
