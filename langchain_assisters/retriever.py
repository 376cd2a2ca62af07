"""`RerankRetriever`: any retriever with a rerank after it; needs only langchain-core."""

from __future__ import annotations

from typing import Annotated, Any

from langchain_core.callbacks import (
    AsyncCallbackManagerForRetrieverRun,
    CallbackManagerForRetrieverRun,
)
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever, RetrieverLike
from langchain_core.runnables import ConfigurableFieldSpec, Runnable, RunnableConfig
from langchain_core.runnables.base import RunnableBindingBase
from langchain_core.runnables.config import patch_config, run_in_executor
from langchain_core.runnables.utils import get_unique_config_specs
from pydantic import Field, PlainValidator, SerializeAsAny, ValidationInfo, field_validator

from assisters_rerank.plugins import (
    STRICT,
    ScoreThreshold,
    Settings,
    TopN,
    check_models,
    named_kind,
    only_sync_is_overridden,
)

from .call_config import called, config_of
from .rerank import AssistersRerank


def _reranker(value: object) -> object:
    # pydantic would make a new object of a wrapper's generic type instead of checking it.
    if isinstance(_innermost(value), AssistersRerank):
        return value
    if isinstance(value, dict):
        return AssistersRerank(**value)
    raise ValueError(
        "give an AssistersRerank, or what LangChain's own methods (with_config, with_retry, "
        f"configurable_fields …) make of one, not {named_kind(value)}"
    )


def _innermost(value: object) -> object:
    """What LangChain's wrappers are around."""
    if isinstance(value, AssistersRerank):
        return value
    # Here, since who has no wrapper needs neither.
    from langchain_core.runnables.configurable import DynamicRunnable
    from langchain_core.runnables.fallbacks import RunnableWithFallbacks

    while True:
        if isinstance(value, DynamicRunnable):
            value = value.default
        elif isinstance(value, RunnableBindingBase):
            value = value.bound
        elif isinstance(value, RunnableWithFallbacks):
            value = value.runnable
        else:
            return value


def _with_run_id(config: RunnableConfig, keywords: dict[str, Any]) -> dict[str, Any]:
    # Of retrievers LangChain takes it only as a keyword, not from the config.
    run_id = config.get("run_id")
    return keywords if run_id is None else {"run_id": run_id, **keywords}


class RerankRetriever(Settings, BaseRetriever):
    """Fetches candidates with `base_retriever` and reranks them.

    Let the base retriever fetch more than you need (the service recommends 50 to 100 candidates)
    and give `top_n` and `score_threshold` here or in the call: `retriever.invoke(question,
    top_n=3)`. Other keywords of the call go to the base retriever, and so does the call's config:
    configurable fields, tags and metadata. A threshold of the base retriever's own scores is set
    in its constructor.

    Examples:
        >>> from langchain_assisters import AssistersRerank, RerankRetriever
        >>> retriever = RerankRetriever(
        ...     base_retriever=store.as_retriever(search_kwargs={"k": 50}),
        ...     reranker=AssistersRerank(),
        ...     top_n=5,
        ... )
    """

    model_config = STRICT

    base_retriever: RetrieverLike = Field(description="The first stage.")

    reranker: Annotated[
        SerializeAsAny[AssistersRerank | Runnable[Any, list[Document]]],
        PlainValidator(_reranker),
    ] = Field(
        default_factory=AssistersRerank,
        description=(
            "The second stage; also one with configurable_fields, with_config, with_fallbacks …"
        ),
    )
    top_n: TopN = Field(
        default=None,
        description="Most documents to return; without it, as many as the reranker's own top_n.",
    )
    score_threshold: ScoreThreshold = Field(
        default=None,
        description=(
            "Keep documents with a score >= this; without it, the reranker's own score_threshold."
        ),
    )

    @field_validator("base_retriever", mode="before")
    @classmethod
    def _a_first_stage(cls, value: object) -> object:
        if not isinstance(value, Runnable):
            raise ValueError(
                "give a retriever (of a vector store: store.as_retriever()) or another Runnable of "
                f"a question that returns documents, not {named_kind(value)}"
            )
        return value

    @field_validator("reranker", "score_threshold")
    @classmethod
    def _a_threshold_for_each_model(cls, value: Any, info: ValidationInfo) -> Any:
        given = {**info.data, str(info.field_name): value}
        # A call may give another model to one made configurable; that is checked in the call.
        if isinstance(given.get("reranker"), AssistersRerank) and "score_threshold" in given:
            check_models(given["score_threshold"], given["reranker"].model)
        return value

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
        with called(self, config) as config:
            return super().invoke(input, config, **_with_run_id(config, kwargs))

    async def ainvoke(
        self, input: str, config: RunnableConfig | None = None, **kwargs: Any
    ) -> list[Document]:
        """`invoke` without blocking the event loop."""
        with called(self, config) as config:
            return await super().ainvoke(input, config, **_with_run_id(config, kwargs))

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun, **keywords: Any
    ) -> list[Document]:
        options, others = self._divided(keywords)
        config = patch_config(config_of(self), callbacks=run_manager.get_child())
        candidates = self.base_retriever.invoke(query, config, **others)
        return self.reranker.invoke({"query": query, "documents": candidates}, config, **options)

    async def _aget_relevant_documents(
        self, query: str, *, run_manager: AsyncCallbackManagerForRetrieverRun, **keywords: Any
    ) -> list[Document]:
        if only_sync_is_overridden(self, "_get_relevant_documents", "_aget_relevant_documents"):
            sync = {"run_manager": run_manager.get_sync(), **keywords}
            return await run_in_executor(None, self._get_relevant_documents, query, **sync)
        options, others = self._divided(keywords)
        config = patch_config(config_of(self), callbacks=run_manager.get_child())
        candidates = await self.base_retriever.ainvoke(query, config, **others)
        given = {"query": query, "documents": candidates}
        return await self.reranker.ainvoke(given, config, **options)

    def _divided(self, keywords: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """A call's keywords: options of the reranker, and others, for the first stage."""
        own = {"top_n": self.top_n, "score_threshold": self.score_threshold}
        options = {name: value for name, value in own.items() if value is not None}
        options |= {name: value for name, value in keywords.items() if name in own}
        return options, {name: value for name, value in keywords.items() if name not in own}
