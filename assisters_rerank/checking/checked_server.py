"""`check_server` and `acheck_server`: one coroutine, over the port of either world."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ..errors import ConfigurationError
from ..net import run_blocking
from ..reranker import Reranker
from ..wire.address import shown
from .asking import MOST_REQUESTS, Asking, Counted
from .conclusions import notes, problems
from .document_lengths import find_lengths
from .judged_rankings import judge
from .latencies import find_latencies
from .own_scores import find_company
from .request_sizes import find_sizes
from .server_report import ReportedFound, ServerReport
from .spoken_dialect import find_dialect, find_key, name_of
from .suggested_options import options_for


def check_server(
    reranker: Reranker,
    *,
    max_cost: float | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> ServerReport:
    """Asks the reranker's server some dozens of small questions, and says what it is.

    It takes at most 100 requests, some 90 KB of text in the largest of them. Nothing of the
    reranker is changed; what is used counts in its `total_usage`.

    Args:
        reranker: whose server, key and model are checked; its dialect is tried first, then the
            others.
        max_cost: dollars; the check ends before more is spent, by estimated tokens.
        progress: called with a word for each step.

    Returns:
        What was found, also where the server refuses everything or nobody listens.

    Raises:
        ConfigurationError: the reranker's options do not suffice for a call, or `max_cost` is given
            and no price is known.
    """
    port = Counted(reranker._blocking_port(), MOST_REQUESTS)
    return run_blocking(_check(port, reranker, max_cost, progress))


async def acheck_server(
    reranker: Reranker,
    *,
    max_cost: float | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> ServerReport:
    """`check_server` for asyncio and trio: the same arguments, result and errors."""
    port = Counted(await reranker._evented_port(), MOST_REQUESTS)
    return await _check(port, reranker, max_cost, progress)


async def _check(
    port: Counted, reranker: Reranker, max_cost: float | None, progress: Callable[[str], None]
) -> ServerReport:
    if max_cost is not None and not max_cost >= 0:  # nor is NaN
        raise ConfigurationError("max_cost: give dollars, 0 or more.")
    asking = Asking(port, reranker, max_cost)
    progress("dialect and key")
    spoken = await find_dialect(asking)
    report = ServerReport(
        base_url=shown(spoken.base_url),
        model=asking.options().model,
        dialect=None if spoken.dialect is None else name_of(spoken.dialect),
        attempts=spoken.attempts,
        reachable=spoken.reachable,
        key=spoken.key,
        answered_by=spoken.model,
    )
    if spoken.dialect is not None:
        report = await _ask_about(asking, report, progress)
    report = replace(
        report,
        requests=port.sent,
        total_tokens=asking.usage.total_tokens,
        cost=asking.usage.cost if asking.usage.requests else 0.0,
        stopped=None if asking.stopped is None else str(asking.stopped),
    )
    listwise = reranker.is_listwise(report.model)
    return replace(
        report,
        problems=tuple(problems(report, listwise=listwise)),
        notes=tuple(notes(report)),
    )


async def _ask_about(
    asking: Asking, report: ServerReport, progress: Callable[[str], None]
) -> ServerReport:
    report = replace(report, key=await find_key(asking))
    progress("ranking")
    if judged := await judge(asking):
        report = replace(report, ranking=judged[0], scores=judged[1])
        progress("scores of one document")
        report = replace(report, company=await find_company(asking, judged[1]))
    progress("documents in a request")
    report = replace(report, sizes=await find_sizes(asking))
    progress("long documents")
    lengths = await find_lengths(asking, report.scores, report.company, report.sizes)
    report = replace(report, lengths=lengths)
    progress("latency")
    report = replace(report, timings=await find_latencies(asking, report.sizes))
    reported = asking.reported
    report = replace(
        report,
        reported=ReportedFound(
            tokens=reported.tokens or None,
            token_ratio=reported.tokens / reported.estimated_tokens if reported.tokens else None,
            search_units=reported.search_units,
            cost=reported.cost,
            requests_per_minute=reported.requests_per_minute,
            tokens_per_minute=reported.tokens_per_minute,
        ),
    )
    return replace(report, options=options_for(asking.options(), report))
