"""Who scores: the user's own server, the service, or without a key a local server."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ..wire.address import SERVICE_URL
from ..wire.destination import (
    API_KEY_VARIABLE,
    BASE_URL_VARIABLE,
    default_base_url,
)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The server that scores, and a sentence for the user that says why this one."""

    base_url: str
    reason: str
    is_local: bool = False


@contextmanager
def service_or_local(*, local: bool = False) -> Iterator[Endpoint]:
    """The server to ask, for scripts that should run with a key and without one.

        with service_or_local() as server:
            Reranker(base_url=server.base_url).rerank("a query", ["a document"])

    `ASSISTERS_BASE_URL` names the user's own server, `ASSISTERS_API_KEY` opens the service;
    without either, or with `local`, a local server runs for as long as the context is open.

    Raises:
        ConfigurationError: `ASSISTERS_BASE_URL` is not a usable address.
    """
    if not local and _is_set(BASE_URL_VARIABLE):
        base_url = default_base_url()
        yield Endpoint(base_url, f"{BASE_URL_VARIABLE} is set: scores come from {base_url}.")
    elif not local and _is_set(API_KEY_VARIABLE):
        yield Endpoint(
            SERVICE_URL, f"{API_KEY_VARIABLE} is set: the service scores, at {SERVICE_URL}."
        )
    else:
        from .server import LocalServer

        # Stopped by Ctrl-C in the middle of its work, uvicorn would have something to say.
        logging.getLogger("uvicorn").addHandler(logging.NullHandler())
        with LocalServer() as server:
            why = "As --local says" if local else f"No {API_KEY_VARIABLE}"
            reason = f"{why}: a small local model serves, at {server.base_url}."
            yield Endpoint(server.base_url, reason, is_local=True)


def _is_set(variable: str) -> bool:
    return bool(os.environ.get(variable, "").strip())
