"""What lives as long as the object that calls the service: its connections, pace, total usage."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from pydantic import PrivateAttr

from .call.state import State
from .errors import ConfigurationError
from .net import Blocking, Evented, loops
from .options.service_options import ServiceOptions
from .settings import STRICT
from .usage import Usage


class Connected(ServiceOptions):
    """Options with connections behind them, for any number of threads and event loops."""

    model_config = STRICT

    _state: State = PrivateAttr(default_factory=State)

    def _blocking_port(self) -> Blocking:
        """The world of sync calls.

        Raises:
            ConfigurationError: async calls have a client of the user's, and these have none.
        """
        if self.http_client is None and self.async_http_client is not None:
            raise _one_sided("http_client", "httpx.Client", "async_http_client", "sync")
        return Blocking(self._state.clients, self.http_client)

    async def _evented_port(self) -> Evented:
        """The world of async calls, likewise."""
        if self.async_http_client is None and self.http_client is not None:
            raise _one_sided("async_http_client", "httpx.AsyncClient", "http_client", "async")
        await loops.prepare()
        return Evented(self._state.clients, self.async_http_client)

    @property
    def total_usage(self) -> Usage:
        """What all calls so far took, over all threads and event loops.

        Of a call that failed, the requests that were answered count; not its duplicates, cached
        documents, and requests that never got an answer.
        """
        return self._state.total_usage.sum

    def close(self) -> None:
        """Closes the connections of sync calls. A later call opens new ones."""
        self._state.clients.close()

    async def aclose(self) -> None:
        """Closes the connections of the running event loop, and those of sync calls."""
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
        return copied


def _one_sided(missing: str, kind: str, given: str, colour: str) -> ConfigurationError:
    return ConfigurationError(
        f"{missing}: {given} is given without it, and this {colour} call would not go through "
        f"your client; give an {kind} with the same settings as well."
    )
