"""The scores of a call's texts, from the cache and from the service.

A part of the flow: coroutines that await only their `Port`.
"""

from __future__ import annotations

import logging
import math
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from ..cache.call_cache import CallCache
from ..cache.score_cache import CachedScore
from ..errors import TooLongError
from ..net import Port
from ..net.transports import changes_requests
from ..options.rerank_options import RerankOptions
from ..text.blocks import are_large
from ..text.tokens import estimate_tokens, tokens_of_pairs
from ..usage import Usage
from ..wire import rerank_contract, validation
from ..wire.dialects import Dialect, dialect_of
from ..wire.messages import Answer, Recipient
from . import attempts
from .breaker import GuardedCall
from .budget import Budget
from .cache_key import call_cache
from .fitting import Fitted, smaller
from .listwise import all_in_one_request
from .state import State

logger = logging.getLogger("assisters_rerank")

T = TypeVar("T")

# Of the time that is left, what the cache may take of it.
_READING, _WRITING = 0.25, 0.1


@dataclass(slots=True)
class _Answered:
    """One request's scores, and their usage."""

    reported: rerank_contract.Scores
    usage: Usage


@dataclass(slots=True)
class Scoring:
    """The scores of a call's texts: the inputs, and the scores known so far."""

    port: Port
    options: RerankOptions
    state: State
    budget: Budget
    guarded: GuardedCall
    query: str
    fitted: Fitted
    known: dict[int, CachedScore] = field(default_factory=dict)
    scored: dict[int, float] = field(default_factory=dict)
    """What the service has scored, by position in the plan's texts."""
    answered: dict[tuple[int, int], _Answered] = field(default_factory=dict)
    """By the first position of what was asked for, and the part of it."""
    dialect: Dialect = field(init=False)
    """How the server words requests and answers."""

    def __post_init__(self) -> None:
        self.dialect = dialect_of(self.options.dialect)

    async def scores(self, top_n: int | None) -> dict[int, float]:
        """The score of every text by position, or of the `top_n` best ones if that is enough."""
        texts, options = self.fitted.plan.texts, self.options
        at_once = all_in_one_request(options, self.state, self.fitted, self._most_documents())
        if options.cache is None or not texts or at_once:
            # The best passages can only be found among all.
            await self._ask(range(len(texts)), None if self.fitted.plan.parts else top_n)
        else:
            self._warn_of_clients()
            cache = call_cache(options.cache, options, self.fitted.model, self.query, texts)
            self.known = await self._aside(cache.recall, _READING) or {}
            await self._ask([i for i in range(len(texts)) if i not in self.known], cache=cache)
            if self.known and self.answered and self._model_answered() != self._model_known():
                # The server has changed its model since: scores of two models cannot be compared.
                again, self.known = sorted(self.known), {}
                await self._ask(again, cache=cache)
        self._model_answered()
        return {place: known.score for place, known in self.known.items()} | self.scored

    def took(self) -> Usage:
        """The usage of the call; ask for it once, at the end of the call."""
        # After a failure, other threads may still be at work: a list at once, not step by step.
        requests = [answered.usage for answered in list(self.answered.values())]
        duplicates = self.fitted.plan.duplicates
        if len(requests) == 1 and not self.known and not duplicates:
            return requests[0]
        without_request = Usage(
            (self.fitted.model,),
            documents_cached=len(self.known),
            documents_duplicate=duplicates,
        )
        self.state.total_usage.add(without_request)  # requests were added as they were answered
        return sum(requests, without_request)

    @property
    def request_ids(self) -> tuple[str, ...]:
        """The answered requests' ids, in the order of the documents."""
        ids = (self.answered[at].reported.request_id for at in sorted(self.answered))
        return tuple(filter(None, ids))

    @property
    def model(self) -> str:
        """The model that the server says it used, else the one that was asked for."""
        reported = self._model_answered() or self._model_known()
        return self.options.redact(reported) if reported else self.fitted.model

    def _model_answered(self) -> str | None:
        models = (answered.reported.model for answered in list(self.answered.values()))
        return validation.one_model(models, "scored", "scores", self.options.redact)

    def _model_known(self) -> str | None:
        return next((known.model for known in self.known.values()), None)

    def _most_documents(self) -> int:
        size = self.options.max_documents_per_request
        return min(size, self.dialect.max_documents or size)

    async def _ask(
        self, positions: Sequence[int], top_n: int | None = None, cache: CallCache | None = None
    ) -> None:
        size = self._most_documents()
        shards = [positions[at : at + size] for at in range(0, len(positions), size)]
        if not shards:
            return
        recipient = self.options.recipient(self.dialect.path)
        self.guarded.begin(self.budget, self.query, self.fitted.plan.texts[positions[0]])
        requests = [partial(self._ask_one, recipient, shard, top_n, cache) for shard in shards]
        await attempts.side_by_side(self.port, self.budget, requests, self.options.max_concurrency)

    async def _ask_one(
        self,
        recipient: Recipient,
        shard: Sequence[int],
        top_n: int | None,
        cache: CallCache | None,
    ) -> None:
        texts = [self.fitted.plan.texts[place] for place in shard]
        wanted = None if top_n is None or top_n >= len(texts) else top_n
        try:
            answers = [await self._answer(recipient, texts, wanted)]
            found = answers[0].reported.by_index
        except TooLongError as error:
            if self.options.long_documents not in ("truncate", "split"):
                raise
            found, answers = await self._ask_for_less(recipient, shard, texts, error)
        scores = {shard[index]: score for index, score in found.items()}
        self.scored |= scores
        self.answered |= {(shard[0], part): answer for part, answer in enumerate(answers)}
        if cache is not None:
            await self._aside(partial(cache.remember, scores, answers[0].reported.model), _WRITING)

    async def _ask_for_less(
        self, recipient: Recipient, shard: Sequence[int], texts: list[str], refusal: TooLongError
    ) -> tuple[Mapping[int, float], list[_Answered]]:
        """The scores of texts, by their best pieces, after the server found one too long."""
        doing = "the documents were cut again"
        pieces = await self.budget.aside(
            partial(smaller, self.options, self.fitted, texts, self.budget.check(doing)), doing
        )
        logger.info("Sent again in smaller pieces: %s", refusal)
        scores: dict[int, float] = {}
        answers = []
        size = self._most_documents()
        for at in range(0, len(pieces), size):
            places, part = zip(*pieces[at : at + size], strict=True)
            try:
                answered = await self._answer(recipient, part, None)
            except TooLongError as error:
                longest = max(range(len(part)), key=lambda i: self.fitted.count(part[i]))
                raise self._still_too_long(shard[places[longest]], error) from None
            answers.append(answered)
            for index, score in answered.reported.by_index.items():
                scores[places[index]] = max(score, scores.get(places[index], -math.inf))
        return scores, answers

    def _still_too_long(self, place: int, error: TooLongError) -> TooLongError:
        document = self.fitted.plan.document_of(place)
        message = (
            f"documents[{document}], the longest of its request, is too long for the server even "
            f"after it was cut again; lower max_tokens or raise token_margin. {error}"
        )
        return TooLongError(message, *error.args[1:])

    async def _answer(
        self, recipient: Recipient, texts: Sequence[str], wanted: int | None
    ) -> _Answered:
        """The scores of these texts, by position, or of the `wanted` best ones."""
        options, fitted = self.options, self.fitted
        large = are_large((self.query, *texts))
        encode = partial(
            rerank_contract.encode,
            recipient,
            self.dialect,
            fitted.model,
            self.query,
            texts,
            wanted,
            secrets.token_hex(16),
            options.extra_body,
            large=large,
        )
        doing = "the request was written"
        request = await attempts.on_texts(self.budget, encode, doing, large=large)
        counted: int | None = None

        async def count_tokens() -> int:
            nonlocal counted
            if counted is None:
                count = partial(tokens_of_pairs, fitted.count, self.query, texts)
                doing = "the documents' tokens were counted"
                counted = await attempts.on_texts(self.budget, count, doing, large=large)
            return counted

        async def validate(answer: Answer) -> rerank_contract.Scores:
            decode = partial(
                rerank_contract.decode,
                answer,
                request,
                self.dialect,
                len(texts),
                wanted or len(texts),
            )
            return await attempts.read(self.budget, answer, decode)

        reported, retries = await attempts.answered(
            self.port,
            options,
            self.state.pace,
            self.budget,
            request,
            count_tokens,
            validate,
        )
        estimate = partial(tokens_of_pairs, estimate_tokens, self.query, texts)
        tokens = await attempts.billed(reported.billing, count_tokens, estimate)
        usage = self._usage_of(reported, len(texts), tokens, retries)
        self.state.total_usage.add(usage)
        return _Answered(reported, usage)

    def _usage_of(
        self, reported: rerank_contract.Scores, documents: int, tokens: int, retries: int
    ) -> Usage:
        billing = reported.billing
        return Usage(
            models=(self.fitted.model,),
            requests=1,
            retries=retries,
            documents_sent=documents,
            total_tokens=tokens,
            tokens_estimated=billing.total_tokens is None,
            search_units=billing.search_units,
            cost=self.options.cost(self.fitted.model, billing, tokens),
        )

    def _warn_of_clients(self) -> None:
        options = self.options
        clients = options.http_client, options.async_http_client
        if options.cache_namespace or not any(map(changes_requests, clients)):
            return
        if self.state.warns_first_of("clients"):
            logger.warning(
                "Your own HTTP client sends headers or parameters of its own, which are no part of "
                "the cache's key: if they can change a score, give cache_namespace=… a name for "
                "them."
            )

    async def _aside(self, work: Callable[[], T], share: float) -> T | None:
        """What the cache does; it has a share of the time, and costs its scores, never the call."""
        budget, before = self.budget, self.budget.deadline
        began, allowed = self.port.now(), max(0.0, budget.left() * share)
        try:
            return await self.port.aside(work, allowed)
        except TimeoutError:
            logger.warning(
                "The cache took longer than %g s of timeout=%g s; the call goes on without it.",
                round(allowed, 3),
                self.options.timeout,
            )
            return None
        finally:
            # Where there is no loop it is waited for all the same, which is not the requests' time.
            over = self.port.now() - began - allowed
            if over > 0 and budget.deadline == before:
                budget.deadline += over
