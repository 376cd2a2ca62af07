"""Assisters for LangChain: embed and rerank the documents of a chain or a retriever.

- `rerank` is the document compressor, `retriever` puts it around another retriever;
- `call_config` takes a call's config along, `configurable` lets a call's config change its fields;
- `documents` translates documents in and out, `tracing` writes LangChain's runs;
- `embeddings` are for vector stores, `tool_selector` is for agents with many tools, `table` for
  notebooks.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

try:
    from .rerank import AssistersRerank, RerankInput
    from .retriever import RerankRetriever
except ModuleNotFoundError as error:
    if error.name != "langchain_core":
        raise
    raise ModuleNotFoundError(
        'langchain-core is not installed; run: pip install "assisters-rerank[langchain]"',
        name=error.name,
    ) from error

from assisters_rerank.plugins import lazy_names

if TYPE_CHECKING:
    from .embeddings import AssistersEmbeddings
    from .table import as_table
    from .tool_selector import RerankToolSelectorMiddleware

__all__ = [
    "AssistersEmbeddings",
    "AssistersRerank",
    "RerankInput",
    "RerankRetriever",
    "RerankToolSelectorMiddleware",
    "as_table",
]

if not TYPE_CHECKING:  # type checkers would take any name for one of ours
    if find_spec("langchain") is None:  # then `import *` has to do without
        __all__.remove("RerankToolSelectorMiddleware")
    __getattr__, __dir__ = lazy_names(
        __name__,
        __all__,
        {
            "AssistersEmbeddings": "embeddings",
            "RerankToolSelectorMiddleware": "tool_selector",
            "as_table": "table",
        },
        {
            "AssistersEmbedding": "AssistersEmbeddings for LangChain, or "
            "from llama_index_assisters import AssistersEmbedding for LlamaIndex",
            "Embedder": "from assisters_rerank import Embedder",
            "Reranker": "from assisters_rerank import Reranker",
        },
        (
            "RerankToolSelectorMiddleware needs the extra `agents`: "
            'pip install "assisters-rerank[agents]"',
            ("langchain", "langgraph"),
        ),
    )
