"""Assisters for LangChain: rerank the documents of a chain or a retriever."""

from .rerank import AssistersRerank, RerankInput
from .retriever import RerankRetriever

__all__ = ["AssistersRerank", "RerankInput", "RerankRetriever"]
