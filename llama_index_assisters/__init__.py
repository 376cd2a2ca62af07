"""Assisters for LlamaIndex: embed and rerank the nodes of a query engine.

- `rerank` is the node postprocessor, `nodes` translates nodes in and out;
- `events` writes LlamaIndex's events and spans, `components` serves its dumps;
- `embedding` is for indexes.
"""

from __future__ import annotations

try:
    from .embedding import AssistersEmbedding
    from .rerank import AssistersRerank
except ModuleNotFoundError as error:
    if error.name not in ("llama_index", "llama_index.core"):
        raise
    raise ModuleNotFoundError(
        'llama-index-core is not installed; run: pip install "assisters-rerank[llama-index]"',
        name=error.name,
    ) from error

__all__ = ["AssistersEmbedding", "AssistersRerank"]
