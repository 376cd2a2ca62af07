"""Assisters for LangChain: embed and rerank the documents of a chain or a retriever."""

from .embeddings import AssistersEmbeddings
from .rerank import AssistersRerank, RerankInput
from .retriever import RerankRetriever

__all__ = ["AssistersEmbeddings", "AssistersRerank", "RerankInput", "RerankRetriever"]
