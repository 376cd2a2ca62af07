"""Assisters for LlamaIndex: embed and rerank the nodes of a query engine."""

from .embedding import AssistersEmbedding
from .rerank import AssistersRerank

__all__ = ["AssistersEmbedding", "AssistersRerank"]
