"""A server on the loopback interface that keeps the service's contract and needs no key.

    with LocalServer() as server:
        Reranker(base_url=server.base_url).rerank("a query", ["a document"])

Where to look for what:

- to run it: `server` in a thread, `foreground` for the command line, both over `listening`; what
  can be set is in `settings`; `pytest_plugin` is a fixture; `choosing` is for scripts that run with
  a key and without one;
- a request: `app` routes it, `endpoints` answers it through `reranking` or `embedding`, `contract`
  and `embedding_contract` check it; `generations` and `headers` shape the answer; `recorded` is
  for tests to look at, `request_log` for people;
- the service's bad days: `rate_limits`, `latency`, `replays`;
- who scores: `scorers` chooses between `embedded` (term coverage and word embeddings), `lexical`
  (term coverage alone) and `cross_encoder` (a real one, the user's own), over `terms`,
  `word_vectors` and `calibration`; `windows` limits how much of a text they read;
- who embeds: `encoders` chooses between `static` and `hashed`.

The names below are loaded at first use, so that pytest can start `pytest_plugin` without them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .choosing import Endpoint, service_or_local
    from .cross_encoder import CrossEncoderScorer
    from .encoders import Encoder, load_encoder
    from .rate_limits import RateLimits
    from .recorded import RecordedEmbedding, RecordedRequest
    from .scorers import Scorer, load_scorer
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
    "CrossEncoderScorer": "cross_encoder",
    "Endpoint": "choosing",
    "Encoder": "encoders",
    "LocalServer": "server",
    "RateLimits": "rate_limits",
    "RecordedEmbedding": "recorded",
    "RecordedRequest": "recorded",
    "Scorer": "scorers",
    "load_encoder": "encoders",
    "load_scorer": "scorers",
    "service_or_local": "choosing",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(import_module(f".{_MODULES[name]}", __name__), name)
    except ModuleNotFoundError as error:
        if error.name not in ("starlette", "uvicorn"):
            raise
        raise ModuleNotFoundError(
            'The local server needs the extra `local`: pip install "assisters-rerank[local]"',
            name=error.name,
        ) from error
