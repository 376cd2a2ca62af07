"""`rerank_file` and its async twin: from a file of queries to a file of rankings."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from os import PathLike
from pathlib import Path

import anyio
from anyio import to_thread

from ..errors import ConfigurationError
from ..options.rerank_options import RerankOptions
from ..reranker import Reranker
from ..wire.address import short_form, shown
from .bulk_run import GRACE, BulkRun
from .journal import Journal
from .outcome import BulkProgress, BulkReport
from .source import Queries, opened
from .target import check_apart, check_names, check_target

Progress = Callable[[BulkProgress], None]

# Options that change how fast, how often and at what price is asked, and no score. `base_url`
# stands in the journal in another form.
_NO_SCORE = {
    "async_transport",
    "base_url",
    "max_concurrency",
    "max_documents_per_request",
    "max_retries",
    "on_error",
    "passthrough_after",
    "prices",
    "requests_per_minute",
    "timeout",
    "tokens_per_minute",
}


def rerank_file(
    source: str | PathLike[str],
    target: str | PathLike[str],
    reranker: Reranker,
    *,
    concurrency: int = 16,
    max_cost: float | None = None,
    limit: int | None = None,
    collection: str | PathLike[str] | None = None,
    progress: Progress | None = None,
) -> BulkReport:
    """Reranks every query of a file, and pays for none twice, however often a run is broken off.

    What was paid for is kept in `TARGET.part`. The same call goes on from there: it asks only for
    the queries that were under way, failed, or have changed. Works inside a running event loop
    too. Ctrl-C waits for 3 s for what is under way, and keeps it.

    Args:
        source: a parquet file or a folder of them, JSONL, or a TREC run; see the page on bulk runs.
        target: .parquet, .jsonl, .run or .trec. It is there only once it is complete.
        reranker: its options hold for each query; `timeout` begins when a query's turn comes.
        concurrency: queries under way at once.
        max_cost: dollars for the whole target, earlier runs included; the run stops before more is
            spent, by estimated tokens.
        limit: only so many of the first queries; a later call without it goes on.
        collection: of a TREC run: the folder in BEIR's layout that it is about.
        progress: called some times a second, from a thread of the run; it must be quick.

    Returns:
        What was done. Queries that failed are in `report.errors`; the same call asks for them
        again.

    Raises:
        ConfigurationError: an impossible argument, or an unusable source, before any request.
        BulkStopped: the service is down, `max_cost` is reached, or a file cannot be written.
        AssistersError: what concerns all queries: the key, a used-up quota, answers that break the
            contract, two answering models, a refusal of the first request.
    """
    return run_to_end(
        prepared(source, target, reranker, concurrency, max_cost, limit, collection, progress)
    )


def run_to_end(run: BulkRun) -> BulkReport:
    """The run in a thread with an event loop of its own; see `rerank_file`."""
    outcome: list[BulkReport | BaseException] = []
    stop = _Stop()

    def work() -> None:
        try:
            outcome.append(asyncio.run(stop.watched(run)))
        except BaseException as error:
            outcome.append(error)
        finally:
            ended.set()

    # Not `thread.join`: when a signal interrupts it, some Pythons take the thread for ended.
    ended = threading.Event()
    thread = threading.Thread(target=work, name="rerank-bulk", daemon=True)
    thread.start()
    try:
        while not ended.wait(1.0):  # Windows handles Ctrl-C only between waits
            pass
    except BaseException:
        stop()
        ended.wait(GRACE + 1.0)
        raise
    result = outcome[0]
    if isinstance(result, BaseException):
        raise result
    return result


async def arerank_file(
    source: str | PathLike[str],
    target: str | PathLike[str],
    reranker: Reranker,
    *,
    concurrency: int = 16,
    max_cost: float | None = None,
    limit: int | None = None,
    collection: str | PathLike[str] | None = None,
    progress: Progress | None = None,
) -> BulkReport:
    """`rerank_file` for asyncio and trio: the same arguments, results and errors.

    A cancellation ends it at once: what is under way is paid for again.
    """
    given = source, target, reranker, concurrency, max_cost, limit, collection, progress
    made: list[BulkRun] = []
    is_gone = threading.Event()

    def prepare() -> None:
        made.append(prepared(*given))
        if is_gone.is_set():
            made[0].close()

    try:
        await to_thread.run_sync(prepare)
    except BaseException:
        # The thread may go on when a task is cancelled, and nobody takes what it prepares.
        is_gone.set()
        for run in made:
            run.close()
        raise
    return await made[0].run()


class _Stop:
    """Tells a run in another thread's event loop to stop."""

    def __init__(self) -> None:
        self._run: tuple[asyncio.AbstractEventLoop, BulkRun] | None = None
        self._wanted = False

    async def watched(self, run: BulkRun) -> BulkReport:
        """The run, which can be stopped from now on."""
        self._run = asyncio.get_running_loop(), run
        if self._wanted:
            run.stop()
        try:
            return await run.run()
        finally:  # the loop is ours; of a caller's loop others may use the connections
            with anyio.CancelScope(shield=True), anyio.move_on_after(GRACE):
                await run.reranker._state.clients.aclose()

    def __call__(self) -> None:
        self._wanted = True
        if self._run is not None:
            loop, run = self._run
            stopping = _stopping(run)
            try:
                asyncio.run_coroutine_threadsafe(stopping, loop)
            except RuntimeError:  # it has ended meanwhile
                stopping.close()


async def _stopping(run: BulkRun) -> None:
    run.stop()


def prepared(
    source: str | PathLike[str],
    target: str | PathLike[str],
    reranker: Reranker,
    concurrency: int,
    max_cost: float | None,
    limit: int | None,
    collection: str | PathLike[str] | None,
    progress: Progress | None,
    address: str | None = None,
) -> BulkRun:
    """The run with everything checked that can be before a request, and its journal open.

    `address` is how the journal calls the server, if that has another one at each run.
    """
    for name, number in (("concurrency", concurrency), ("limit", limit)):
        if number is not None and not number >= 1:
            raise ConfigurationError(f"{name}: give at least 1, not {number}.")
    if max_cost is not None and not max_cost >= 0:
        raise ConfigurationError(f"max_cost: give dollars, 0 or more, not {max_cost:g}.")
    if reranker.on_error == "passthrough":
        raise ConfigurationError(
            "on_error: documents without scores are no result of a bulk run; leave 'passthrough' "
            "out. What fails is asked for again by the next call."
        )
    reranker.resolve_api_key()
    into = Path(target)
    if into.is_symlink():  # else the file would take the place of the link
        into = into.resolve()
    check_target(into)
    found = opened(Path(source), None if collection is None else Path(collection))
    check_apart(into, Path(source), found.files)
    queries = Queries(found, limit)
    journal = Journal(into.with_name(into.name + ".part"), about(reranker, address))
    try:
        if journal.is_empty and into.exists():
            raise ConfigurationError(
                f"{into} is there already; delete it, or choose another target."
            )
        queries.check()
        check_names(into, queries.rows())
        return BulkRun(queries, into, journal, reranker, concurrency, max_cost, progress)
    except BaseException:
        journal.close()
        raise


def about(reranker: Reranker, address: str | None = None) -> Mapping[str, object]:
    """What a journal's first line says: what its scores depend on."""
    fields = RerankOptions.model_fields
    left_out = _NO_SCORE | {name for name, field in fields.items() if field.exclude}
    options = reranker.model_dump(mode="json", include=fields.keys() - left_out)
    counter = reranker.count_tokens
    return {
        "format": 1,
        "address": address or shown(short_form(reranker.base_url)),
        **options,
        "count_tokens": None if counter is None else getattr(counter, "__qualname__", "a function"),
    }
