"""Callback handlers that keep every retriever event they are told, sync and async."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from langchain_core.callbacks import AsyncCallbackHandler, BaseCallbackHandler
from langchain_core.documents import Document


@dataclass
class RetrieverRun:
    """One run as the handlers saw it."""

    id: UUID
    parent: UUID | None
    name: str
    query: str
    metadata: dict[str, Any]
    tags: list[str]
    documents: list[Document] | None = None
    error: BaseException | None = None
    end: dict[str, Any] = field(default_factory=dict)


class Recorded:
    """The runs by name; a run that is not both started and ended once is a failure."""

    def __init__(self) -> None:
        self.runs: dict[UUID, RetrieverRun] = {}
        self.everything: list[object] = []

    def started(self, query: str, run_id: UUID, told: dict[str, Any]) -> None:
        assert run_id not in self.runs
        self.everything += [query, told]
        self.runs[run_id] = RetrieverRun(
            run_id,
            told.get("parent_run_id"),
            told["name"],
            query,
            # A copy: what is added later must not pass as told at the start.
            dict(told["metadata"]),
            list(told["tags"]),
        )

    def ended(
        self,
        run_id: UUID,
        told: dict[str, Any],
        documents: Sequence[Document] | None = None,
        error: BaseException | None = None,
    ) -> None:
        self.everything += [documents, repr(error), str(error), told]
        run = self.runs[run_id]
        assert (run.documents, run.error) == (None, None)
        run.documents = None if documents is None else list(documents)
        run.error, run.end = error, told

    def named(self, name: str) -> RetrieverRun:
        [run] = [run for run in self.runs.values() if run.name == name]
        assert (run.documents is None) != (run.error is None)
        return run


class BlockingRecorder(BaseCallbackHandler):
    """For sync and async chains; `raise_error` makes its assertions count."""

    raise_error = True

    def __init__(self) -> None:
        self.recorded = Recorded()

    def on_retriever_start(
        self, serialized: dict[str, Any], query: str, *, run_id: UUID, **told: Any
    ) -> None:
        self.recorded.started(query, run_id, told)

    def on_retriever_end(self, documents: Sequence[Document], *, run_id: UUID, **told: Any) -> None:
        self.recorded.ended(run_id, told, documents=documents)

    def on_retriever_error(self, error: BaseException, *, run_id: UUID, **told: Any) -> None:
        self.recorded.ended(run_id, told, error=error)


class EventedRecorder(AsyncCallbackHandler):
    """For async chains."""

    raise_error = True

    def __init__(self) -> None:
        self.recorded = Recorded()

    async def on_retriever_start(
        self, serialized: dict[str, Any], query: str, *, run_id: UUID, **told: Any
    ) -> None:
        self.recorded.started(query, run_id, told)

    async def on_retriever_end(
        self, documents: Sequence[Document], *, run_id: UUID, **told: Any
    ) -> None:
        self.recorded.ended(run_id, told, documents=documents)

    async def on_retriever_error(self, error: BaseException, *, run_id: UUID, **told: Any) -> None:
        self.recorded.ended(run_id, told, error=error)
