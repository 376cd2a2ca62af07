"""What lives as long as the object that calls the service: its connections, pace, total usage."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from pydantic import PrivateAttr

from .call.state import State
from .options.service_options import ServiceOptions
from .settings import STRICT
from .usage import Usage


class Connected(ServiceOptions):
    """Options with connections behind them, for any number of threads and event loops."""

    model_config = STRICT

    _state: State = PrivateAttr(default_factory=State)

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
