"""The local server in the foreground, until Ctrl-C: what `assisters-rerank serve` runs."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from ..errors import ConfigurationError
from ..wire.address import is_loopback
from .http.app import create_app
from .http.request_log import LoggedRequest, RequestLog
from .http.server_settings import ServerSettings
from .listening import address_of, asgi_server, listen_or_explain
from .scorers.scorer import Scorer
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

    `ready` is told the base URL and the scorer, with its window, before the first request is
    answered, `log` of every request afterwards. The scorer is loaded at once, so that its errors
    come here and not in answers. A SIGTERM, too, lets pending requests end; then it ends the
    process.

    Raises:
        ConfigurationError: no `api_key` where others could reach the server, an address that
            cannot be listened on, or a scorer that cannot be loaded.
    """
    if settings.api_key is None and not is_loopback(host):
        raise ConfigurationError(
            f"Others could reach this server on {host or 'all addresses'}: give --api-key, or "
            "leave --host at 127.0.0.1."
        )
    with listen_or_explain(host, port) as listener:
        scorer = load()
        app = RequestLog(create_app(lambda: scorer, settings), log, settings.api_key)
        ready(f"{address_of(listener)}/v1", windowed(scorer, settings.max_tokens))
        with suppress(KeyboardInterrupt):  # uvicorn repeats the signal when it has shut down
            asgi_server(app).run(sockets=[listener])
