"""What lives as long as the object that calls the service: its connections, pace, total usage."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from pydantic import PrivateAttr

from .call.state import State
from .errors import ConfigurationError
from .net import Blocking, Evented, Port, loops
from .net.clients import Clients, HttpClient
from .options.service_options import ServiceOptions
from .settings import STRICT_BASE, check_names
from .usage import Usage
from .wire.address import short_form


class Connected(ServiceOptions):
    """Options with connections behind them, for any number of threads and event loops."""

    model_config = STRICT_BASE

    _state: State = PrivateAttr(default_factory=State)
    _borrowed: bool = PrivateAttr(default=False)  # the state is another object's, which closes it

    def _blocking_port(self, make: Callable[[Clients, HttpClient | None], Port] = Blocking) -> Port:
        """The world of sync calls, made by `make`.

        Raises:
            ConfigurationError: async calls have a client of the user's, and these have none.
        """
        self._tell_what_was_left_out()
        if self.http_client is None and self.async_http_client is not None:
            raise _one_sided("http_client", "httpx.Client", "async_http_client", "sync")
        return make(self._state.clients, self.http_client)

    async def _evented_port(self) -> Evented:
        """The world of async calls, likewise."""
        self._tell_what_was_left_out()
        if self.async_http_client is None and self.http_client is not None:
            raise _one_sided("async_http_client", "httpx.AsyncClient", "http_client", "async")
        if self.async_http_client is not None and self.async_transport == "aiohttp":
            raise ConfigurationError(
                "async_transport: async calls go through your async_http_client, not over aiohttp; "
                "leave one of the two out."
            )
        began = time.monotonic()
        await loops.prepare()
        spent = time.monotonic() - began
        return Evented(self._state.clients, self.async_http_client, self.async_transport, spent)

    @property
    def total_usage(self) -> Usage:
        """What all calls so far took, over all threads and event loops.

        Of a call that failed, the requests that were answered count; not its duplicates, cached
        documents, and requests that never got an answer.
        """
        return self._state.total_usage.sum

    def with_options(self, **changes: Any) -> Self:
        """The same with other options: over the same connections, into the same `total_usage`.

        The cache and your own clients are shared too, unless others are given, and the pace while
        `base_url` and the key stay the same. Only the original closes the connections, for all.

        Raises:
            ConfigurationError: an unknown or impossible setting.
        """
        check_names(type(self), changes)
        changed = self.model_copy(update=changes)
        changed._share(self)
        return changed

    def _share(self, other: Connected) -> None:
        """Lives from now on with what `other` holds."""
        same = _account(self) == _account(other)
        self._state = other._state if same else other._state.elsewhere()
        self._borrowed = True

    def close(self) -> None:
        """Closes the connections of sync calls. A later call opens new ones.

        What `with_options` has made closes nothing.
        """
        if not self._borrowed:
            self._state.close()

    async def aclose(self) -> None:
        """Closes the connections of the running event loop, and those of sync calls."""
        if not self._borrowed:
            self._state.close()
            await self._state.clients.aclose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    def __copy__(self) -> Self:
        copied = super().__copy__()
        copied._state = State()
        copied._borrowed = False
        return copied

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        copied = super().__deepcopy__(memo)
        copied._borrowed = False  # its state is a new one
        return copied

    def __setstate__(self, state: dict[Any, Any]) -> None:
        super().__setstate__(state)
        self._borrowed = False


def _account(options: ServiceOptions) -> tuple[str, str | None]:
    """Whose limits the server counts against."""
    try:
        key = options.resolve_api_key()
    except ConfigurationError:  # there is none yet
        key = None
    return short_form(options.base_url), None if key is None else key.get_secret_value()


def _one_sided(missing: str, kind: str, given: str, colour: str) -> ConfigurationError:
    return ConfigurationError(
        f"{missing}: {given} is given without it, and this {colour} call would not go through "
        f"your client; give an {kind} with the same settings as well."
    )
