"""Assisters for LangChain: embed and rerank the documents of a chain or a retriever.

- `rerank` is the document compressor, `retriever` puts it around another retriever;
- `call_config` takes a call's config along, `configurable` lets a call's config change its fields;
- `documents` translates documents in and out, `tracing` writes LangChain's runs;
- `embeddings` are for vector stores.
"""

from __future__ import annotations

try:
    from .embeddings import AssistersEmbeddings
    from .rerank import AssistersRerank, RerankInput
    from .retriever import RerankRetriever
except ModuleNotFoundError as error:
    if error.name != "langchain_core":
        raise
    raise ModuleNotFoundError(
        'langchain-core is not installed; run: pip install "assisters-rerank[langchain]"',
        name=error.name,
    ) from error

__all__ = ["AssistersEmbeddings", "AssistersRerank", "RerankInput", "RerankRetriever"]
