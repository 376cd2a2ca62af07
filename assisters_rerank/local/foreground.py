"""The local server in the foreground, until Ctrl-C: what `assisters-rerank serve` runs."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..errors import ConfigurationError
from ..wire.address import is_loopback
from .http.app import create_app
from .http.request_log import LoggedRequest, RequestLog
from .http.server_settings import ServerSettings
from .listening import address_of, asgi_server, listen_or_explain
from .scorers.scorer import Scorer, load_scorer
from .scorers.windows import windowed


def serve_until_interrupted(
    load: Callable[[], Scorer],
    settings: ServerSettings,
    *,
    host: str,
    port: int,
    ready: Callable[[str, Scorer], None],
    log: Callable[[LoggedRequest], None],
) -> None:
    """Answers requests in this thread, which has to be the main one, until Ctrl-C.

    `ready` is told the base URL and the scorer, with its window, once requests are taken and a
    Ctrl-C ends the server cleanly, `log` of every request afterwards. The scorer is loaded at
    once, so that its errors come here and not in answers. A SIGTERM, too, lets pending requests
    end; then it ends the process.

    Raises:
        ConfigurationError: no `api_key` where others could reach the server, an address that
            cannot be listened on, or a scorer that cannot be loaded.
    """
    if settings.api_key is None and not is_loopback(host):
        raise ConfigurationError(
            f"Others could reach this server on {host or 'all addresses'}: give --api-key, or "
            "leave --host at 127.0.0.1."
        )
    if not is_loopback(host) and not settings.allowed_hosts:
        # Its names are not known, and what keeps others out is the key.
        fields: dict[str, Any] = dict(settings)
        fields["allowed_hosts"] = None
        settings = ServerSettings(**fields)
    with listen_or_explain(host, port) as listener:
        scorer = load()
        app = RequestLog(create_app(lambda: scorer, settings), log, settings.api_key)
        server = asgi_server(app)
        base_url, shown = f"{address_of(listener)}/v1", windowed(scorer, settings.max_tokens)
        server.ready = lambda: ready(base_url, shown)
        with suppress(KeyboardInterrupt):  # uvicorn repeats the signal when it has shut down
            server.run(sockets=[listener])


def load_chosen(name: str, model: str | None, folder: Path | None) -> Scorer:
    """The scorer of this name; for a cross-encoder with this model, or the one in this folder.

    Raises:
        ConfigurationError: a model for another scorer, or one that cannot be loaded.
    """
    if name != "cross-encoder":
        if model is not None or folder is not None:
            option = "--model-path" if model is None else "--model"
            raise ConfigurationError(f"{option} needs --scorer cross-encoder.")
        return load_scorer(name)
    from .scorers.cross_encoder import CrossEncoderScorer

    with suppress(ImportError):
        # What fastembed logs about a failed download comes in our own error, in one line.
        from loguru import logger

        logger.disable("fastembed")
    return CrossEncoderScorer(model, folder=folder)


def greeting(base_url: str, scorer: Scorer, *, needs_key: bool) -> str:
    """What users are told when the server answers: two lines."""
    key = " ASSISTERS_API_KEY=<the key>" if needs_key else ""
    return (
        f"Serving {scorer.name} at {base_url} (Ctrl-C ends it)\n"
        f"Point a client at it:  export ASSISTERS_BASE_URL={base_url}{key}"
    )
