"""Puts single requests to a server, counted and bounded, and keeps what they took."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ..catalogue import AUTO, BGE_RERANKER_V2
from ..errors import (
    AssistersError,
    AuthenticationError,
    ConfigurationError,
    QuotaExceededError,
    RateLimitError,
    StatusError,
)
from ..net import Event, Port
from ..options.prices import price_of
from ..pace.allowance import allowances
from ..ranking import Ranking
from ..reranker import Reranker
from ..text.tokens import estimate_tokens, tokens_of_pairs
from ..usage import Usage, within
from ..wire.billing import Billing, search_units
from ..wire.dialects import Dialect, dialect_of
from ..wire.messages import Answer, Request, mapping_or_empty, parsed

T = TypeVar("T")

MOST_REQUESTS = 100

# More than any model has: what is too long for the server is what a check wants to know.
_NO_WINDOW = 10**9


class StoppedError(AssistersError):
    """A bound of the check is reached; the rest is not asked."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The scores of a request's documents by position, or why there are none."""

    scores: tuple[float, ...] = ()
    error: AssistersError | None = None
    seconds: float = 0.0
    """Of the last attempt, from sending to the whole answer."""
    model: str | None = None

    @property
    def refusal(self) -> StatusError | None:
        """The server's refusal of just this request, which it would take if it were smaller."""
        others = AuthenticationError, QuotaExceededError, RateLimitError
        found = self.error
        return found if isinstance(found, StatusError) and not isinstance(found, others) else None


class Counted:
    """A port that counts what is sent, and times it."""

    spent = 0.0

    def __init__(self, port: Port, most: int) -> None:
        self._port = port
        self._most = most
        self.sent = 0
        self.seconds = 0.0
        self.answer: Answer | None = None
        """The last one."""

    def now(self) -> float:
        """As the port has it."""
        return self._port.now()

    async def sleep(self, seconds: float) -> None:
        """As the port has it."""
        await self._port.sleep(seconds)

    def event(self) -> Event:
        """As the port has it."""
        return self._port.event()

    async def together(self, calls: Sequence[Callable[[], Awaitable[T]]], limit: int) -> list[T]:
        """As the port has it."""
        return await self._port.together(calls, limit)

    async def aside(self, work: Callable[[], T], budget: float) -> T:
        """As the port has it."""
        return await self._port.aside(work, budget)

    async def send(self, request: Request, budget: float) -> Answer:
        """As the port has it, while requests are left.

        Raises:
            StoppedError: none are.
        """
        if self.sent >= self._most:
            raise StoppedError(f"after {self._most} requests")
        self.sent += 1
        began = self.now()
        self.answer = await self._port.send(request, budget)
        self.seconds = self.now() - began
        return self.answer


@dataclass(slots=True)
class Reported:
    """What the answers reported, over all of them."""

    tokens: int = 0
    estimated_tokens: int = 0
    """Of the same requests."""
    search_units: int | None = None
    cost: float | None = None
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None

    def add(self, answer: Answer, estimate: int) -> Billing:
        """One more answer."""
        billing = Billing.of(answer, mapping_or_empty(parsed(answer.body)))
        if billing.total_tokens is not None:
            self.tokens += billing.total_tokens
            self.estimated_tokens += estimate
        if billing.search_units is not None:
            self.search_units = (self.search_units or 0) + billing.search_units
        if billing.cost is not None:
            self.cost = (self.cost or 0.0) + billing.cost
        requests, tokens = allowances(answer)
        self.requests_per_minute = requests.limit if requests else self.requests_per_minute
        self.tokens_per_minute = tokens.limit if tokens else self.tokens_per_minute
        return billing


@dataclass(slots=True)
class Asking:
    """A reranker's server, asked over a port as the reranker would ask it, but without its care.

    Nothing is cached, cut, split over requests or mapped, since that is what is found out.
    """

    port: Counted
    reranker: Reranker
    max_cost: float | None = None
    usage: Usage = field(default_factory=Usage)
    reported: Reported = field(default_factory=Reported)
    first_seconds: float | None = None
    stopped: StoppedError | None = None
    settled: dict[str, Any] = field(default_factory=dict)
    """The options that were found out: dialect and address."""
    is_local: bool = False

    async def ask(self, query: str, documents: Sequence[str], **options: Any) -> Reply:
        """One request with these documents, which differ and are not blank."""
        estimate = tokens_of_pairs(estimate_tokens, query, documents)
        if self.stopped is None and not self._affords(estimate, len(documents)):
            self.stopped = StoppedError(f"before more than ${self.max_cost:g} was spent")
        if self.stopped is not None:
            return Reply(error=self.stopped)
        try:
            asked = self.options(len(documents), **options)
            ranking = await asked._call(self.port, query, documents, None, None)
        except StoppedError as error:
            self.stopped = error
            return Reply(error=error)
        except AssistersError as error:
            return Reply(error=error, seconds=self.port.seconds)
        return self._read(ranking, len(documents), estimate)

    def options(self, documents: int = 1, **options: Any) -> Reranker:
        """The reranker for one plain request of so many documents."""
        model = self.reranker.model
        changed: dict[str, Any] = {
            "model": BGE_RERANKER_V2.id if model == AUTO else model,
            "dialect": self.reranker.dialect,
            "cache": None,
            "top_n": None,
            "score_threshold": None,
            "score_activation": None,
            "on_error": "raise",
            "long_documents": "as_is",
            "max_tokens": _NO_WINDOW,
            "max_passage_tokens": None,
            "max_context_tokens": None,
            "listwise": False,
            "max_retries": min(1, self.reranker.max_retries),
            "max_documents_per_request": documents,
            **self.settled,
            **options,
        }
        dialect: Dialect = dialect_of(changed["dialect"])
        if (dialect.max_documents or documents) < documents:
            # The server may be set up to take more, or less; a table of the same names asks it.
            changed["dialect"] = dialect.model_copy(update={"max_documents": None})
        return self.reranker.with_options(**changed)

    def _read(self, ranking: Ranking, documents: int, estimate: int) -> Reply:
        answer = self.port.answer
        if answer is not None:
            self.is_local = self.reported.add(answer, estimate).is_local
        self.usage += ranking.usage
        if self.first_seconds is None:
            self.first_seconds = self.port.seconds
        by_index = {ranked.index: ranked.relevance_score or 0.0 for ranked in ranking}
        scores = tuple(by_index[place] for place in range(documents))
        return Reply(scores, None, self.port.seconds, ranking.model)

    def _affords(self, tokens: int, documents: int) -> bool:
        if self.max_cost is None:
            return True
        price = self._price(tokens, documents)
        return price is None or within((self.usage.cost or 0.0) + price, self.max_cost)

    def _price(self, tokens: int, documents: int) -> float | None:
        options = self.reranker
        published = self.is_local or options.asks_the_service()
        known = price_of(options.model, options.prices, published=published)
        price = None if known is None else known.dollars(tokens, search_units(documents))
        if price is not None or not self.usage.requests:
            return price  # without one, the first answer may say what it cost
        if not self.usage.cost or not self.usage.total_tokens:
            raise ConfigurationError(
                f"max_cost: the price of {options.model!r} is not known, and the server does not "
                "report what a call cost; give it in `prices`."
            )
        return self.usage.cost / self.usage.total_tokens * tokens
