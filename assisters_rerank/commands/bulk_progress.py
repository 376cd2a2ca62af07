"""How far a bulk run is: a bar on a terminal, else a line every 30 s, both on stderr."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ..bulk.outcome import BulkProgress
from ..usage import dollars

# Of runs that nobody watches, logs have a line after so many seconds.
_EVERY = 30.0


def facts(progress: BulkProgress) -> str:
    """What is to be said next to the number of queries."""
    said = [f"{progress.pairs_per_second:,.0f} pairs a second"]
    if progress.cost is not None:
        said.append(dollars(progress.cost))
        if progress.projected_cost is not None:
            said[-1] += f" of about {dollars(progress.projected_cost)}"
    if progress.waiting is not None:
        said.append(f"waiting for {progress.waiting}")
    if progress.failed:
        said.append(f"{progress.failed:,} failed")
    if progress.resumed:
        said.append(f"{progress.resumed:,} known from before")
    return ", ".join(said)


@contextmanager
def shown(*, wanted: bool) -> Iterator[Callable[[BulkProgress], None]]:
    """Gives what takes the progress of a run, and shows it."""
    if not wanted:
        yield lambda _: None
    elif not sys.stderr.isatty():
        yield _Lines()
    else:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        with Progress(
            BarColumn(20),
            # One text, of which a narrow terminal cuts the end: the number comes first.
            TextColumn("{task.completed:,}/{task.total:,} queries, {task.fields[facts]}"),
            console=Console(stderr=True),
            transient=True,
        ) as bar:
            task = bar.add_task("", total=0, facts="", visible=False)

            def update(progress: BulkProgress) -> None:
                done = progress.done + progress.failed
                bar.update(
                    task,
                    completed=done,
                    total=progress.queries,
                    facts=facts(progress),
                    visible=True,
                )

            yield update


class _Lines:
    """Writes a line now and then."""

    def __init__(self) -> None:
        self._next = _EVERY

    def __call__(self, progress: BulkProgress) -> None:
        if progress.seconds >= self._next:
            self._next = progress.seconds + _EVERY
            done = f"{progress.done:,} of {progress.queries:,} queries"
            sys.stderr.write(f"assisters-rerank: {done}, {facts(progress)}\n")
            sys.stderr.flush()
