"""A server on the loopback interface that keeps the service's contract and needs no key.

    with LocalServer() as server:
        Reranker(base_url=server.base_url).rerank("a query", ["a document"])

- `server` runs it in a thread, `foreground` for the command line, both over `listening`, whose
  `connection` has the limits of time and number;
- `choosing` is for scripts that run with a key and without one;
- `http` is the web application, `scorers` makes its scores and embeddings.

The names below are loaded at first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy_names import lazy_names

if TYPE_CHECKING:
    from .choosing import Endpoint, service_or_local
    from .http.rate_limiter import RateLimits
    from .http.recorded import RecordedEmbedding, RecordedRequest
    from .scorers.cross_encoder import CrossEncoderScorer
    from .scorers.encoder import Encoder, load_encoder
    from .scorers.scorer import Scorer, load_scorer
    from .server import LocalServer

__all__ = [
    "CrossEncoderScorer",
    "Encoder",
    "Endpoint",
    "LocalServer",
    "RateLimits",
    "RecordedEmbedding",
    "RecordedRequest",
    "Scorer",
    "load_encoder",
    "load_scorer",
    "service_or_local",
]

_MODULES = {
    "CrossEncoderScorer": "scorers.cross_encoder",
    "Endpoint": "choosing",
    "Encoder": "scorers.encoder",
    "LocalServer": "server",
    "RateLimits": "http.rate_limiter",
    "RecordedEmbedding": "http.recorded",
    "RecordedRequest": "http.recorded",
    "Scorer": "scorers.scorer",
    "load_encoder": "scorers.encoder",
    "load_scorer": "scorers.scorer",
    "service_or_local": "choosing",
}

_NEEDS = (
    'The local server needs the extra `local`: pip install "assisters-rerank[local]"',
    ("starlette", "uvicorn"),
)

if not TYPE_CHECKING:  # type checkers would take any name for one of ours
    __getattr__, __dir__ = lazy_names(__name__, __all__, _MODULES, needs=_NEEDS)
