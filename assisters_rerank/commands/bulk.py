"""The command `assisters-rerank bulk`: a file of many queries, each paid for once."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .called import same_command
from .command_options import (
    INPUT,
    OUTPUT,
    PACE,
    SERVER,
    check_one_server,
    flag,
    given_settings,
    option,
)
from .interruption import TERMINATED, Terminated, terminable
from .local_server import local_settings, prices_of_nothing
from .output_files import check_distinct

if TYPE_CHECKING:
    from ..bulk.outcome import BulkProgress, BulkReport
    from ..reranker import Reranker


def bulk(
    context: typer.Context,
    source: Annotated[
        Path,
        typer.Argument(
            metavar="SOURCE",
            help="Parquet file, a folder of them, JSONL, or a TREC run with --collection.",
        ),
    ],
    target: Annotated[
        Path,
        typer.Argument(metavar="TARGET", help="File to write: .parquet, .jsonl, .run or .trec."),
    ],
    model: Annotated[str | None, option("model", "--model", "-m")] = None,
    top_n: Annotated[int | None, option("top_n", "--top-n", "-n")] = None,
    score_threshold: Annotated[
        list[str] | None, option("score_threshold", "--score-threshold", "--threshold")
    ] = None,
    score_activation: Annotated[str | None, option("score_activation")] = None,
    long_documents: Annotated[str | None, option("long_documents")] = None,
    max_tokens: Annotated[int | None, option("max_tokens")] = None,
    max_passage_tokens: Annotated[int | None, option("max_passage_tokens")] = None,
    token_margin: Annotated[float | None, option("token_margin")] = None,
    max_context_tokens: Annotated[int | None, option("max_context_tokens")] = None,
    collection: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            rich_help_panel=INPUT,
            help="With a TREC run: the folder in BEIR's layout that it is about.",
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            rich_help_panel=INPUT,
            help="Only the first N queries; the same command without it goes on.",
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        flag("--dry-run", OUTPUT, "Send nothing; count queries, pairs, tokens, cost and minutes."),
    ] = False,
    quiet: Annotated[
        bool, flag("--quiet", OUTPUT, "No progress, no line at the end.", "-q")
    ] = False,
    local: Annotated[
        bool, flag("--local", SERVER, "Score on this machine: no key, no cost.")
    ] = False,
    base_url: Annotated[str | None, option("base_url")] = None,
    dialect: Annotated[str | None, option("dialect")] = None,
    extra_body: Annotated[str | None, option("extra_body")] = None,
    concurrency: Annotated[
        int,
        typer.Option(min=1, metavar="N", rich_help_panel=PACE, help="Queries under way at once."),
    ] = 16,
    max_cost: Annotated[
        float | None,
        typer.Option(
            min=0,
            metavar="DOLLARS",
            rich_help_panel=PACE,
            help="Stop before more dollars than this are spent on TARGET, earlier runs included.",
        ),
    ] = None,
    timeout: Annotated[float | None, option("timeout")] = None,
    max_retries: Annotated[int | None, option("max_retries")] = None,
    max_documents_per_request: Annotated[int | None, option("max_documents_per_request")] = None,
    max_concurrency: Annotated[int | None, option("max_concurrency")] = None,
    requests_per_minute: Annotated[int | None, option("requests_per_minute")] = None,
    tokens_per_minute: Annotated[int | None, option("tokens_per_minute")] = None,
) -> None:
    """Rerank every query of SOURCE into TARGET, and pay for none twice.

    What was paid for is kept in TARGET.part until TARGET is complete. After any other end the same
    command goes on from there. What fails stands in TARGET.errors.jsonl, the other queries go on,
    and the exit code is 1. Limits of the account are waited for, for as long as they take.

    The API key comes from the variable ASSISTERS_API_KEY, or --local scores on this machine.
    """
    check_one_server(local=local, base_url=base_url, dialect=dialect)
    check_distinct({"TARGET": target}, {"SOURCE": source, "--collection": collection})
    # They take a while to import, which --help should not wait for.
    from ..bulk.dry_run import estimate_file
    from ..bulk.file_runs import prepared, run_to_end
    from ..reranker import Reranker
    from .bulk_progress import shown
    from .key import check_key

    with ExitStack() as stack:
        settings = given_settings(context)
        if local and dry_run:
            settings["prices"] = prices_of_nothing([model])
        elif local:
            settings |= local_settings(stack, [model])
        reranker = stack.enter_context(Reranker(**settings))
        if dry_run:
            estimate = estimate_file(source, reranker, limit=limit, collection=collection)
            _show_estimate(estimate, reranker)
            return
        check_key(reranker)
        last: list[BulkProgress] = []
        stack.enter_context(terminable())
        show = stack.enter_context(shown(wanted=not quiet))

        def progress(now: BulkProgress) -> None:
            last[:] = [now]
            show(now)

        try:
            report = run_to_end(
                prepared(
                    source,
                    target,
                    reranker,
                    concurrency,
                    max_cost,
                    limit,
                    collection,
                    progress,
                    "local" if local else None,
                )
            )
        except BaseException as error:
            if last and last[0].done:
                error.add_note(_how_to_go_on(last[0], target))
            if not isinstance(error, Terminated):
                raise
            stack.close()
            for note in getattr(error, "__notes__", ()):
                typer.echo(f"assisters-rerank: {note}", err=True)
            raise typer.Exit(TERMINATED) from None
    if not quiet:
        typer.echo(_summary(report), err=True)
    if report.failed:
        typer.echo(
            f"assisters-rerank: {report.failed:,} of {report.queries:,} queries failed; they stand "
            f"in {report.errors}. To ask for them again: {same_command(piped=False)}",
            err=True,
        )
        raise typer.Exit(1)


def _how_to_go_on(last: BulkProgress, target: Path) -> str:
    return (
        f"{last.done:,} of {last.queries:,} queries are done, and kept in {target}.part. To go on, "
        f"and pay only for the rest: {same_command(piped=False)}"
    )


def _summary(report: BulkReport) -> str:
    from ..usage import count, dollars, in_words

    done = report.queries - report.failed
    speed = report.pairs / max(report.seconds, 1e-9)
    known = f", {report.resumed:,} of them known from before" if report.resumed else ""
    cost = [] if report.cost is None else [f"{dollars(report.cost)} in all"]
    rest = (
        [f"{report.journal} is kept for the rest"] if report.journal and not report.failed else []
    )
    return ", ".join(
        [
            f"{report.target}: {count(done, 'query', 'queries')}{known}",
            f"{count(report.pairs, 'pair')} in {report.seconds:.1f} s ({speed:,.0f} a second)",
            *in_words(report.usage),
            *cost,
            *rest,
        ]
    )


def _show_estimate(estimate: Any, reranker: Reranker) -> None:
    from ..local.http.rate_limiter import PLANS
    from ..usage import dollars

    cost = "unknown; give the model's price" if estimate.cost is None else dollars(estimate.cost)
    rows = {
        "queries": f"{estimate.queries:,}",
        "pairs": f"{estimate.pairs:,}",
        "requests": f"{estimate.requests:,}",
        "tokens": f"about {estimate.tokens:,}",
        "cost": cost,
    }
    own = reranker.requests_per_minute, reranker.tokens_per_minute
    limits = (
        {"with these limits": own}
        if any(own)
        else {
            f"on the plan {name.capitalize()}": (plan.requests_per_minute, plan.tokens_per_minute)
            for name, plan in PLANS.items()
        }
    )
    for name, (requests, tokens) in limits.items():
        rows[f"minutes {name}"] = f"{estimate.minutes(requests, tokens):,.1f}"
    width = max(map(len, rows))
    for name, value in rows.items():
        typer.echo(f"{name:<{width}}  {value}")
