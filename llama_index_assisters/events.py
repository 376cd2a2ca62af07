"""A rerank in LlamaIndex's instrumentation: a start event is always followed by its end event.

Also on an empty list, a failure and a passthrough. The older callback manager, which some
observability tools still listen to, is told the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypedDict

from llama_index.core.callbacks import CBEventType, EventPayload
from llama_index.core.instrumentation.events.rerank import ReRankEndEvent, ReRankStartEvent
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.schema import NodeWithScore
from llama_index_instrumentation.dispatcher import Dispatcher

from assisters_rerank import Ranking
from assisters_rerank.plugins import LeastScore

from .spans import is_heard


class CallOptions(TypedDict):
    """What a call may change, as it holds for this one."""

    top_n: int | None
    score_threshold: LeastScore | None


class GivenOptions(TypedDict, total=False):
    """What a call may be given instead of the options of these names."""

    top_n: int | None
    score_threshold: LeastScore | None


Report = Callable[[list[NodeWithScore], Ranking], list[NodeWithScore]]


@contextmanager
def reported(
    dispatcher: Dispatcher,
    postprocessor: BaseNodePostprocessor,
    query: str,
    nodes: list[NodeWithScore],
    *,
    model: str,
    options: CallOptions,
) -> Iterator[Report]:
    """Reports the block as a rerank; hand the result through the function that it yields.

    The threshold is among both events' `tags`, what the ranking took among the end event's; in the
    older one's payloads they are under `additional_kwargs`.
    """
    top_n, threshold = options["top_n"], {"score_threshold": options["score_threshold"]}
    wanted = len(nodes) if top_n is None else top_n  # the event demands a number
    result: list[NodeWithScore] = []
    outcome: dict[str, object] = {}

    def report(nodes: list[NodeWithScore], ranking: Ranking) -> list[NodeWithScore]:
        result.extend(nodes)
        outcome.update(
            threshold,
            model=ranking.model,
            usage=ranking.usage.figures(),
            truncated=ranking.truncated,
            context_tokens=ranking.context_tokens,
            rerank_degraded=ranking.degraded,
            rerank_degraded_reason=ranking.degraded_reason,
        )
        return nodes

    if is_heard(dispatcher):
        dispatcher.event(
            ReRankStartEvent(
                query=query, nodes=nodes, top_n=wanted, model_name=model, tags=dict(threshold)
            )
        )
    try:
        if postprocessor.callback_manager.handlers:
            payload: dict[str, object] = {
                EventPayload.NODES: nodes,
                EventPayload.MODEL_NAME: model,
                EventPayload.QUERY_STR: query,
                EventPayload.TOP_K: wanted,
                EventPayload.ADDITIONAL_KWARGS: threshold,
            }
            with postprocessor.callback_manager.event(CBEventType.RERANKING, payload) as event:
                yield report
                event.on_end({EventPayload.NODES: result, EventPayload.ADDITIONAL_KWARGS: outcome})
        else:
            yield report
    finally:
        if is_heard(dispatcher):
            dispatcher.event(ReRankEndEvent(nodes=result, tags=outcome))
