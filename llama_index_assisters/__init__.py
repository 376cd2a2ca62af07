"""Assisters for LlamaIndex: rerank the nodes of a query engine."""

from .rerank import AssistersRerank

__all__ = ["AssistersRerank"]
