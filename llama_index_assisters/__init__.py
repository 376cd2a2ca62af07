"""Assisters for LlamaIndex: embed and rerank the nodes of a query engine.

- `rerank` is the node postprocessor, `nodes` translates nodes in and out;
- `events` writes LlamaIndex's events, `spans` its spans, `components` serves its dumps;
- `embedding` is for indexes, `table` for notebooks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

try:
    from .rerank import AssistersRerank
except ModuleNotFoundError as error:
    if error.name not in ("llama_index", "llama_index.core"):
        raise
    raise ModuleNotFoundError(
        'llama-index-core is not installed; run: pip install "assisters-rerank[llama-index]"',
        name=error.name,
    ) from error

from assisters_rerank.plugins import lazy_names

if TYPE_CHECKING:
    from .embedding import AssistersEmbedding
    from .table import as_table

__all__ = ["AssistersEmbedding", "AssistersRerank", "as_table"]

if not TYPE_CHECKING:  # type checkers would take any name for one of ours
    __getattr__, __dir__ = lazy_names(
        __name__,
        __all__,
        {"AssistersEmbedding": "embedding", "as_table": "table"},
        {
            "AssistersEmbeddings": "AssistersEmbedding for LlamaIndex, or "
            "from langchain_assisters import AssistersEmbeddings for LangChain",
            "Embedder": "from assisters_rerank import Embedder",
            "RerankRetriever": "from langchain_assisters import RerankRetriever; in LlamaIndex "
            "give AssistersRerank to an engine as one of its node_postprocessors",
            "Reranker": "from assisters_rerank import Reranker",
        },
    )
