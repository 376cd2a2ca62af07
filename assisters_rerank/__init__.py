"""Rerank with the Assisters API, or with any server that speaks its dialect."""

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
    TransportError,
)
from .functions import arerank, rerank
from .models import CATALOGUE, RerankModel
from .options import RerankOptions
from .ranking import Document, RankedDocument, Ranking, Usage
from .reranker import Reranker

__all__ = [
    "CATALOGUE",
    "AssistersError",
    "AuthenticationError",
    "BudgetExceeded",
    "ConfigurationError",
    "ContractError",
    "Document",
    "InvalidRequestError",
    "QuotaExceededError",
    "RankedDocument",
    "Ranking",
    "RateLimitError",
    "RerankModel",
    "RerankOptions",
    "Reranker",
    "StatusError",
    "TransportError",
    "Usage",
    "arerank",
    "rerank",
]
