"""The command line, `assisters-rerank`: a thin layer; each command lives with its subject.

Whatever a command raises is turned here, once, into one line on stderr and an exit code: 1 for an
error, 2 for a wrong command line or a missing extra, 130 after Ctrl-C. A closed pipe is silent.
"""

from __future__ import annotations

import io
import sys
from importlib.metadata import version
from importlib.util import find_spec
from typing import TYPE_CHECKING

from .errors import AssistersError

if TYPE_CHECKING:
    import typer

# What the extras bring in, by the name one imports.
_EXTRAS = frozenset(
    {
        "bm25s",
        "langchain_core",
        "llama_index",
        "numpy",
        "rich",
        "starlette",
        "typer",
        "uvicorn",
        "wordllama",
    }
)


def main() -> None:
    """Run the command line on `sys.argv` and exit; the entry point of the installed script."""
    for stream in (sys.stdout, sys.stderr):
        # A question mark for an arrow is better than a crash on a terminal without Unicode.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        application()()
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in _EXTRAS or find_spec(missing) is not None:
            raise
        _fail(f'{missing} is not installed; run: pip install "assisters-rerank[all]"', code=2)
    except AssistersError as error:
        _fail(str(error), code=1)
    except KeyboardInterrupt:
        sys.exit(130)


def application() -> typer.Typer:
    """The typer application with all its commands. Needs the extra `cli`."""
    import typer

    from .demo.command import demo

    app = typer.Typer(
        help="Rerank search results with the Assisters API or any server that speaks its dialect.",
        no_args_is_help=True,
        rich_markup_mode="markdown",
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )

    def print_version(wanted: bool) -> None:
        if wanted:
            typer.echo(f"assisters-rerank {version('assisters-rerank')}")
            raise typer.Exit

    @app.callback()
    def options(
        _version: bool = typer.Option(
            False,
            "--version",
            help="Show the version and exit.",
            callback=print_version,
            is_eager=True,
        ),
    ) -> None:
        pass

    app.command()(demo)
    return app


def _fail(message: str, *, code: int) -> None:
    # One line, whatever the message held: scripts and logs read stderr line by line.
    print("assisters-rerank:", " ".join(message.split()), file=sys.stderr)
    sys.exit(code)
