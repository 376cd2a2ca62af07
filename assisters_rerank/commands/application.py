"""The typer application: every command, and what stands before a command."""

from __future__ import annotations

from typing import Annotated

import typer

from ..demo.command import demo
from ..version import __version__
from .eval import eval_
from .models import models
from .rerank import rerank
from .serve import serve


def application() -> typer.Typer:
    """The application with all its commands."""
    app = typer.Typer(
        rich_markup_mode="markdown",
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(invoke_without_command=True)(_before_a_command)
    for command in (rerank, models, serve, demo):
        app.command()(command)
    app.command("eval")(eval_)
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
