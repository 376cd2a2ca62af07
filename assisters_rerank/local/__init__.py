"""A server on the loopback interface that keeps the service's contract and needs no key.

    with LocalServer() as server:
        Reranker(base_url=server.base_url).rerank("a query", ["a document"])

`server` runs `app` in a thread; `contract` checks requests; `scorers` chooses between `embedded`
(term coverage and word embeddings) and `lexical` (term coverage alone), both built on `terms`.
"""

from __future__ import annotations

try:
    from .recorded import RecordedRequest
    from .scorers import Scorer, load_scorer
    from .server import LocalServer
except ModuleNotFoundError as error:
    if error.name not in ("starlette", "uvicorn"):
        raise
    raise ModuleNotFoundError(
        'The local server needs the extra `local`: pip install "assisters-rerank[local]"',
        name=error.name,
    ) from error

__all__ = ["LocalServer", "RecordedRequest", "Scorer", "load_scorer"]
