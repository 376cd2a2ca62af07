"""The config of a call, for methods that LangChain hands none, also if a subclass calls them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass

from langchain_core.callbacks import BaseCallbackManager, Callbacks
from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import ensure_config

from assisters_rerank import ConfigurationError
from assisters_rerank.plugins import named_kind


@dataclass(slots=True)
class _Call:
    """An `invoke` at work. Its copies in other tasks and threads are this one object."""

    receiver: object
    config: RunnableConfig
    named: bool = False


_CALL: ContextVar[_Call | None] = ContextVar("assisters_call", default=None)


@contextmanager
def called(receiver: object, config: RunnableConfig | None) -> Iterator[RunnableConfig]:
    """Keeps an `invoke`'s config for the methods of the receiver that it calls; yields it whole."""
    config = ensure_config(config)
    token = _CALL.set(_Call(receiver, config))
    try:
        yield config
    finally:
        # A coroutine that is thrown away is closed in some other context.
        with suppress(ValueError):
            _CALL.reset(token)


def config_of(receiver: object, callbacks: Callbacks | None = None) -> RunnableConfig:
    """The config of the receiver's `invoke` around, else that of the chain around.

    `run_name` and `run_id` are for one run: whoever asks again gets neither.

    Raises:
        ConfigurationError: `callbacks` are none; something else was given in their place.
    """
    if not isinstance(callbacks, list | BaseCallbackManager | None):
        raise ConfigurationError(
            "callbacks: give a list of handlers or a callback manager, not "
            f"{named_kind(callbacks)}; other arguments are given by their names."
        )
    given: RunnableConfig | None = None if callbacks is None else {"callbacks": callbacks}
    call = _CALL.get()
    if call is None or call.receiver is not receiver:
        return ensure_config(given)
    config: RunnableConfig = {**call.config, **(given or {})}
    if call.named:
        config.pop("run_name", None)
        config.pop("run_id", None)
    call.named = True
    return config
