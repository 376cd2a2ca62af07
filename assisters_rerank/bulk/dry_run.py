"""What a run over a file would take, without a request."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from ..evaluate.cost_limit import expected
from ..reranker import Reranker
from .source import Queries, opened


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a run would take, if nothing is known yet and nothing fails.

    Attributes:
        queries: of the source.
        pairs: of a query and a document.
        requests: to the server.
        tokens: estimated, unless the reranker has `count_tokens`.
        cost: dollars; None if the price is unknown.
    """

    queries: int
    pairs: int
    requests: int
    tokens: int
    cost: float | None

    def minutes(self, requests_per_minute: int | None, tokens_per_minute: int | None) -> float:
        """How long these limits make it; 0 without any."""
        return max(
            self.requests / requests_per_minute if requests_per_minute else 0.0,
            self.tokens / tokens_per_minute if tokens_per_minute else 0.0,
        )


def estimate_file(
    source: str | PathLike[str],
    reranker: Reranker,
    *,
    limit: int | None = None,
    collection: str | PathLike[str] | None = None,
) -> Estimate:
    """Counts what `rerank_file` would ask for; the arguments are its.

    Raises:
        ConfigurationError: the source is unusable, or a query cannot be asked for.
    """
    queries = Queries(opened(Path(source), None if collection is None else Path(collection)), limit)
    queries.check()
    pairs = requests = tokens = 0
    cost: float | None = 0.0
    for row in queries.rows():
        each = expected(reranker, row.query, row.documents)
        pairs += len(row.documents)
        requests += each.requests
        tokens += each.tokens
        cost = None if cost is None or each.dollars is None else cost + each.dollars
    return Estimate(queries.number, pairs, requests, tokens, cost)
