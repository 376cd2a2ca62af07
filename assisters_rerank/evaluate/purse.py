"""What scoring a query will cost, by estimated tokens, and whether the money suffices."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate

from ..errors import ConfigurationError
from ..fitting import fit
from ..memory import Memory
from ..models import AUTO, CATALOGUE, cost
from ..plan import Plan
from ..reranker import Reranker
from .collection import Candidates, Collection


def check_price(reranker: Reranker) -> None:
    """Raises `ConfigurationError` if nobody knows what the reranker's model costs."""
    for model in CATALOGUE if reranker.model == AUTO else (reranker.model,):
        if cost(model, 1, reranker.prices) is None:
            raise ConfigurationError(
                f"max_cost: the price of {model!r} is not known; give it in `prices`."
            )


def price(reranker: Reranker, query: str, texts: Sequence[str]) -> float | None:
    """Dollars for a call with these texts, by estimated tokens; None if the price is unknown.

    Raises:
        ConfigurationError: the call can't be made as it stands.
    """
    fitted = fit(reranker, query, Plan.of(texts))
    sent = fitted.plan.texts
    # A cross-encoder reads the query again with every document.
    tokens = fitted.count(query) * len(sent) + sum(map(fitted.count, sent))
    return cost(fitted.model, tokens, reranker.prices)


def dollars_by_depth(
    reranker: Reranker, collection: Collection, candidates: Candidates, depths: Sequence[int]
) -> dict[int, float | None]:
    """For a thousand queries at each depth, by estimated tokens; None if the price is unknown."""
    total = dict.fromkeys(depths, 0.0)
    for query, documents in candidates.items():
        asked = collection.queries[query]
        texts = [collection.documents[document] for document in documents]
        model = fit(reranker, asked, Plan.of(texts)).model
        options = (
            reranker if model == reranker.model else reranker.model_copy(update={"model": model})
        )
        prices = [price(options, asked, [text]) for text in texts]
        if None in prices:
            return dict.fromkeys(depths)
        so_far = list(accumulate((each or 0.0 for each in prices), initial=0.0))
        for depth in depths:
            total[depth] += so_far[min(depth, len(texts))]
    return {depth: 1000 * dollars / len(candidates) for depth, dollars in total.items()}


class Purse:
    """The money that one reranker may spend; without `most`, any."""

    def __init__(self, reranker: Reranker, most: float | None) -> None:
        self._reranker = reranker
        self._most = most
        self._spent_before = reranker.total_usage.cost or 0.0
        if most is not None:
            check_price(reranker)

    @property
    def spent(self) -> float:
        """Dollars so far, by what the server reported; 0 if the price is unknown."""
        return (self._reranker.total_usage.cost or 0.0) - self._spent_before

    def price_of(self, query: str, texts: Sequence[str]) -> float:
        """Dollars, 0 if all scores are in the cache."""
        if self._most is None or self._is_cached(query, texts):
            return 0.0
        return price(self._reranker, query, texts) or 0.0

    def affords(self, price: float, under_way: Iterable[float]) -> bool:
        """Whether so much more may be spent."""
        return self._most is None or not price or self.spent + sum(under_way) + price <= self._most

    def _is_cached(self, query: str, texts: Sequence[str]) -> bool:
        # Half of them are no help: they count for nothing if the server has changed its model.
        cache = self._reranker.cache
        if cache is None:
            return False
        fitted = fit(self._reranker, query, Plan.of(texts))
        sent = fitted.plan.texts
        known = Memory(cache, self._reranker.base_url, fitted.model, query, sent).recall()
        return len(known) == len(sent)
