"""A rerank as a run in LangChain's callbacks, so that LangSmith and OpenInference show it.

It is reported as a retriever run: that is the kind which has a query going in and documents
coming out. Compressors get no run from LangChain itself.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from langchain_core.callbacks import (
    AsyncCallbackManager,
    AsyncCallbackManagerForRetrieverRun,
    CallbackManager,
    CallbackManagerForRetrieverRun,
)
from langchain_core.documents import Document
from langchain_core.runnables import RunnableConfig
from langchain_core.tracers.base import BaseTracer

from assisters_rerank import Ranking
from assisters_rerank.plugins import LeastScore, shown_threshold


class Traced(Protocol):
    """What a run says of the reranker."""

    model: str
    top_n: int | None

    @property
    def score_threshold(self) -> LeastScore | None:
        """The option."""
        ...

    def get_name(self) -> str:
        """The run's name, unless the config has one."""
        ...


@dataclass(slots=True)
class Trace:
    """What a run reports at its end."""

    documents: Sequence[Document] = ()
    ranking: Ranking | None = None

    def finish(self, documents: Sequence[Document], ranking: Ranking) -> None:
        """Notes the result."""
        self.documents, self.ranking = documents, ranking

    def outcome(self) -> dict[str, Any]:
        """What there is to say of the result: usage, and whether it is degraded."""
        ranking = self.ranking
        if ranking is None:
            return {}
        usage = ranking.usage
        outcome: dict[str, Any] = {
            "usage": usage.figures(),
            "model": ranking.model,
            "truncated": ranking.truncated,
            "context_tokens": ranking.context_tokens,
            "rerank_degraded": ranking.degraded,
            "rerank_degraded_reason": ranking.degraded_reason,
        }
        if usage.models:
            outcome["ls_model_name"] = usage.models[0]  # at the start it may be "auto"
        if usage.cost is not None:
            # Where LangSmith looks for what a run cost that is not a language model's.
            outcome["usage_metadata"] = {"total_cost": usage.cost}
        return outcome


@contextmanager
def traced(
    reranker: Traced, query: str, config: RunnableConfig, top_n: object, score_threshold: object
) -> Iterator[Trace]:
    """Reports the block as a run, with its result or its error."""
    manager = CallbackManager.configure(**_described(reranker, config, top_n, score_threshold))
    trace = Trace()
    if not manager.handlers:  # nobody would see a run
        yield trace
        return
    run = manager.on_retriever_start(None, query, **_named(reranker, config))
    try:
        yield trace
    except BaseException as error:
        run.on_retriever_error(error)
        raise
    run.on_retriever_end(trace.documents, **_noted(run, trace))


@asynccontextmanager
async def atraced(
    reranker: Traced, query: str, config: RunnableConfig, top_n: object, score_threshold: object
) -> AsyncIterator[Trace]:
    """`traced` for async handlers."""
    manager = AsyncCallbackManager.configure(**_described(reranker, config, top_n, score_threshold))
    trace = Trace()
    if not manager.handlers:
        yield trace
        return
    run = await manager.on_retriever_start(None, query, **_named(reranker, config))
    try:
        yield trace
    except GeneratorExit:
        raise  # the call is thrown away, and must not wait for a handler
    except BaseException as error:
        await run.on_retriever_error(error)
        raise
    await run.on_retriever_end(trace.documents, **_noted(run, trace))


def _noted(
    run: CallbackManagerForRetrieverRun | AsyncCallbackManagerForRetrieverRun, trace: Trace
) -> dict[str, Any]:
    """The outcome, which is added to the run's metadata too: tracers send these at its end."""
    outcome = trace.outcome()
    run.metadata.update(outcome)
    for handler in run.handlers:
        # LangSmith's tracer has a copy of them where it added some of its own (a thread's id).
        if isinstance(handler, BaseTracer) and (traced := handler.run_map.get(str(run.run_id))):
            traced.metadata.update(outcome)
    return outcome


def _described(
    reranker: Traced, config: RunnableConfig, top_n: object, score_threshold: object
) -> dict[str, Any]:
    about = {
        "ls_retriever_name": type(reranker).__name__.lower(),  # else that of the retriever around
        "ls_provider": "assisters",
        "ls_model_name": reranker.model,
        "top_n": reranker.top_n if top_n is ... else top_n,
        "score_threshold": shown_threshold(
            reranker.score_threshold if score_threshold is ... else score_threshold, reranker.model
        ),
    }
    return {
        "inheritable_callbacks": config.get("callbacks"),
        "inheritable_tags": config.get("tags"),
        "inheritable_metadata": config.get("metadata"),
        "local_metadata": about,
    }


def _named(reranker: Traced, config: RunnableConfig) -> dict[str, Any]:
    return {"name": config.get("run_name") or reranker.get_name(), "run_id": config.get("run_id")}
