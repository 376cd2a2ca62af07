"""`AssistersEmbeddings`: vectors for LangChain's vector stores."""

from __future__ import annotations

from langchain_core.embeddings import Embeddings

from assisters_rerank import Embedder
from assisters_rerank.plugins import STRICT


class AssistersEmbeddings(Embedder, Embeddings):
    """Embeds documents and queries with the service, for the first stage of a search.

    The core's `Embedder` has LangChain's own method names, sync and async. The options are those
    of `assisters_rerank.EmbeddingOptions`; E5 models get their prefixes without being told.

    Example:
        >>> from langchain_assisters import AssistersEmbeddings
        >>> store = InMemoryVectorStore.from_texts(texts, AssistersEmbeddings())
    """

    model_config = STRICT
