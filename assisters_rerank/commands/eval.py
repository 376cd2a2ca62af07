"""The command `assisters-rerank eval`: does a rerank help on this collection, and at what price?"""

from __future__ import annotations

import sys
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import eval_options
from .command_options import (
    KEPT,
    OUTPUT,
    SERVER,
    check_cache,
    check_one_server,
    flag,
    given_settings,
    option,
)
from .eval_gate import baseline_for, exit_code
from .eval_input import EvalFiles, identical_of, read_input, write_first_collection
from .eval_rerankers import check_rerankers_only, options_of_each
from .local_server import local_settings
from .output_files import check_distinct, check_writable

if TYPE_CHECKING:
    from ..evaluate import Evaluation


_EXPORTED = ("first-stage.run", "per-query.json", "per-query.parquet")


def eval_(
    context: typer.Context,
    collection: Annotated[Path, eval_options.COLLECTION],
    init: Annotated[bool, eval_options.INIT] = False,
    models: Annotated[
        list[str] | None,
        typer.Option("--model", "-m", metavar="ID", help="Model to evaluate; repeat it for more."),
    ] = None,
    rerankers_file: Annotated[Path | None, eval_options.RERANKERS] = None,
    run: Annotated[Path | None, eval_options.RUN] = None,
    corpus: Annotated[Path | None, eval_options.CORPUS] = None,
    queries: Annotated[Path | None, eval_options.QUERIES] = None,
    qrels: Annotated[Path | None, eval_options.QRELS] = None,
    field: Annotated[list[str] | None, eval_options.FIELD] = None,
    split: Annotated[str | None, eval_options.SPLIT] = None,
    allow_missing: Annotated[bool, eval_options.ALLOW_MISSING] = False,
    keep_identical: Annotated[bool, eval_options.KEEP_IDENTICAL] = False,
    drop_identical_ids: Annotated[bool, eval_options.DROP_IDENTICAL_IDS] = False,
    depth: Annotated[int, typer.Option(min=1, metavar="N", help="Candidates per query.")] = 100,
    precision: Annotated[
        float | None,
        typer.Option(
            min=0, max=1, metavar="0-1", help="Report the threshold that reaches this precision."
        ),
    ] = None,
    measures: Annotated[
        list[str] | None,
        typer.Option("--measure", metavar="NAME", help="Measure this, too (ir-measures' names)."),
    ] = None,
    relevance_level: Annotated[
        int, typer.Option(min=1, metavar="GRADE", help="The lowest grade that is relevant.")
    ] = 1,
    max_cost: Annotated[
        float | None,
        typer.Option(
            min=0,
            metavar="DOLLARS",
            help="Stop before more dollars than this are spent, on all models.",
        ),
    ] = None,
    at_once: Annotated[
        int,
        typer.Option(
            min=1,
            metavar="N",
            help="Queries under way at once; latencies are most reliable with 1.",
        ),
    ] = 1,
    base_url: Annotated[str | None, option("base_url")] = None,
    dialect: Annotated[str | None, option("dialect")] = None,
    extra_body: Annotated[str | None, option("extra_body")] = None,
    timeout: Annotated[float | None, option("timeout")] = None,
    max_retries: Annotated[int | None, option("max_retries")] = None,
    max_documents_per_request: Annotated[int | None, option("max_documents_per_request")] = None,
    long_documents: Annotated[str | None, option("long_documents")] = None,
    max_tokens: Annotated[int | None, option("max_tokens")] = None,
    max_passage_tokens: Annotated[int | None, option("max_passage_tokens")] = None,
    token_margin: Annotated[float | None, option("token_margin")] = None,
    score_activation: Annotated[str | None, option("score_activation")] = None,
    requests_per_minute: Annotated[int | None, option("requests_per_minute")] = None,
    tokens_per_minute: Annotated[int | None, option("tokens_per_minute")] = None,
    local: Annotated[
        bool, flag("--local", SERVER, "Score on this machine: no key, no cost.")
    ] = False,
    cache: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            rich_help_panel=KEPT,
            help="SQLite file that keeps the scores, so that an interrupted run goes on where it "
            "stopped; by default one in the user's cache folder. With --local none is kept.",
        ),
    ] = None,
    no_cache: Annotated[bool, flag("--no-cache", KEPT, "Keep no scores.")] = False,
    json: Annotated[
        Path | None,
        typer.Option(
            "--json",
            metavar="FILE",
            rich_help_panel=OUTPUT,
            help="Write the report as JSON, too.",
        ),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option(
            "--html",
            metavar="FILE",
            rich_help_panel=OUTPUT,
            help="Write the report as a page, too.",
        ),
    ] = None,
    export: Annotated[Path | None, eval_options.EXPORT] = None,
    save_settings: Annotated[Path | None, eval_options.SAVE_SETTINGS] = None,
    gate: Annotated[Path | None, eval_options.GATE] = None,
    gate_measure: Annotated[str | None, eval_options.GATE_MEASURE] = None,
    quiet: Annotated[bool, flag("--quiet", OUTPUT, "No progress bar.", "-q")] = False,
) -> None:
    """Measure what a rerank gains over the first stage, how sure that is, and what it costs.

    The first stage is BM25 over the corpus, or a run of your own. The report has nDCG@10 and other
    measures of the first stage, of each model, and of the best possible order of the same
    candidates; which queries got worse; how many candidates are worth it; which threshold; latency
    and dollars.

    The API key comes from the variable ASSISTERS_API_KEY, or --local scores on this machine.

    Exit codes: 0; 1 an error, or a model below its baseline (--gate); 2 a wrong command line; 3 a
    failure ended the run early, and the report is of the queries that were done.
    """
    if init:
        write_first_collection(collection)
        return
    files = EvalFiles(collection, run, corpus, queries, qrels, rerankers_file)
    identical = identical_of(keep=keep_identical, drop_ids=drop_identical_ids)
    named = {"--model": models, "--local": local, "--base-url": base_url, "--dialect": dialect}
    check_rerankers_only(rerankers_file, named)
    check_one_server(local=local, base_url=base_url, dialect=dialect)
    if dialect not in (None, "assisters") and not models:
        raise typer.BadParameter("name the server's with --model", param_hint="--dialect")
    check_cache(cache, local=local, no_cache=no_cache)
    # Now, and not when everything is paid for.
    check_writable(json, "--json")
    check_writable(html, "--html")
    check_writable(save_settings, "--save-settings")
    check_distinct(
        {
            "--json": json,
            "--html": html,
            "--export": export,
            **{f"--export ({name})": export and export / name for name in _EXPORTED},
            "--save-settings": save_settings,
            "--cache": cache,
        },
        {**files.options(), "--gate": gate},
    )
    if export is not None and export.exists() and not export.is_dir():
        raise typer.BadParameter(f"{export} is not a folder", param_hint="--export")
    # They take a while to import, which --help should not wait for.
    from ..evaluate import evaluate
    from ..evaluate import save_settings as save
    from ..evaluate.results import MAIN_MEASURE
    from ..reranker import Reranker
    from .kept_scores import in_users_folder, opened
    from .key import check_key
    from .progress import progress_bar

    if html is not None:  # what it needs is missed now, and not when everything is paid for
        import_module("assisters_rerank.evaluate.report.page")
    judged, candidates = read_input(files, split, field or (), allow_missing=allow_missing)
    with ExitStack() as stack:
        settings = given_settings(context)
        if local:
            settings |= local_settings(stack, models or ())
        kept = None
        if cache is not None:
            kept = opened(cache)
        elif not local and not no_cache:
            kept = in_users_folder("scores.db")
        if kept is not None:
            settings["cache"] = stack.enter_context(kept)
        rerankers = [
            stack.enter_context(Reranker(**options))
            for options in options_of_each(rerankers_file, models, settings)
        ]
        names = [reranker.model for reranker in rerankers]
        baseline = baseline_for(gate, gate_measure, judged, names, relevance_level)
        for reranker in rerankers:
            check_key(reranker)
        steps = len(judged.queries) * len(rerankers)
        try:
            with progress_bar(steps, "queries", wanted=not quiet) as done:
                evaluation = evaluate(
                    judged,
                    rerankers,
                    candidates=candidates,
                    first_stage=None if run is None else run.name,
                    depth=depth,
                    wanted_precision=precision,
                    max_cost=max_cost,
                    at_once=at_once,
                    measures=[*(measures or ()), *([gate_measure] if gate_measure else ())],
                    relevance_level=relevance_level,
                    at_service_prices=local,
                    export=export,
                    identical=identical,
                    progress=done,
                )
        except KeyboardInterrupt as error:
            error.add_note(
                "stopped; the scores so far are lost: none is kept"
                + (" with --local" if local else "")
                if kept is None
                else "stopped; the same command goes on from here: the scores so far are in "
                f"{kept.path}"
            )
            raise
    if baseline is not None:
        evaluation = baseline.compare(evaluation, gate_measure or MAIN_MEASURE)
    _report(evaluation, json, html)
    if save_settings is not None:
        save(save_settings, evaluation, rerankers)
    raise typer.Exit(exit_code(evaluation))


def _report(evaluation: Evaluation, json: Path | None, html: Path | None) -> None:
    from rich.console import Console

    from ..evaluate.report.json_report import to_json
    from ..evaluate.report.terminal import show

    try:
        if json is not None:
            json.write_text(to_json(evaluation), encoding="utf-8")
        if html is not None:
            from ..evaluate.report.page import to_html

            html.write_text(to_html(evaluation), encoding="utf-8")
    finally:  # a full disk takes the files, but not what was found
        show(evaluation, Console(highlight=False, emoji=False))
        sys.stdout.flush()
