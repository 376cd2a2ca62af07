"""`BatchReranker`: tables in, tables out, for the engines that distribute work."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from typing import Any

import pyarrow as pa

from ..errors import ConfigurationError
from ..ranking import Ranking
from ..reranker import Reranker
from .query_rows import as_id, row, values

Factory = Callable[[], Reranker]

COLUMNS: Any = pa.schema(
    [
        ("query_id", pa.string()),
        ("doc_ids", pa.list_(pa.string())),
        ("scores", pa.list_(pa.float64())),
        ("model", pa.string()),
        ("error", pa.string()),
    ]
)
"""What comes out, a row for each query: documents' ids and scores, the best first."""


class BatchReranker:
    """Reranks tables of queries: `pa.Table -> pa.Table`, in whatever process it is called.

    A row that comes in has `query_id`, `query`, `documents` and perhaps `doc_ids`; what goes out is
    in `COLUMNS`. A query that fails has its failure in `error`: an exception would cost
    most engines the whole job, which is then paid for again.

    It can be pickled. Its reranker is made in the worker, at the first table; its connections and
    its bound of queries under way hold for all threads that call it. A call waits for its turn for
    as long as that takes.

    Args:
        reranker_factory: makes the reranker: a function of a module, or of the main program where
            the engine pickles these. A reranker itself, if it has no key and no live object: the
            key then comes from the worker's environment.
        concurrency: queries under way at once, however many tables there are.

    Raises:
        ConfigurationError: a reranker would lose something on its way; or `concurrency` is below 1.
    """

    def __init__(self, reranker_factory: Factory | Reranker, *, concurrency: int = 16) -> None:
        if not concurrency >= 1:
            raise ConfigurationError(f"concurrency: give at least 1, not {concurrency}.")
        if isinstance(reranker_factory, Reranker):
            _check_nothing_is_lost(reranker_factory)
        elif not callable(reranker_factory):
            raise ConfigurationError("reranker_factory: give a function that makes a Reranker.")
        self._factory = reranker_factory
        self._concurrency = concurrency
        self._start_anew()

    def _start_anew(self) -> None:
        self._lock = threading.Lock()
        self._working: _Working | None = None

    def __call__(self, table: Any) -> Any:
        """The rankings of a table (or record batch) of queries, in its order.

        Raises:
            ConfigurationError: a column is missing.
        """
        return self.submit(table).result()

    def submit(self, table: Any) -> Future[Any]:
        """The same, without waiting for it."""
        names = table.schema.names
        for name in ("query_id", "query", "documents"):
            if name not in names:
                raise ConfigurationError(f"The table has no column {name}; it has: {names}.")
        with self._lock:
            if self._working is None:
                self._working = _Working(self._factory, self._concurrency)
        return self._working.submit(table)

    def __getstate__(self) -> Mapping[str, object]:
        return {"_factory": self._factory, "_concurrency": self._concurrency}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        self.__dict__.update(state)
        self._start_anew()


class _Working:
    """A reranker, and an event loop in a thread of its own, for as long as the process lives."""

    def __init__(self, factory: Factory | Reranker, concurrency: int) -> None:
        self._reranker = factory if isinstance(factory, Reranker) else factory()
        self._seats = asyncio.Semaphore(concurrency)
        self._turn = asyncio.Lock()
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="rerank-batches", daemon=True).start()

    def submit(self, table: Any) -> Future[Any]:
        return asyncio.run_coroutine_threadsafe(self._ranked(table), self._loop)

    async def _ranked(self, table: Any) -> Any:
        rows = _rows(table)
        found: list[dict[str, object]] = [{}] * table.num_rows

        async def work(place: int, cells: tuple[object, object, object, object]) -> None:
            found[place] = await self._row(*cells)

        # One table after the other, so that few are half done when the worker is killed.
        async with asyncio.TaskGroup() as group, self._turn:
            for place, cells in enumerate(rows):
                await self._seats.acquire()
                task = group.create_task(work(place, cells))
                task.add_done_callback(lambda _: self._seats.release())
        return pa.Table.from_pylist(found, COLUMNS)

    async def _row(
        self, query_id: object, query: object, documents: object, doc_ids: object
    ) -> dict[str, object]:
        try:
            asked = row("the row", as_id(query_id, "the row"), query, documents, doc_ids)
            ranking = await self._reranker._arerank_patiently(asked.query, asked.documents)
        except Exception as error:  # whatever it is, the other queries are not to be lost
            failed = f"{type(error).__name__}: {error}"
            is_known = query_id is not None and not isinstance(query_id, Exception)
            return {"query_id": str(query_id) if is_known else None, "error": failed}
        return {
            "query_id": asked.query_id,
            "doc_ids": [asked.doc_ids[ranked.index] for ranked in ranking],
            "scores": [ranked.relevance_score for ranked in ranking],
            "model": ranking.model,
            "error": _degraded(ranking),
        }


def _degraded(ranking: Ranking) -> str | None:
    """With `on_error="passthrough"`: documents without scores are a failure, too."""
    return f"without scores: {ranking.degraded_reason}" if ranking.degraded else None


def _rows(table: Any) -> Iterator[tuple[object, object, object, object]]:
    names = table.schema.names
    columns = [
        values(table.column(names.index(name))) if name in names else [None] * table.num_rows
        for name in ("query_id", "query", "documents", "doc_ids")
    ]
    return zip(*columns, strict=True)


def _check_nothing_is_lost(reranker: Reranker) -> None:
    lost = sorted(
        name
        for name, field in type(reranker).model_fields.items()
        if field.exclude and reranker._is_given(name) and not reranker._is_pickled(name)
    )
    if lost:
        raise ConfigurationError(
            f"reranker_factory: this reranker has {' and '.join(lost)}, which stay behind when it "
            "is sent to a worker; give a function that makes it there. A key is best left to the "
            "worker's variable ASSISTERS_API_KEY."
        )
