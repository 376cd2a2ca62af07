"""Rerank with the Assisters API, or with any server that speaks its dialect.

What a rerank needs is loaded at once, so that no event loop has to wait for it; the rest at first
use.
"""

from typing import TYPE_CHECKING

from .cache.memory_cache import MemoryCache
from .cache.score_cache import CachedScore, ScoreCache
from .catalogue import CATALOGUE, RerankModel
from .errors import (
    AssistersError,
    AuthenticationError,
    BudgetExceeded,
    ConfigurationError,
    ContractError,
    InvalidRequestError,
    QuotaExceededError,
    RateLimitError,
    StatusError,
    TooLongError,
    TransportError,
)
from .functions import arerank, rerank
from .lazy_names import lazy_names
from .options.prices import Price
from .options.rerank_options import RerankOptions
from .ranking import Document as Document
from .ranking import RankedDocument, Ranking
from .reranker import Reranker
from .text.passages import Passage
from .text.tokens import estimate_tokens
from .usage import Usage
from .version import __version__
from .wire.dialects import Dialect

if TYPE_CHECKING:
    from .cache.sqlite_cache import SqliteCache
    from .embedder import Embedder
    from .options.embedding_options import EmbeddingOptions

# Without `Document`: both frameworks have one, which `import *` would hide.
__all__ = [
    "CATALOGUE",
    "AssistersError",
    "AuthenticationError",
    "BudgetExceeded",
    "CachedScore",
    "ConfigurationError",
    "ContractError",
    "Dialect",
    "Embedder",
    "EmbeddingOptions",
    "InvalidRequestError",
    "MemoryCache",
    "Passage",
    "Price",
    "QuotaExceededError",
    "RankedDocument",
    "Ranking",
    "RateLimitError",
    "RerankModel",
    "RerankOptions",
    "Reranker",
    "ScoreCache",
    "SqliteCache",
    "StatusError",
    "TooLongError",
    "TransportError",
    "Usage",
    "__version__",
    "arerank",
    "estimate_tokens",
    "rerank",
]

if not TYPE_CHECKING:  # type checkers would take any name for one of ours
    __getattr__, __dir__ = lazy_names(
        __name__,
        __all__,
        {
            "Embedder": "embedder",
            "EmbeddingOptions": "options.embedding_options",
            "SqliteCache": "cache.sqlite_cache",
        },
        {
            "AssistersEmbedding": "from llama_index_assisters import AssistersEmbedding",
            "AssistersEmbeddings": "from langchain_assisters import AssistersEmbeddings",
            "AssistersRerank": (
                "from langchain_assisters import AssistersRerank for LangChain, "
                "from llama_index_assisters import AssistersRerank for LlamaIndex, or use Reranker"
            ),
            "LocalServer": "from assisters_rerank.local import LocalServer",
            "RerankInput": "from langchain_assisters import RerankInput",
            "RerankRetriever": "from langchain_assisters import RerankRetriever",
            "service_or_local": "from assisters_rerank.local import service_or_local",
        },
    )
