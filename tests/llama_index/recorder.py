"""Handlers that keep what LlamaIndex's instrumentation and its callback manager are told."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from llama_index.core.callbacks import CBEventType
from llama_index.core.callbacks.base_handler import BaseCallbackHandler
from llama_index.core.instrumentation import get_dispatcher
from llama_index.core.instrumentation.event_handlers import BaseEventHandler
from llama_index.core.instrumentation.events import BaseEvent
from llama_index.core.instrumentation.events.rerank import ReRankEndEvent, ReRankStartEvent
from llama_index.core.instrumentation.span import BaseSpan
from llama_index.core.instrumentation.span_handlers import BaseSpanHandler
from llama_index_instrumentation.dispatcher import Dispatcher
from pydantic import PrivateAttr


@dataclass
class Span:
    """One span: what was called, under which span, and how it ended."""

    id: str
    parent: str | None
    arguments: dict[str, Any]
    result: Any = None
    error: BaseException | None = None
    ended: bool = False

    @property
    def called(self) -> str:
        return self.id.partition("-")[0]


@dataclass
class Recorded:
    """Events and spans in the order in which they were told."""

    events: list[BaseEvent] = field(default_factory=list)
    spans: dict[str, Span] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)

    def reranks(self) -> tuple[ReRankStartEvent, ReRankEndEvent]:
        """The start and the end, of which there must be one each, in this order."""
        both = [e for e in self.events if isinstance(e, (ReRankStartEvent, ReRankEndEvent))]
        start, end = both
        assert isinstance(start, ReRankStartEvent)
        assert isinstance(end, ReRankEndEvent)
        return start, end

    def span(self, called: str) -> Span:
        [span] = [span for span in self.spans.values() if span.called == called]
        assert span.ended
        return span

    def everything(self) -> str:
        told = [repr(event) + event.model_dump_json() for event in self.events]
        return "".join(told) + repr(self.spans)


class _Events(BaseEventHandler):
    _recorded: Recorded = PrivateAttr()

    @classmethod
    def class_name(cls) -> str:
        return "RecordingEvents"

    def handle(self, event: BaseEvent, **_: Any) -> None:
        self._recorded.events.append(event)
        self._recorded.order.append(event.class_name())


class _Spans(BaseSpanHandler[BaseSpan]):
    _recorded: Recorded = PrivateAttr()

    @classmethod
    def class_name(cls) -> str:
        return "RecordingSpans"

    def new_span(
        self,
        id_: str,
        bound_args: inspect.BoundArguments,
        instance: Any = None,
        parent_span_id: str | None = None,
        tags: dict[str, Any] | None = None,
        **_: Any,
    ) -> BaseSpan:
        self._recorded.spans[id_] = Span(id_, parent_span_id, dict(bound_args.arguments))
        self._recorded.order.append("enter")
        return BaseSpan(id_=id_, parent_id=parent_span_id)

    def prepare_to_exit_span(
        self,
        id_: str,
        bound_args: inspect.BoundArguments,
        instance: Any = None,
        result: Any = None,
        **_: Any,
    ) -> BaseSpan:
        span = self._recorded.spans[id_]
        span.result, span.ended = result, True
        self._recorded.order.append("exit")
        return self.open_spans[id_]

    def prepare_to_drop_span(
        self,
        id_: str,
        bound_args: inspect.BoundArguments,
        instance: Any = None,
        err: BaseException | None = None,
        **_: Any,
    ) -> BaseSpan:
        span = self._recorded.spans[id_]
        span.error, span.ended = err, True
        self._recorded.order.append("drop")
        return self.open_spans[id_]


@contextmanager
def recording(at: Dispatcher | None = None) -> Iterator[Recorded]:
    """Listens at the root, as observability tools do, or elsewhere, until the block ends."""
    recorded = Recorded()
    events, spans = _Events(), _Spans()
    events._recorded = spans._recorded = recorded
    heard = get_dispatcher() if at is None else at
    event_handlers, span_handlers = list(heard.event_handlers), list(heard.span_handlers)
    heard.add_event_handler(events)
    heard.add_span_handler(spans)
    try:
        yield recorded
    finally:
        heard.event_handlers, heard.span_handlers = event_handlers, span_handlers


class Legacy(BaseCallbackHandler):
    """A handler of the older callback manager."""

    def __init__(self) -> None:
        super().__init__([], [])
        self.told: list[tuple[str, CBEventType, dict[Any, Any], str]] = []

    def on_event_start(
        self,
        event_type: CBEventType,
        payload: dict[str, Any] | None = None,
        event_id: str = "",
        parent_id: str = "",
        **_: Any,
    ) -> str:
        self.told.append(("start", event_type, dict(payload or {}), event_id))
        return event_id

    def on_event_end(
        self,
        event_type: CBEventType,
        payload: dict[str, Any] | None = None,
        event_id: str = "",
        **_: Any,
    ) -> None:
        self.told.append(("end", event_type, dict(payload or {}), event_id))

    def start_trace(self, trace_id: str | None = None) -> None:
        pass

    def end_trace(
        self, trace_id: str | None = None, trace_map: dict[str, list[str]] | None = None
    ) -> None:
        pass

    def rerank(self) -> tuple[dict[Any, Any], dict[Any, Any]]:
        """The payloads of the one rerank that was told, at its start and at its end."""
        [start, end] = [told for told in self.told if told[1] == CBEventType.RERANKING]
        assert (start[0], end[0]) == ("start", "end")
        assert start[3] == end[3] != ""
        return start[2], end[2]
