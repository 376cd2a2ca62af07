"""The typer application: every command, and what stands before a command."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from ..version import __version__
from .bulk import bulk
from .check import check
from .demo import demo
from .eval import eval_
from .models import models
from .rerank import rerank
from .serve import serve
from .shown_help import Command, CommandGroup

_EXAMPLES = {
    "": """\
assisters-rerank demo
assisters-rerank rerank "how do I run a command" notes.txt --local -n 5
assisters-rerank rerank --help""",
    "rerank": """\
assisters-rerank rerank "how do I run a command" notes.txt --local
grep -rh TODO src | assisters-rerank rerank "security" -n 5
assisters-rerank rerank "refund" tickets.jsonl --text-field body --json
assisters-rerank rerank "refund" tickets.csv --text-field message""",
    "demo": """\
assisters-rerank demo
assisters-rerank demo --query "read a file line by line\"""",
    "serve": """\
assisters-rerank serve
assisters-rerank serve --port 8765 --plan free --latency""",
    "eval": """\
assisters-rerank eval my-collection --local
assisters-rerank eval my-collection -m jina-reranker --html report.html
assisters-rerank eval my-collection --run first-stage.run --max-cost 2""",
    "bulk": """\
assisters-rerank bulk candidates.parquet ranked.parquet --dry-run
assisters-rerank bulk queries.jsonl ranked.jsonl --concurrency 32 --max-cost 5
assisters-rerank bulk bm25.run ranked.run --collection scifact --local""",
    "check": """\
assisters-rerank check --local
assisters-rerank check http://127.0.0.1:8000 --model my-model
assisters-rerank check https://example.com -m my-model --api-key-variable KEY""",
    "models": """\
assisters-rerank models
assisters-rerank models --json""",
}


def application() -> typer.Typer:
    """The application with all its commands."""
    app = typer.Typer(
        cls=CommandGroup,
        rich_markup_mode=None,
        epilog=_EXAMPLES[""],
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(invoke_without_command=True)(_before_a_command)
    commands: dict[str, Callable[..., None]] = {
        "rerank": rerank,
        "demo": demo,
        "serve": serve,
        "eval": eval_,
        "bulk": bulk,
        "check": check,
        "models": models,
    }
    for name, command in commands.items():
        app.command(name, cls=Command, epilog=_EXAMPLES[name])(command)
    return app


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"assisters-rerank {__version__}")
        raise typer.Exit


def _before_a_command(
    context: typer.Context,
    _version: Annotated[
        bool,
        typer.Option(
            "--version",
            help="Show the version and exit.",
            callback=_print_version,
            is_eager=True,
        ),
    ] = False,
) -> None:
    """Rerank search results with the Assisters API or any server that speaks its dialect."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(2)
