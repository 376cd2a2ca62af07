"""`python -m assisters_rerank.local`: the command `serve` where typer is not installed."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from ..errors import AssistersError
from .foreground import greeting, load_chosen, serve_until_interrupted
from .http.generations import GENERATIONS
from .http.rate_limiter import PLANS, limits_of
from .http.server_settings import ServerSettings
from .scorers.scorer import SCORERS, Scorer


def parser() -> argparse.ArgumentParser:
    """The options of `assisters-rerank serve`, whose help says more."""
    made = argparse.ArgumentParser("python -m assisters_rerank.local", description=__doc__)
    add = made.add_argument
    add("--host", default="127.0.0.1", help="address to listen on; beyond this machine with a key")
    add("--port", type=int, default=8765, help="0 takes a free one")
    add("--api-key", default=os.environ.get("ASSISTERS_SERVE_API_KEY"), help="refuse every other")
    add("--scorer", choices=SCORERS, default="embedded", help="what scores")
    add("--model", metavar="NAME", help="cross-encoder: its name")
    add("--model-path", type=Path, metavar="FOLDER", help="cross-encoder: its folder")
    add("--generation", type=int, choices=GENERATIONS, help="generation of the service's API")
    add("--max-documents", type=int, metavar="N", help="documents a request")
    add("--max-tokens", type=int, metavar="N", help="tokens of query and document that are read")
    add("--plan", choices=PLANS, help="enforce the limits of this plan")
    add("--requests-per-minute", type=int, metavar="N", help="enforce this limit")
    add("--tokens-per-minute", type=int, metavar="N", help="enforce this limit")
    add("--window", type=float, metavar="SECONDS", help="count in windows of this length")
    add("--latency", action="store_true", help="answer no sooner than the service does")
    add("--max-body-mb", type=int, default=32, metavar="MB", help="largest body of a request")
    add("--allowed-host", action="append", default=[], metavar="NAME", help="accept this name too")
    add("--any-model", action="store_true", help="accept every name of a model")
    return made


def main(arguments: Sequence[str] | None = None) -> None:
    """Serves until Ctrl-C; an error is one line on stderr and the exit code 1."""
    given = parser().parse_args(arguments)
    try:
        settings = ServerSettings(
            api_key=given.api_key,
            generation=given.generation,
            max_documents=given.max_documents,
            limits=limits_of(
                given.plan, given.requests_per_minute, given.tokens_per_minute, given.window
            ),
            latency=given.latency,
            max_tokens=given.max_tokens,
            max_body_mb=given.max_body_mb,
            allowed_hosts=given.allowed_host,
            any_model=given.any_model,
        )

        def greet(base_url: str, scorer: Scorer) -> None:
            _print(sys.stdout, greeting(base_url, scorer, needs_key=bool(given.api_key)))

        serve_until_interrupted(
            lambda: load_chosen(given.scorer, given.model, given.model_path),
            settings,
            host=given.host,
            port=given.port,
            ready=greet,
            log=lambda request: _print(sys.stderr, str(request)),
        )
    except (AssistersError, OverflowError) as error:
        sys.exit(f"assisters_rerank.local: {error}")


def _print(stream: TextIO, line: str) -> None:
    print(line, file=stream, flush=True)


if __name__ == "__main__":
    main()
