"""A reranker that tells how far it is, and the bar that shows it on a terminal's stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager

import httpx

from ..net import Blocking, run_blocking
from ..net.clients import Clients
from ..ranking import Ranking
from ..reranker import Reranker
from ..settings import STRICT
from ..wire.messages import Answer, Request


class _Counting(Blocking):
    """`Blocking`, counting the documents of good answers; the flow itself stays as it is."""

    def __init__(
        self, clients: Clients, own: httpx.Client | None, answered: Callable[[int], None]
    ) -> None:
        super().__init__(clients, own)
        self._answered = answered

    async def send(self, request: Request, budget: float) -> Answer:
        answer = await super().send(request, budget)
        if 200 <= answer.status < 300:
            self._answered(len(json.loads(request.body)["documents"]))
        return answer


class ReportingReranker(Reranker):
    """A `Reranker` whose calls can be watched."""

    model_config = STRICT

    def rerank_watched(
        self,
        query: str,
        documents: Iterable[str | Mapping[str, object]],
        answered: Callable[[int], None],
    ) -> Ranking:
        """`rerank`, calling `answered` (from several threads) with each answer's documents."""
        port = _Counting(self._state.clients, self.http_client, answered)
        return run_blocking(self._call(port, query, documents, self.top_n, self.score_threshold))


@contextmanager
def progress_bar(total: int, what: str, *, wanted: bool) -> Iterator[Callable[[int], None]]:
    """A bar over so many things, with the time left; gives the function that counts some as done.

    Nothing is shown where stderr is not a terminal.
    """
    if not wanted or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    with Progress(
        BarColumn(),
        MofNCompleteColumn(),
        what,
        TimeElapsedColumn(),
        "left",
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as progress:
        task = progress.add_task("", total=total)
        yield lambda done: progress.advance(task, done)
