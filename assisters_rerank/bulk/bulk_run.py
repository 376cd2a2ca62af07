"""One run over a file: what is not known yet is asked for, then the target is written.

A coroutine for asyncio and trio. Files are read, and the target is written, in threads.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import anyio
from anyio import to_thread

from ..errors import AssistersError, ConfigurationError
from ..evaluate.cost_limit import CostLimit
from ..net.evented import first_of
from ..ranking import Ranking
from ..reranker import Reranker
from ..usage import Usage, dollars
from .answering import Failures, ends_run
from .journal import Journal
from .outcome import BulkProgress, BulkReport, BulkStopped
from .query_rows import Row
from .source import Queries
from .target import Result, replaced

# Queries that are read at a time, ahead of those that ask for them.
_AHEAD = 64

# What is under way when a run ends is paid for: for so many seconds it is waited for, and kept.
GRACE = 3.0
_SYNC_EVERY = 1.0
_TELL_EVERY = 0.25
_RATE_OVER = 10.0  # seconds that the pairs a second are counted over


class _Asked(NamedTuple):
    row: Row
    digest: str
    price: float


class Stopped(Exception):  # noqa: N818 - no error: it was asked for
    """The run was told to stop."""


class BulkRun:
    """The parts of one run; `queries` are checked, the `journal` is open and is closed by us."""

    def __init__(
        self,
        queries: Queries,
        target: Path,
        journal: Journal,
        reranker: Reranker,
        concurrency: int,
        max_cost: float | None,
        progress: Callable[[BulkProgress], None] | None,
    ) -> None:
        self._queries = queries
        self._target = target
        self._journal = journal
        self.reranker = reranker
        self._concurrency = concurrency
        self._max_cost = max_cost
        self._progress = progress
        self._before = journal.cost
        most = None if max_cost is None else max_cost - (journal.cost or 0.0)
        self._limit = CostLimit(reranker, most)
        self._failures = Failures(target, 5 * concurrency)
        self._rows = self._unknown()
        self._ahead: deque[_Asked] = deque()
        self._reading: anyio.Lock | None = None
        self._scope: anyio.CancelScope | None = None
        self._stopped_by: BaseException | None = None
        self._under_way: dict[str, float] = {}
        self._began = time.monotonic()
        self._answered = self._resumed = self._pairs = 0
        self._usage = Usage()
        self._rate: deque[tuple[float, int]] = deque([(self._began, 0)])

    async def run(self) -> BulkReport:
        """The whole of it.

        Raises:
            AssistersError: what ended the run early.
            Stopped: `stop` did.
        """
        try:
            self._failures.begin()
            self._reading, self._scope = anyio.Lock(), anyio.CancelScope()
            async with anyio.create_task_group() as beside:
                beside.start_soon(self._sync_again_and_again)
                beside.start_soon(self._tell_again_and_again)
                with self._scope:
                    await self._ask_for_all()
                self._raise_what_stopped()
                await to_thread.run_sync(self._write_target)
                beside.cancel_scope.cancel()
            return self._report()
        except BaseExceptionGroup as several:
            raise first_of(several) from None
        finally:
            self.close()
            self._tell()

    def close(self) -> None:
        """Lets the files go: what is not run, too, keeps others from its target until then."""
        self._failures.close()
        with suppress(OSError):
            self._journal.sync()
        self._journal.close()

    def stop(self, why: BaseException | None = None) -> None:
        """Begins nothing more, waits for what is under way for some seconds; from the loop."""
        if self._stopped_by is None:
            self._stopped_by = Stopped() if why is None else why
            if self._scope is not None:
                self._scope.deadline = anyio.current_time() + GRACE

    async def _ask_for_all(self) -> None:
        # By itself: if it is refused, the others would be, too.
        while (first := await self._next()) is not None:
            # Once there was an answer, a refusal is of this query only.
            if await self._ask(first, is_first=not self._journal.models):
                break
        async with anyio.create_task_group() as group:
            for _ in range(self._concurrency):
                group.start_soon(self._work)

    async def _work(self) -> None:
        while (asked := await self._next()) is not None:
            await self._ask(asked)

    async def _next(self) -> _Asked | None:
        """The next query that is not known, and is to be asked for now."""
        if not self._ahead and self._stopped_by is None and self._reading is not None:
            async with self._reading:
                if not self._ahead:
                    try:
                        self._ahead += await to_thread.run_sync(list, islice(self._rows, _AHEAD))
                    except Exception as error:  # what is under way is kept first
                        self.stop(error)
        if self._stopped_by is not None or not self._ahead:
            return None
        asked = self._ahead.popleft()
        if not self._limit.affords(asked.price, self._under_way.values()):
            self.stop(self._too_expensive())
            return None
        return asked

    def _unknown(self) -> Iterator[_Asked]:
        """In a thread: the queries that the journal does not have, with what they may cost."""
        for row in self._queries.rows():
            if self._stopped_by is not None:
                return
            digest = row.digest()
            if self._journal.known(row, digest) is not None:
                self._resumed += 1
            else:
                yield _Asked(row, digest, self._price(row))

    def _price(self, row: Row) -> float:
        try:
            return self._limit.price_of(row.query, row.documents)
        except ConfigurationError:  # the call will fail in the same way, and cost nothing
            return 0.0

    async def _ask(self, asked: _Asked, *, is_first: bool = False) -> bool:
        """Asks for one query, and keeps the answer or the failure; whether a request was made."""
        row = asked.row
        try:
            if not row.query.strip():
                self._failures.add(row, ConfigurationError("The query is blank."))
                return False
            self._under_way[row.query_id] = asked.price
            try:
                ranking = await self.reranker._arerank_patiently(row.query, row.documents)
            finally:
                del self._under_way[row.query_id]
        except Exception as error:
            self._fail(row, error, is_first=is_first)
            return True
        self._keep(asked, ranking)
        return bool(ranking.usage.requests)

    def _fail(self, row: Row, error: Exception, *, is_first: bool) -> None:
        if not isinstance(error, AssistersError) or ends_run(error, is_first=is_first):
            error.add_note(f"The query was {row.query_id!r}.")
            self.stop(error)
            return
        try:
            self._failures.add(row, error)
        except BulkStopped as stopped:
            self.stop(stopped)

    def _keep(self, asked: _Asked, ranking: Ranking) -> None:
        try:
            self._journal.add(asked.row, asked.digest, ranking)
        except AssistersError as error:
            self.stop(error)
            return
        self._failures.answered()
        self._answered += 1
        self._pairs += len(asked.row.documents)
        self._usage += ranking.usage

    def _too_expensive(self) -> BulkStopped:
        spent = (self._before or 0.0) + self._limit.spent
        return BulkStopped(
            f"max_cost: {dollars(spent)} of {dollars(self._max_cost or 0.0)} are spent, and the "
            "next query would go beyond; raise it to go on."
        )

    def _raise_what_stopped(self) -> None:
        if self._stopped_by is not None:
            raise self._stopped_by

    def _write_target(self) -> None:
        """In a thread: the target from the journal, in the order of the source."""
        self._journal.sync()
        self._queries.check_unchanged()
        with replaced(self._target) as write:
            for row in self._queries.rows():
                self._raise_what_stopped()
                if (known := self._journal.known(row, row.digest())) is not None:
                    ids = [row.doc_ids[index] for index in known.order]
                    write(Result(row.query_id, ids, known.scores, known.model))
            self._queries.check_unchanged()
        # What failed, or was not asked for yet, can go on from it; else nothing is left to do.
        if not self._failures.number and not self._queries.is_cut:
            self._journal.remove()

    async def _sync_again_and_again(self) -> None:
        while True:
            await anyio.sleep(_SYNC_EVERY)
            try:
                await to_thread.run_sync(self._journal.sync)
            except OSError as error:
                self.stop(BulkStopped(f"{self._journal.path} cannot be written: {error.strerror}."))
                return

    async def _tell_again_and_again(self) -> None:
        while self._progress is not None:
            self._tell()
            await anyio.sleep(_TELL_EVERY)

    def _tell(self) -> None:
        if self._progress is not None:
            try:
                self._progress(self._state())
            except Exception as error:
                self._progress = None
                self.stop(error)

    def _state(self) -> BulkProgress:
        now = time.monotonic()
        self._rate.append((now, self._pairs))
        while len(self._rate) > 2 and self._rate[1][0] <= now - _RATE_OVER:
            self._rate.popleft()
        since, pairs = self._rate[0]
        done = self._resumed + self._answered
        cost = self._journal.cost
        reason = self.reranker._state.pace.reason(now)
        return BulkProgress(
            queries=self._queries.number,
            done=done,
            resumed=self._resumed,
            failed=self._failures.number,
            pairs=self._pairs,
            pairs_per_second=(self._pairs - pairs) / max(now - since, 1e-9),
            cost=cost,
            projected_cost=None if cost is None or not done else cost / done * self._queries.number,
            waiting=None if reason is None else f"{reason[0]}: {math.ceil(reason[1])} s",
            seconds=now - self._began,
        )

    def _report(self) -> BulkReport:
        failed = self._failures.number
        return BulkReport(
            target=self._target,
            queries=self._queries.number,
            resumed=self._resumed,
            failed=failed,
            errors=self._failures.path if failed else None,
            journal=self._journal.path if failed or self._queries.is_cut else None,
            pairs=self._pairs,
            model=next(iter(self._journal.models.values()), None)
            if len(set(self._journal.models.values())) < 2
            else None,
            cost=self._journal.cost,
            usage=self._usage,
            seconds=time.monotonic() - self._began,
        )
