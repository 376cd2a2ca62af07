"""Rerank with the Assisters API, or with any server that speaks its dialect."""

from .cache.memory_cache import MemoryCache
from .cache.score_cache import CachedScore, ScoreCache
from .cache.sqlite_cache import SqliteCache
from .catalogue import CATALOGUE, RerankModel
from .embedder import Embedder
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
from .options.embedding_options import EmbeddingOptions
from .options.prices import Price
from .options.rerank_options import RerankOptions
from .ranking import Document, RankedDocument, Ranking
from .reranker import Reranker
from .text.passages import Passage
from .text.tokens import estimate_tokens
from .usage import Usage
from .version import __version__
from .wire.dialects import Dialect

__all__ = [
    "CATALOGUE",
    "AssistersError",
    "AuthenticationError",
    "BudgetExceeded",
    "CachedScore",
    "ConfigurationError",
    "ContractError",
    "Dialect",
    "Document",
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
