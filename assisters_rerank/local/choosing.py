"""Who scores: the user's own server, the service, or without a key a local server."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Self

from ..wire.address import SERVICE_URL, shown
from ..wire.destination import (
    API_KEY_VARIABLE,
    BASE_URL_VARIABLE,
    default_base_url,
)

if TYPE_CHECKING:
    from .server import LocalServer


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The server that scores, and a sentence for the user that says why this one.

    As a context manager it stops the local server at the end; `close()` does the same.
    """

    base_url: str = field(repr=False)  # its query string may hold a key
    reason: str
    is_local: bool = False
    _server: LocalServer | None = field(default=None, repr=False, compare=False)

    def close(self) -> None:
        """Stops the local server, if that is what this is; another server is left alone."""
        if self._server is not None:
            self._server.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def service_or_local(*, local: bool = False) -> Endpoint:
    """The server to ask, for scripts that should run with a key and without one.

        server = service_or_local()
        Reranker(base_url=server.base_url).rerank("a query", ["a document"])

    `ASSISTERS_BASE_URL` names the user's own server, `ASSISTERS_API_KEY` opens the service;
    without either, or with `local`, a local server is started. It runs until the program or the
    notebook's kernel ends, or until the end of a `with service_or_local() as server:`.

    Raises:
        ConfigurationError: `ASSISTERS_BASE_URL` is not a usable address.
    """
    if not local and _is_set(BASE_URL_VARIABLE):
        base_url = default_base_url()
        reason = f"{BASE_URL_VARIABLE} is set: scores come from {shown(base_url)}."
        return Endpoint(base_url, reason)
    if not local and _is_set(API_KEY_VARIABLE):
        return Endpoint(
            SERVICE_URL, f"{API_KEY_VARIABLE} is set: the service scores, at {SERVICE_URL}."
        )
    from .server import LocalServer

    # Stopped by Ctrl-C in the middle of its work, uvicorn would have something to say.
    logging.getLogger("uvicorn").addHandler(logging.NullHandler())
    # Nobody looks at its requests, and each has all its texts.
    server = LocalServer(keep_requests=False).start()
    why = "As --local says" if local else f"No {API_KEY_VARIABLE}"
    reason = f"{why}: a small local model serves, at {server.base_url}."
    return Endpoint(server.base_url, reason, is_local=True, _server=server)


def _is_set(variable: str) -> bool:
    return bool(os.environ.get(variable, "").strip())
