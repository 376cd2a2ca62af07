"""The command `assisters-rerank check`: what is behind an address, and would it rank rightly?"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Annotated

import typer

from .command_options import OUTPUT, PACE, SERVER, flag, given_settings, option
from .local_server import local_settings


def check(
    context: typer.Context,
    url: Annotated[
        str | None,
        typer.Argument(
            metavar="[URL]",
            help="Server, with or without /v1 and /rerank; else the variable ASSISTERS_BASE_URL, "
            "else the service.",
        ),
    ] = None,
    model: Annotated[str | None, option("model", "--model", "-m")] = None,
    api_key_variable: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            rich_help_panel=SERVER,
            help="Variable with the key for this server. Without it, the key of ASSISTERS_API_KEY "
            "goes only to the service and to the host that ASSISTERS_BASE_URL names.",
        ),
    ] = None,
    local: Annotated[
        bool, flag("--local", SERVER, "Check the local server: no key, no cost.")
    ] = False,
    timeout: Annotated[float | None, option("timeout")] = None,
    max_cost: Annotated[
        float | None,
        typer.Option(
            min=0,
            metavar="DOLLARS",
            rich_help_panel=PACE,
            help="Stop before more dollars than this are spent.",
        ),
    ] = None,
    price: Annotated[
        float | None,
        typer.Option(
            min=0,
            metavar="DOLLARS",
            rich_help_panel=PACE,
            help="What a million tokens cost, for models that are not the service's.",
        ),
    ] = None,
    as_json: Annotated[bool, flag("--json", OUTPUT, "Write the report as JSON.")] = False,
    quiet: Annotated[bool, flag("--quiet", OUTPUT, "No word on the progress.", "-q")] = False,
) -> None:
    """Find out what a rerank server is, and whether it ranks rightly.

    At most 100 small requests: dialect, key, labelled questions, list-wise or point-wise, documents
    in a request, long documents, latency, what is reported; last, the Reranker to copy.

    Ends with code 1 where an ordinary call would get a wrong ranking, or none.
    """
    if local and url is not None:
        raise typer.BadParameter("--local and a URL exclude each other", param_hint="--local")
    settings = given_settings(context)
    if url is not None:
        settings["base_url"] = url
    if api_key_variable is not None:
        settings["api_key"] = _key_in(api_key_variable)
    from ..checking import check_server  # it takes a while to import
    from ..reranker import Reranker
    from .key import check_key

    with ExitStack() as stack:
        if local:
            settings |= local_settings(stack, [model])
        reranker = stack.enter_context(Reranker(**settings))
        if price is not None:
            reranker.prices = {reranker.model: price}
        check_key(reranker)
        with _progress(wanted=not quiet) as step:
            report = check_server(reranker, max_cost=max_cost, progress=step)
    if api_key_variable is not None and "api_key" in report.options:
        report.options["api_key"] = f'os.environ["{api_key_variable}"]'
    if as_json:
        sys.stdout.write(json.dumps(report.to_dict(), ensure_ascii=False) + "\n")
    else:
        from rich.console import Console

        from .check_table import show

        show(report, Console(highlight=False, emoji=False))
    sys.stdout.flush()
    if not report.is_right:
        raise typer.Exit(1)


def _key_in(variable: str) -> str:
    key = os.environ.get(variable, "")
    if not key.strip():
        raise typer.BadParameter(
            f"the variable {variable} is not set, or is blank", param_hint="--api-key-variable"
        )
    return key


@contextmanager
def _progress(*, wanted: bool) -> Iterator[Callable[[str], None]]:
    """Shows the step that is under way on a terminal's stderr."""
    if not wanted or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console

    with Console(stderr=True).status("Checking…") as status:
        yield lambda step: status.update(f"Checking: {step}…")
