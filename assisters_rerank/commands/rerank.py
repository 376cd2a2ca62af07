"""The command `assisters-rerank rerank`: documents from files or a pipe, ranked for a query."""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from .command_options import (
    INPUT,
    KEPT,
    OUTPUT,
    SERVER,
    check_cache,
    check_one_server,
    flag,
    given_settings,
    option,
)
from .local_server import local_settings
from .reading.formats import InputFormat
from .reading.inputs import STANDARD_INPUT, read_documents


def _checked_encoding(name: str | None) -> str | None:
    if name is not None:
        try:
            b"a".decode(name)
        except UnicodeDecodeError:  # of two bytes or more
            pass
        except LookupError as error:
            raise typer.BadParameter(f"{error}; give one such as utf-8, cp1252 or utf-16") from None
    return name


def rerank(
    context: typer.Context,
    query: Annotated[
        str, typer.Argument(metavar="QUERY", help="What the documents should answer.")
    ],
    files: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FILES]...",
            help="Text, JSONL, CSV or TSV; - is standard input, which is also read without any.",
        ),
    ] = None,
    # Read through the context: what is not given is left to RerankOptions.
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
    input_format: Annotated[
        InputFormat,
        typer.Option(
            metavar="auto|text|jsonl|csv|tsv",
            rich_help_panel=INPUT,
            help="How files are read. auto: by the suffix .jsonl, .ndjson, .csv or .tsv, else "
            "JSONL if a file begins with an object, else as lines of text.",
        ),
    ] = InputFormat.AUTO,
    text_field: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            rich_help_panel=INPUT,
            help="Field of JSONL, or column, that holds the text, such as content or "
            "document.body. [default: text]",
        ),
    ] = None,
    encoding: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            rich_help_panel=INPUT,
            help="Encoding of the files, such as cp1252; else what a byte order mark says, else "
            "UTF-8.",
            callback=_checked_encoding,
        ),
    ] = None,
    as_json: Annotated[
        bool, flag("--json", OUTPUT, "Write JSONL: the input's fields and the score.")
    ] = False,
    quiet: Annotated[
        bool, flag("--quiet", OUTPUT, "No progress bar, no line on usage.", "-q")
    ] = False,
    local: Annotated[
        bool, flag("--local", SERVER, "Score on this machine: no key, no cost.")
    ] = False,
    base_url: Annotated[str | None, option("base_url")] = None,
    dialect: Annotated[str | None, option("dialect")] = None,
    extra_body: Annotated[str | None, option("extra_body")] = None,
    on_error: Annotated[str | None, option("on_error")] = None,
    cache: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            rich_help_panel=KEPT,
            help="SQLite file that keeps the scores, so that none is paid for twice. Without it, "
            "those of a long run are kept in your cache folder until it is complete.",
        ),
    ] = None,
    no_cache: Annotated[bool, flag("--no-cache", KEPT, "Keep no scores.")] = False,
    timeout: Annotated[float | None, option("timeout")] = None,
    max_retries: Annotated[int | None, option("max_retries")] = None,
    max_documents_per_request: Annotated[int | None, option("max_documents_per_request")] = None,
    max_concurrency: Annotated[int | None, option("max_concurrency")] = None,
    requests_per_minute: Annotated[int | None, option("requests_per_minute")] = None,
    tokens_per_minute: Annotated[int | None, option("tokens_per_minute")] = None,
) -> None:
    """Rank documents by their relevance to QUERY, the best first.

    Every line of FILES is a document: plain text, or JSONL, where each line is an object with a
    string under "text" and any other fields. In CSV and TSV every row is one, and the first row
    names the columns. Blank lines are skipped.

    A terminal shows a table: the place in the input, the new rank, the score, the text. A pipe or
    file gets a line for each document: score, tab, text. With --json it is JSONL that keeps the
    input's fields and adds "relevance_score" and, unless the input has them, "index" (from 0),
    "file" and "line" (from 1). What was used is written to stderr.

    The API key comes from the variable ASSISTERS_API_KEY. There is no option for it, because the
    shell's history and the list of processes would show it.
    """
    check_one_server(local=local, base_url=base_url, dialect=dialect)
    check_cache(cache, local=local, no_cache=no_cache)
    inputs = read_documents(_sources(query, files), input_format, text_field, encoding)
    # They take a while to import, which --help should not wait for.
    from .kept_scores import opened
    from .output import show, summary
    from .progress import ReportingReranker
    from .run import Run

    started = time.perf_counter()
    with ExitStack() as stack:
        settings = given_settings(context)
        if cache is not None:
            settings["cache"] = stack.enter_context(opened(cache))
        if local:
            settings |= local_settings(stack, [model])
        reranker = stack.enter_context(ReportingReranker(**settings))
        run = Run(reranker, query, inputs, keep=cache is None and not local and not no_cache)
        with run.kept(paid=not local):
            ranking = run.ranking(quiet=quiet)
            seconds = time.perf_counter() - started
            show(ranking, inputs, as_json=as_json)
            sys.stdout.flush()
    if not quiet:
        typer.echo(summary(ranking, len(inputs), seconds), err=True)


def _sources(query: str, files: list[str] | None) -> list[str]:
    is_a_file = Path(query).is_file()
    if files:
        if files.count(STANDARD_INPUT) > 1:
            raise typer.BadParameter("standard input can be read once", param_hint="FILES")
        if is_a_file and files[0] != STANDARD_INPUT and not Path(files[0]).exists():
            raise typer.BadParameter(
                f"there is no file {files[0]}, but one with the name of the query, {query}; the "
                "query comes first",
                param_hint="FILES",
            )
        return files
    if sys.stdin is None or sys.stdin.isatty():
        problem = (
            f"{query} is taken for the query; give one before the file"
            if is_a_file
            else "name a file, or pipe documents in (- waits for them here)"
        )
        raise typer.BadParameter(problem, param_hint="FILES")
    return [STANDARD_INPUT]
