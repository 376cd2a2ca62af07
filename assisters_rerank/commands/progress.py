"""A reranker that reports how far it is, and the bar that shows it on a terminal's stderr."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial

import httpx

from ..net import Blocking
from ..net.clients import Clients
from ..ranking import Ranking
from ..reranker import Reranker
from ..settings import STRICT
from ..wire.dialects import dialect_of
from ..wire.messages import Answer, Request

# A long list takes as long as it takes: what is bounded is each request.
_WHOLE_RUN = 86_400.0

# What is on its way when a run ends is paid for: it is waited for, and kept.
_WAIT_FOR_THE_LAST = 3.0


class _Counting(Blocking):
    """`Blocking`, counting the documents of good answers; `timeout` is that of each request.

    `documents` is the field of a request that holds them.
    """

    def __init__(
        self,
        answered: Callable[[int], None],
        documents: str,
        timeout: float,
        clients: Clients,
        own: httpx.Client | None,
    ) -> None:
        super().__init__(clients, own)
        self._answered = answered
        self._documents = documents
        self._timeout = timeout

    async def send(self, request: Request, budget: float) -> Answer:
        answer = await super().send(request, min(budget, self._timeout))
        if 200 <= answer.status < 300:
            self._answered(len(json.loads(request.body)[self._documents]))
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
        """`rerank`, calling `answered` (from several threads) with each answer's documents.

        `timeout` is that of each request here, however many they are.
        """
        patient = self.with_options(timeout=_WHOLE_RUN)
        counting = partial(_Counting, answered, dialect_of(self.dialect).documents, self.timeout)
        try:
            return patient._through(counting, query, documents, ..., ...)
        except BaseException:
            deadline = time.monotonic() + _WAIT_FOR_THE_LAST
            for thread in threading.enumerate():
                if thread.name == "rerank":
                    thread.join(max(0.0, deadline - time.monotonic()))
            raise


@contextmanager
def progress_bar(
    total: int, what: str, *, wanted: bool, done: int = 0
) -> Iterator[Callable[[int], None]]:
    """A bar over so many things, with the time left; gives the function that counts some as done.

    `done` of them are known from before. Nothing is shown where stderr is not a terminal.
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
        task = progress.add_task("", total=total, completed=done)
        yield lambda more: progress.advance(task, more)
