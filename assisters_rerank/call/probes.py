"""Finds out in a thread whether the service is back, so that no search waits for that.

The thread ends with the outage, with `close()`, and when nobody searches any more. It keeps neither
the reranker alive nor the interpreter.
"""

from __future__ import annotations

import contextlib
import threading
import time
import weakref
from collections.abc import Callable, Coroutine
from queue import Empty
from typing import Any

from ..errors import AssistersError
from ..net import Blocking, run_blocking
from ..net.clients import Clients
from ..options.rerank_options import RerankOptions
from ..ranking import Document, Ranking
from ..wire.address import shown
from .breaker import PROBE_WITHIN, Outage, is_no_answer
from .state import State

Rerank = Callable[..., Coroutine[Any, Any, Ranking]]

# Without a search for so long, probes wait for the next one.
_SEARCHED_WITHIN = 600.0


def watch(outage: Outage, state: State, options: RerankOptions, rerank: Rerank) -> None:
    """Begins to probe with calls of `rerank`, unless a thread does so already."""
    try:
        outage.unwatched.pop()
    except IndexError:
        return
    state.watches.add(outage.end_watch)
    about = outage, weakref.ref(state), state.watches, _of_a_probe(options), rerank
    try:
        threading.Thread(target=_watch, args=about, daemon=True, name="rerank-probe").start()
    except BaseException as error:
        outage.unwatched.append(None)
        if not isinstance(error, RuntimeError):  # no more threads: the next search tries again
            raise


def _of_a_probe(options: RerankOptions) -> RerankOptions:
    given = {name: getattr(options, name) for name in RerankOptions.model_fields}
    # Nobody waits for it, but an answer that comes later than searches wait is of no use to them.
    seconds = min(PROBE_WITHIN, max(1.0, options.timeout))
    changes: dict[str, Any] = {
        "on_error": "raise",
        "cache": None,
        "max_context_tokens": None,  # nobody reads the document
        "max_retries": 0,
        "timeout": seconds,
    }
    return RerankOptions.model_construct(**{**given, **changes})


def _watch(
    outage: Outage,
    living: weakref.ref[State],
    watches: set[Any],
    options: RerankOptions,
    rerank: Rerank,
) -> None:
    try:
        while True:
            with contextlib.suppress(Empty):
                outage.end_watch.get(timeout=max(0.0, outage.retry_at - time.monotonic()))
                return
            now, state = time.monotonic(), living()
            if state is None or now - outage.searched_at > _SEARCHED_WITHIN:
                return
            if state.breaker.takes_probe(outage, now):
                _probe(outage, state, options, rerank)
            del state
    finally:
        watches.discard(outage.end_watch)
        outage.unwatched.append(None)


def _probe(outage: Outage, state: State, options: RerankOptions, rerank: Rerank) -> None:
    query, text = outage.searched
    clients = Clients()
    try:
        port = Blocking(clients, options.http_client)
        run_blocking(rerank(port, options, state, query, [Document(text, text)], None, None))
    except Exception as error:
        # A real call has to show what does not pass.
        if not (isinstance(error, AssistersError) and is_no_answer(error)):
            state.breaker.answered(shown(options.base_url))
    finally:
        clients.close()
