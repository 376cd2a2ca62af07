"""Rerank with the Assisters API, or with any server that speaks its dialect.

The names below are loaded at first use, so that the command line can show its help at once.
"""

from .lazy_names import lazy_names
from .version import __version__

TYPE_CHECKING = False  # as type checkers know it, without the time that `typing` takes
if TYPE_CHECKING:
    from .cache.memory_cache import MemoryCache
    from .cache.score_cache import CachedScore, ScoreCache
    from .cache.sqlite_cache import SqliteCache
    from .catalogue import CATALOGUE, RerankModel
    from .checking import ServerReport, acheck_server, check_server
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
    from .ranking import Document as Document
    from .ranking import RankedDocument, Ranking, ScoredPassage, Selection
    from .reranker import Reranker
    from .text.passages import Passage
    from .text.tokens import estimate_tokens
    from .usage import Usage
    from .wire.dialects import Dialect

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
    "ScoredPassage",
    "Selection",
    "ServerReport",
    "SqliteCache",
    "StatusError",
    "TooLongError",
    "TransportError",
    "Usage",
    "__version__",
    "acheck_server",
    "arerank",
    "check_server",
    "estimate_tokens",
    "rerank",
]

if not TYPE_CHECKING:  # type checkers would take any name for one of ours
    __getattr__, __dir__ = lazy_names(
        __name__,
        __all__,
        {
            "MemoryCache": "cache.memory_cache",
            "CachedScore": "cache.score_cache",
            "ScoreCache": "cache.score_cache",
            "SqliteCache": "cache.sqlite_cache",
            "CATALOGUE": "catalogue",
            "RerankModel": "catalogue",
            "ServerReport": "checking",
            "acheck_server": "checking",
            "check_server": "checking",
            "Embedder": "embedder",
            "AssistersError": "errors",
            "AuthenticationError": "errors",
            "BudgetExceeded": "errors",
            "ConfigurationError": "errors",
            "ContractError": "errors",
            "InvalidRequestError": "errors",
            "QuotaExceededError": "errors",
            "RateLimitError": "errors",
            "StatusError": "errors",
            "TooLongError": "errors",
            "TransportError": "errors",
            "arerank": "functions",
            "rerank": "functions",
            "EmbeddingOptions": "options.embedding_options",
            "Price": "options.prices",
            "RerankOptions": "options.rerank_options",
            "Document": "ranking",
            "RankedDocument": "ranking",
            "Ranking": "ranking",
            "ScoredPassage": "ranking",
            "Selection": "ranking",
            "Reranker": "reranker",
            "Passage": "text.passages",
            "estimate_tokens": "text.tokens",
            "Usage": "usage",
            "Dialect": "wire.dialects",
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
