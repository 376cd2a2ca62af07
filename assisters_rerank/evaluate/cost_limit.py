"""What scoring a query will cost, by estimated tokens, and whether the money suffices."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import accumulate
from typing import NamedTuple

from ..call.cache_key import call_cache
from ..call.fitting import fit
from ..call.plan import Plan
from ..catalogue import may_answer
from ..errors import ConfigurationError
from ..options.prices import price_of
from ..reranker import Reranker
from ..text.tokens import tokens_of_pairs
from ..usage import Usage, within
from ..wire.address import shown
from ..wire.billing import search_units
from .data.collection import Candidates, Collection


def check_price(reranker: Reranker) -> None:
    """Checks what a limit in dollars needs to know.

    Raises:
        ConfigurationError: if the model's price, or what the reranker has spent so far, is unknown.
    """
    for model in may_answer(reranker.model):
        if price_of(model, reranker.prices) is None:
            raise ConfigurationError(
                f"max_cost: the price of {model!r} is not known; give it in `prices`."
            )
    if reranker.total_usage.cost is None:
        raise ConfigurationError(
            "max_cost: this reranker's cost so far is unknown; give a new one."
        )


class Expected(NamedTuple):
    """Requests and estimated tokens of a call, and its dollars; None if the price is unknown."""

    requests: int
    tokens: int
    dollars: float | None


def price(reranker: Reranker, query: str, texts: Sequence[str]) -> float | None:
    """Dollars for a call with these texts, by estimated tokens; None if the price is unknown.

    Raises:
        ConfigurationError: the call cannot be made.
    """
    return expected(reranker, query, texts).dollars


def expected(reranker: Reranker, query: str, texts: Sequence[str]) -> Expected:
    """What a call with these texts will take.

    Raises:
        ConfigurationError: the call cannot be made.
    """
    fitted = fit(reranker, query, Plan.of(texts))
    tokens = tokens_of_pairs(fitted.count, query, fitted.plan.texts)
    return _expected(reranker, fitted.model, len(fitted.plan.texts), tokens)


def _expected(
    reranker: Reranker, model: str, texts: int, tokens: int, *, published: bool = True
) -> Expected:
    requests = -(-texts // reranker.max_documents_per_request)
    known = price_of(model, reranker.prices, published=published)
    if known is None:
        return Expected(requests, tokens, None)
    each = known.dollars(tokens, search_units(texts))
    dollars = each if each is None or known.per_request is None else each * requests
    return Expected(requests, tokens, dollars)


def dollars_by_depth(
    reranker: Reranker,
    collection: Collection,
    candidates: Candidates,
    depths: Sequence[int],
    *,
    published: bool,
) -> dict[int, float | None]:
    """For a thousand queries at each depth, by estimated tokens; None if the price is unknown.

    `published` says whether the catalogue's prices are those of the server that is asked.
    """
    total = dict.fromkeys(depths, 0.0)
    for query, documents in candidates.items():
        asked = collection.queries[query]
        fitted = fit(reranker, asked, Plan.of([collection.documents[name] for name in documents]))
        # Of each document, the texts that no document before it has.
        texts, tokens = [0] * len(documents), [0] * len(documents)
        for place, text in enumerate(fitted.plan.texts):
            document = fitted.plan.document_of(place)
            texts[document] += 1
            tokens[document] += tokens_of_pairs(fitted.count, asked, [text])
        so_far = list(zip(*(accumulate(each, initial=0) for each in (texts, tokens)), strict=True))
        for depth in depths:
            texts_so_far, tokens_so_far = so_far[min(depth, len(documents))]
            call = _expected(
                reranker, fitted.model, texts_so_far, tokens_so_far, published=published
            )
            if call.dollars is None:
                return dict.fromkeys(depths)
            total[depth] += call.dollars
    return {depth: 1000 * dollars / len(candidates) for depth, dollars in total.items()}


class CostLimit:
    """The money that one reranker may spend; without `most`, any."""

    def __init__(self, reranker: Reranker, most: float | None) -> None:
        self._reranker = reranker
        self._most = most
        self._before = reranker.total_usage
        if most is not None:
            check_price(reranker)

    @property
    def spent(self) -> float:
        """Dollars so far, by what the server reported; 0 if the price is unknown."""
        return (self._reranker.total_usage.cost or 0.0) - (self._before.cost or 0.0)

    def usage(self, answered: Usage) -> Usage:
        """What was used so far: also by queries that failed, beyond those that were answered."""
        before, now = self._before, self._reranker.total_usage
        units = now.search_units
        if units is None:
            units = answered.search_units
        elif before.requests:
            units -= before.search_units or 0
        return replace(
            answered,
            requests=now.requests - before.requests,
            retries=now.retries - before.retries,
            documents_sent=now.documents_sent - before.documents_sent,
            documents_cached=now.documents_cached - before.documents_cached,
            documents_duplicate=now.documents_duplicate - before.documents_duplicate,
            total_tokens=now.total_tokens - before.total_tokens,
            tokens_estimated=answered.tokens_estimated
            or (now.tokens_estimated and not before.tokens_estimated),
            search_units=units,
            cost=answered.cost if now.cost is None else self.spent,
        )

    def price_of(self, query: str, texts: Sequence[str]) -> float:
        """Dollars, 0 if all scores are in the cache."""
        if self._most is None or self._is_cached(query, texts):
            return 0.0
        return price(self._reranker, query, texts) or 0.0

    def affords(self, price: float, under_way: Iterable[float]) -> bool:
        """Whether so much more may be spent.

        Raises:
            ConfigurationError: what was spent so far is not known.
        """
        if self._most is None or not price:
            return True
        if self._reranker.total_usage.cost is None:
            server = shown(self._reranker.base_url)
            raise ConfigurationError(
                f"max_cost: what the calls cost is not known: {server} does not report it, and the "
                "catalogue's prices are only those of the service; give the model's price in "
                "`prices`."
            )
        return within(self.spent + sum(under_way) + price, self._most)

    def _is_cached(self, query: str, texts: Sequence[str]) -> bool:
        # Half of them do not help: they are not used if the server has changed its model.
        cache = self._reranker.cache
        if cache is None:
            return False
        fitted = fit(self._reranker, query, Plan.of(texts))
        sent = fitted.plan.texts
        known = call_cache(cache, self._reranker, fitted.model, query, sent).recall()
        return len(known) == len(sent)
