"""`RerankRetriever`: any retriever with a rerank after it; needs only langchain-core."""

from __future__ import annotations

from types import EllipsisType
from typing import Annotated, Any

from langchain_core.callbacks import (
    AsyncCallbackManagerForRetrieverRun,
    CallbackManagerForRetrieverRun,
)
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever, RetrieverLike
from langchain_core.runnables import ConfigurableFieldSpec, RunnableConfig, RunnableSerializable
from langchain_core.runnables.config import ensure_config, patch_config
from langchain_core.runnables.configurable import DynamicRunnable
from langchain_core.runnables.utils import get_unique_config_specs
from pydantic import Field, PlainValidator, SerializeAsAny

from assisters_rerank.plugins import STRICT, ScoreThreshold, Settings, TopN

from .rerank import AssistersRerank


def _reranker(value: object) -> object:
    # pydantic would make a new object of a wrapper's generic type instead of checking it.
    if isinstance(value.default if isinstance(value, DynamicRunnable) else value, AssistersRerank):
        return value
    if isinstance(value, dict):
        return AssistersRerank(**value)
    raise ValueError(
        f"give an AssistersRerank, or one made configurable, not {type(value).__name__}"
    )


class RerankRetriever(Settings, BaseRetriever):
    """Fetches candidates with `base_retriever` and reranks them.

    Let the base retriever fetch more than you need (the service recommends 50 to 100 candidates)
    and give `top_n` and `score_threshold` here or in the call: `retriever.invoke(question,
    top_n=3)`. Other keywords of the call go to the base retriever, and so does the call's config:
    configurable fields, tags and metadata. A threshold of the base retriever's own scores is set
    in its constructor.

    Example:
        >>> from langchain_assisters import AssistersRerank, RerankRetriever
        >>> retriever = RerankRetriever(
        ...     base_retriever=store.as_retriever(search_kwargs={"k": 50}),
        ...     reranker=AssistersRerank(),
        ...     top_n=5,
        ... )
    """

    model_config = STRICT

    base_retriever: RetrieverLike
    """The first stage."""

    reranker: Annotated[
        SerializeAsAny[AssistersRerank | RunnableSerializable[Any, list[Document]]],
        PlainValidator(_reranker),
    ] = Field(default_factory=AssistersRerank)
    """The second stage; also one with `configurable_fields`."""

    top_n: TopN = None
    """Most documents to return; None: as many as the reranker's own top_n says."""

    score_threshold: ScoreThreshold = None
    """Least relevance score to return; None: the reranker's own score_threshold."""

    @property
    def config_specs(self) -> list[ConfigurableFieldSpec]:
        """What can be configured in a call: the base retriever's fields and the reranker's."""
        specs = [*self.base_retriever.config_specs, *self.reranker.config_specs]
        return get_unique_config_specs(specs)

    def invoke(
        self, input: str, config: RunnableConfig | None = None, **kwargs: Any
    ) -> list[Document]:
        """The reranked documents for a query."""
        # LangChain hands no config to `_get_relevant_documents`; a filter may be in it.
        config = ensure_config(config)
        return super().invoke(input, config, call_config=config, **kwargs)

    async def ainvoke(
        self, input: str, config: RunnableConfig | None = None, **kwargs: Any
    ) -> list[Document]:
        """`invoke` without blocking the event loop."""
        config = ensure_config(config)
        return await super().ainvoke(input, config, call_config=config, **kwargs)

    def _get_relevant_documents(
        self,
        query: str,
        *,
        run_manager: CallbackManagerForRetrieverRun,
        call_config: RunnableConfig | None = None,
        top_n: int | EllipsisType | None = ...,
        score_threshold: float | EllipsisType | None = ...,
        **kwargs: Any,
    ) -> list[Document]:
        config = patch_config(call_config, callbacks=run_manager.get_child())
        candidates = self.base_retriever.invoke(query, config, **kwargs)
        return self.reranker.invoke(
            {"query": query, "documents": candidates},
            config,
            **self._call_options(top_n, score_threshold),
        )

    async def _aget_relevant_documents(
        self,
        query: str,
        *,
        run_manager: AsyncCallbackManagerForRetrieverRun,
        call_config: RunnableConfig | None = None,
        top_n: int | EllipsisType | None = ...,
        score_threshold: float | EllipsisType | None = ...,
        **kwargs: Any,
    ) -> list[Document]:
        config = patch_config(call_config, callbacks=run_manager.get_child())
        candidates = await self.base_retriever.ainvoke(query, config, **kwargs)
        return await self.reranker.ainvoke(
            {"query": query, "documents": candidates},
            config,
            **self._call_options(top_n, score_threshold),
        )

    def _call_options(
        self, top_n: int | EllipsisType | None, score_threshold: float | EllipsisType | None
    ) -> dict[str, Any]:
        """The call's options, else the retriever's; without either, the reranker has its own."""
        options: dict[str, Any] = {}
        if self.top_n is not None or top_n is not ...:
            options["top_n"] = self.top_n if top_n is ... else top_n
        if self.score_threshold is not None or score_threshold is not ...:
            options["score_threshold"] = (
                self.score_threshold if score_threshold is ... else score_threshold
            )
        return options
