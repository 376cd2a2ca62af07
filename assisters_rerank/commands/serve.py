"""The command `assisters-rerank serve`: the local server, with its address and a line a request."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .command_options import SERVER

if TYPE_CHECKING:
    from rich.console import Console

    from ..local.http.request_log import LoggedRequest
    from ..local.scorers.scorer import Scorer


# The same words as in `local.scorers.scorer` and `local.http.rate_limiter`, for which --help should
# not wait.
class ScorerChoice(StrEnum):
    """What scores."""

    EMBEDDED = "embedded"
    LEXICAL = "lexical"
    CROSS_ENCODER = "cross-encoder"


class PlanChoice(StrEnum):
    """The service's plans."""

    FREE = "free"
    DEVELOPER = "developer"
    STARTUP = "startup"


SCORES = "Scores"
IMITATED = "What it imitates"


def serve(
    host: Annotated[
        str,
        typer.Option(
            rich_help_panel=SERVER,
            metavar="ADDRESS",
            help="Address to listen on; beyond this machine only with a key.",
        ),
    ] = "127.0.0.1",
    port: Annotated[
        int,
        typer.Option(
            rich_help_panel=SERVER, metavar="N", min=0, max=65535, help="0 takes a free one."
        ),
    ] = 8765,
    api_key: Annotated[
        str | None,
        typer.Option(
            rich_help_panel=SERVER,
            envvar="ASSISTERS_SERVE_API_KEY",
            metavar="KEY",
            help="Refuse requests without this key. The variable keeps it out of `ps`.",
        ),
    ] = None,
    scorer: Annotated[
        ScorerChoice,
        typer.Option(
            rich_help_panel=SCORES,
            metavar="embedded|lexical|cross-encoder",
            help="Term coverage and word vectors, only term coverage, or a real model.",
        ),
    ] = ScorerChoice.EMBEDDED,
    model: Annotated[
        str | None,
        typer.Option(
            rich_help_panel=SCORES,
            metavar="NAME",
            help="Cross-encoder: a model of fastembed's list or of the hub.",
        ),
    ] = None,
    model_path: Annotated[
        Path | None,
        typer.Option(
            rich_help_panel=SCORES,
            metavar="FOLDER",
            help="Cross-encoder: a local folder with model.onnx and tokenizer.json.",
        ),
    ] = None,
    generation: Annotated[
        int | None,
        typer.Option(
            rich_help_panel=IMITATED,
            metavar="1|2|3",
            min=1,
            max=3,
            help="Which of the service's generations of API to answer like; by default the "
            "second, with the first's limit of 100 documents.",
        ),
    ] = None,
    max_documents: Annotated[
        int | None,
        typer.Option(
            rich_help_panel=IMITATED,
            metavar="N",
            min=1,
            help="Documents a request; else the generation's limit.",
        ),
    ] = None,
    max_tokens: Annotated[
        int | None,
        typer.Option(
            rich_help_panel=SCORES,
            metavar="N",
            min=1,
            help="Read no more of query and document together; cuts the document's end off.",
        ),
    ] = None,
    plan: Annotated[
        PlanChoice | None,
        typer.Option(
            rich_help_panel=IMITATED,
            metavar="free|developer|startup",
            help="Enforce the limits a minute of this plan.",
        ),
    ] = None,
    requests_per_minute: Annotated[
        int | None,
        typer.Option(
            rich_help_panel=IMITATED,
            metavar="N",
            min=1,
            help="Enforce this limit; wins over the plan's.",
        ),
    ] = None,
    tokens_per_minute: Annotated[
        int | None,
        typer.Option(
            rich_help_panel=IMITATED,
            metavar="N",
            min=1,
            help="Enforce this limit; wins over the plan's.",
        ),
    ] = None,
    window: Annotated[
        float | None,
        typer.Option(
            rich_help_panel=IMITATED,
            metavar="SECONDS",
            help="Count in windows of this length, not of a minute.",
        ),
    ] = None,
    latency: Annotated[
        bool,
        typer.Option(
            "--latency",
            rich_help_panel=IMITATED,
            help="Answer no sooner than the service says it does.",
        ),
    ] = False,
    max_body_mb: Annotated[
        int,
        typer.Option(
            rich_help_panel=SERVER, min=1, metavar="MB", help="The largest body of a request."
        ),
    ] = 32,
    allowed_host: Annotated[
        list[str] | None,
        typer.Option(
            rich_help_panel=SERVER,
            metavar="NAME",
            help="A name that clients may use for this server, and web pages may come from, "
            "besides localhost: for containers; can be given repeatedly.",
        ),
    ] = None,
    any_model: Annotated[
        bool,
        typer.Option("--any-model", rich_help_panel=IMITATED, help="Accept every name of a model."),
    ] = False,
) -> None:
    """Run a local server that speaks the service's dialect: no key, no download, no cost.

    It scores on this machine, and can imitate limits with 429 and Retry-After, the
    service's pace, idempotency keys. Ctrl-C ends it.
    """
    if scorer is not ScorerChoice.CROSS_ENCODER and (model or model_path):
        option = "--model" if model else "--model-path"
        raise typer.BadParameter("it needs --scorer cross-encoder", param_hint=option)
    from rich.console import Console

    from ..local.foreground import greeting, load_chosen, serve_until_interrupted
    from ..local.http.rate_limiter import limits_of
    from ..local.http.server_settings import ServerSettings

    limits = limits_of(plan.value if plan else None, requests_per_minute, tokens_per_minute, window)
    settings = ServerSettings(
        api_key=api_key,
        generation=generation,
        max_documents=max_documents,
        limits=limits,
        latency=latency,
        max_tokens=max_tokens,
        max_body_mb=max_body_mb,
        allowed_hosts=tuple(allowed_host or ()),
        any_model=any_model,
    )
    console = Console(highlight=False, emoji=False, soft_wrap=True)
    stderr = Console(stderr=True, highlight=False, emoji=False, soft_wrap=True)

    def load() -> Scorer:
        with stderr.status(f"Loading the {scorer} scorer…"):
            return load_chosen(scorer, model, model_path)

    def greet(base_url: str, loaded: Scorer) -> None:
        console.print(greeting(base_url, loaded, needs_key=bool(api_key)), markup=False)
        # Whoever starts the server from a script waits for these lines.
        console.file.flush()

    serve_until_interrupted(
        load,
        settings,
        host=host,
        port=port,
        ready=greet,
        log=_log_to(stderr),
    )


def _log_to(console: Console) -> Callable[[LoggedRequest], None]:
    def write(request: LoggedRequest) -> None:
        style = "red" if request.status >= 500 or not request.status else "yellow"
        # A terminal that went away should not take the server with it.
        with suppress(OSError):
            console.print(
                f"{time.strftime('%H:%M:%S')} {request}",
                markup=False,
                style=None if 200 <= request.status < 400 else style,
            )

    return write
