"""The command `assisters-rerank rerank`: documents from files or a pipe, ranked for a query."""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from ..cache.sqlite_cache import SqliteCache
from ..call.fitting import fit
from ..call.plan import Plan
from ..catalogue import CATALOGUE
from ..ranking import Ranking
from .command_options import check_cache, given_settings, option
from .key import check_key
from .output import show, summary
from .progress import ReportingReranker, progress_bar
from .reading.formats import InputFormat
from .reading.inputs import STANDARD_INPUT, read_documents
from .reading.records import Input


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
            help="Text or JSONL files; - is standard input, which is also read without any.",
        ),
    ] = None,
    # Read through the context: what is not given is left to RerankOptions.
    model: Annotated[str | None, option("model", "--model", "-m")] = None,
    top_n: Annotated[int | None, option("top_n", "--top-n", "-n")] = None,
    score_threshold: Annotated[
        float | None, option("score_threshold", "--score-threshold", "--threshold")
    ] = None,
    base_url: Annotated[str | None, option("base_url")] = None,
    timeout: Annotated[float | None, option("timeout")] = None,
    max_retries: Annotated[int | None, option("max_retries")] = None,
    max_documents_per_request: Annotated[int | None, option("max_documents_per_request")] = None,
    max_concurrency: Annotated[int | None, option("max_concurrency")] = None,
    long_documents: Annotated[str | None, option("long_documents")] = None,
    max_tokens: Annotated[int | None, option("max_tokens")] = None,
    requests_per_minute: Annotated[int | None, option("requests_per_minute")] = None,
    tokens_per_minute: Annotated[int | None, option("tokens_per_minute")] = None,
    on_error: Annotated[str | None, option("on_error")] = None,
    cache: Annotated[
        Path | None,
        typer.Option(help="SQLite file that keeps the scores, so that none is paid for twice."),
    ] = None,
    local: Annotated[
        bool, typer.Option("--local", help="Score with a local server, on this machine.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSONL.")] = False,
    input_format: Annotated[
        InputFormat,
        typer.Option(
            help="How files are read; auto: by the suffix .jsonl, .ndjson, .csv or .tsv, else "
            "JSONL if a file begins with an object, else as text.",
        ),
    ] = InputFormat.AUTO,
    text_field: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Field of JSONL, or column, that holds the text, such as content or "
            "document.body. [default: text]",
        ),
    ] = None,
    encoding: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Encoding of the files, such as cp1252; by default what a byte order mark says, "
            "else UTF-8.",
            callback=_checked_encoding,
        ),
    ] = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No progress bar, no line on usage.")
    ] = False,
) -> None:
    """Rank documents by their relevance to QUERY, the best first.

    Every line of FILES is a document: plain text, or JSONL, where each line is an object with a
    string under `text` and any other fields. In CSV and TSV every row is one, and the first row
    names the columns. Blank lines are skipped.

    A terminal shows a table: the place in the input, the new rank, the score, the text. A pipe or
    file gets a line for each document: score, tab, text. With `--json` it is JSONL that
    keeps the input's fields and adds `relevance_score` and, unless the input has them,
    `index` (from 0), `file` and `line` (from 1). What was used is written to stderr.

    The API key comes from the variable ASSISTERS_API_KEY. There is no option for it, because the
    shell's history and the list of processes would show it.
    """
    if local and base_url is not None:
        raise typer.BadParameter("--local and --base-url exclude each other", param_hint="--local")
    check_cache(cache, local=local)
    inputs = read_documents(_sources(query, files), input_format, text_field, encoding)
    started = time.perf_counter()
    with ExitStack() as stack:
        settings = given_settings(context)
        if cache is not None:
            settings["cache"] = stack.enter_context(SqliteCache(cache))
        if local:
            from ..local import service_or_local  # needs the extra `local`, and takes a while

            settings["base_url"] = stack.enter_context(service_or_local(local=True)).base_url
            settings["prices"] = dict.fromkeys(CATALOGUE, 0.0)
        reranker = stack.enter_context(ReportingReranker(**settings))
        ranking = _ranked(reranker, query, inputs, quiet=quiet)
    seconds = time.perf_counter() - started
    show(ranking, inputs, as_json=as_json)
    sys.stdout.flush()
    if not quiet:
        typer.echo(summary(ranking, len(inputs), seconds), err=True)


def _sources(query: str, files: list[str] | None) -> list[str]:
    if files:
        if files.count(STANDARD_INPUT) > 1:
            raise typer.BadParameter("standard input can be read once", param_hint="FILES")
        if not Path(files[0]).exists() and files[0] != STANDARD_INPUT and Path(query).is_file():
            raise typer.BadParameter(
                f"there is no file {files[0]}, but one with the name of the query, {query}; the "
                "query comes first",
                param_hint="FILES",
            )
        return files
    if sys.stdin is None or sys.stdin.isatty():
        raise typer.BadParameter(
            "name a file, or pipe documents in (- waits for them here)", param_hint="FILES"
        )
    return [STANDARD_INPUT]


def _ranked(
    reranker: ReportingReranker, query: str, inputs: list[Input], *, quiet: bool
) -> Ranking:
    texts = [source.text for source in inputs]
    to_score = len(fit(reranker, query, Plan.of(texts)).plan.texts)
    if to_score and reranker.top_n != 0 and reranker.cache is None:
        check_key(reranker)
    per_request = reranker.max_documents_per_request
    wanted = not quiet and to_score > per_request
    with progress_bar(to_score, "documents", wanted=wanted) as answered:
        return reranker.rerank_watched(query, texts, answered)
