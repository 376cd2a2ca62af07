"""`RerankRetriever`: any retriever with a rerank after it; needs only langchain-core."""

from __future__ import annotations

from types import EllipsisType
from typing import Any

from langchain_core.callbacks import (
    AsyncCallbackManagerForRetrieverRun,
    CallbackManagerForRetrieverRun,
)
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever, RetrieverLike
from pydantic import Field

from assisters_rerank.plugins import STRICT, Settings, TopN

from .rerank import AssistersRerank


class RerankRetriever(Settings, BaseRetriever):
    """Fetches candidates with `base_retriever` and reranks them.

    Let the base retriever fetch more than you need (the service recommends 50 to 100 candidates)
    and give `top_n` here or in the call: `retriever.invoke(question, top_n=3)`. Other keywords of
    the call go to the base retriever.

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

    reranker: AssistersRerank = Field(default_factory=AssistersRerank)
    """The second stage."""

    top_n: TopN = None
    """Most documents to return; None: as many as the reranker's own top_n says."""

    def _get_relevant_documents(
        self,
        query: str,
        *,
        run_manager: CallbackManagerForRetrieverRun,
        top_n: int | EllipsisType | None = ...,
        **kwargs: Any,
    ) -> list[Document]:
        callbacks = run_manager.get_child()
        candidates = self.base_retriever.invoke(query, {"callbacks": callbacks}, **kwargs)
        return self.reranker.compress_documents(candidates, query, callbacks, **self._wanted(top_n))

    async def _aget_relevant_documents(
        self,
        query: str,
        *,
        run_manager: AsyncCallbackManagerForRetrieverRun,
        top_n: int | EllipsisType | None = ...,
        **kwargs: Any,
    ) -> list[Document]:
        callbacks = run_manager.get_child()
        candidates = await self.base_retriever.ainvoke(query, {"callbacks": callbacks}, **kwargs)
        return await self.reranker.acompress_documents(
            candidates, query, callbacks, **self._wanted(top_n)
        )

    def _wanted(self, top_n: int | EllipsisType | None) -> dict[str, Any]:
        """The keywords of the reranker's call, next to LangChain's own arguments."""
        if top_n is ...:
            return {} if self.top_n is None else {"top_n": self.top_n}
        return {"top_n": top_n}
