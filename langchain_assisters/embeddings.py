"""`AssistersEmbeddings`: vectors for LangChain's vector stores."""

from __future__ import annotations

from collections.abc import Iterable

from langchain_core.embeddings import Embeddings
from langchain_core.runnables.config import run_in_executor

from assisters_rerank import Embedder
from assisters_rerank.plugins import STRICT, only_sync_is_overridden


class AssistersEmbeddings(Embedder, Embeddings):
    """Embeds documents and queries with the service, for the first stage of a search.

    The core's `Embedder` has LangChain's own method names, sync and async. The options are those
    of `assisters_rerank.EmbeddingOptions`; E5 models get their prefixes without being told.

    Examples:
        >>> from langchain_assisters import AssistersEmbeddings
        >>> store = InMemoryVectorStore.from_texts(texts, AssistersEmbeddings())
    """

    model_config = STRICT

    async def aembed_documents(self, texts: Iterable[str]) -> list[list[float]]:
        """`embed_documents` without blocking the event loop."""
        if only_sync_is_overridden(self, "embed_documents", "aembed_documents"):
            return await run_in_executor(None, self.embed_documents, texts)
        return await super().aembed_documents(texts)

    async def aembed_query(self, text: str) -> list[float]:
        """`embed_query` without blocking the event loop."""
        if only_sync_is_overridden(self, "embed_query", "aembed_query"):
            return await run_in_executor(None, self.embed_query, text)
        return await super().aembed_query(text)
