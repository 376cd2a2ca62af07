"""The one implementation of a rerank call: a coroutine that awaits only its `Port`.

It runs over blocking sockets, asyncio, trio and a scripted port in the tests; whatever is decided
here (shards, retries, budget, degradation) is decided once for all of them.
"""

from __future__ import annotations

import logging
import random
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial

from pydantic import SecretStr

from . import wire
from .errors import AssistersError, BudgetExceeded, ContractError, StatusError
from .options import RerankOptions
from .plan import Plan
from .ports import Port
from .ranking import Document, RankedDocument, Ranking, Usage

logger = logging.getLogger("assisters_rerank")

# Back-off before the n-th retry when the server names no wait: 0.5 s doubled each time, at most
# 8 s, each shortened by up to half at random so that callers don't come back all at once.
_FIRST_WAIT = 0.5
_LONGEST_WAIT = 8.0


@dataclass(slots=True)
class Budget:
    """The time of a whole call, on the port's clock; every attempt gets what is left of it."""

    port: Port
    seconds: float
    deadline: float = field(init=False)

    def __post_init__(self) -> None:
        self.deadline = self.port.now() + self.seconds

    def left(self) -> float:
        """Seconds left, 0 or less when the time is up."""
        return self.deadline - self.port.now()

    def end(self) -> None:
        """Ends the call's time now, so that requests that nobody waits for stop retrying."""
        self.deadline = self.port.now()


async def rerank(
    port: Port,
    options: RerankOptions,
    query: str,
    documents: Sequence[Document],
    top_n: int | None,
    score_threshold: float | None,
) -> Ranking:
    """Ranks the documents; `query` is not blank, `top_n` and `score_threshold` are checked.

    Raises:
        AssistersError: see `assisters_rerank.errors`.
    """
    if not documents or top_n == 0:
        return Ranking((), options.model)
    plan = Plan.of([document.text for document in documents])
    try:
        answers = await _ask(port, options, query, plan, top_n)
    except AssistersError as error:
        if options.on_error != "passthrough" or not error.transient:
            raise
        logger.warning("Rerank failed; documents pass through unranked: %s", error)
        unranked = tuple(RankedDocument(i, None, d) for i, d in enumerate(documents[:top_n]))
        return Ranking(unranked, options.model, degraded=True)
    scores = {place: score for answer in answers for place, score in answer.scores.items()}
    ranked = plan.rank(scores, top_n, score_threshold)
    return Ranking(
        tuple(RankedDocument(index, score, documents[index]) for index, score in ranked),
        _model(answers) or options.model,
        _usage(answers),
        tuple(answer.reported.request_id for answer in answers if answer.reported.request_id),
    )


@dataclass(frozen=True, slots=True)
class _Answered:
    """One request's scores by position in the plan's texts, and how many retries it took."""

    scores: dict[int, float]
    reported: wire.Scores
    retries: int


async def _ask(
    port: Port, options: RerankOptions, query: str, plan: Plan, top_n: int | None
) -> list[_Answered]:
    if not plan.texts:
        return []
    key = options.resolve_api_key()
    budget = Budget(port, options.timeout)
    requests = [
        partial(_ask_one, port, options, budget, key, query, plan.texts, shard, top_n)
        for shard in plan.shards(options.max_documents_per_request)
    ]
    if len(requests) == 1:
        return [await requests[0]()]
    try:
        return await port.together(requests, options.max_concurrency)
    except BaseException:
        budget.end()
        raise


async def _ask_one(
    port: Port,
    options: RerankOptions,
    budget: Budget,
    key: SecretStr | None,
    query: str,
    texts: Sequence[str],
    shard: range,
    top_n: int | None,
) -> _Answered:
    documents = texts[shard.start : shard.stop]
    wanted = None if top_n is None or top_n >= len(documents) else top_n
    request = wire.encode(
        options.base_url, key, options.model, query, documents, wanted, secrets.token_hex(16)
    )
    retries = 0
    while True:
        try:
            left = budget.left()
            if left <= 0:
                raise BudgetExceeded(f"timeout={options.timeout:g} s was used up before sending.")
            answer = await port.send(request, left)
            reported = wire.decode(answer, request, len(documents), wanted or len(documents))
        except AssistersError as error:
            wait = _wait(error, retries)
            if not error.transient or retries == options.max_retries or wait >= budget.left():
                raise
            retries += 1
            logger.info("Retry %d in %.2f s: %s", retries, wait, error)
        else:
            scores = {shard.start + index: score for index, score in reported.by_index.items()}
            return _Answered(scores, reported, retries)
        await port.sleep(wait)


def _wait(error: AssistersError, retries: int) -> float:
    """Seconds until the next attempt: what the server asked for, else (or for 0) the back-off."""
    if isinstance(error, StatusError) and error.retry_after:
        return error.retry_after
    longest = min(_FIRST_WAIT * 2.0 ** min(retries, 10), _LONGEST_WAIT)
    return longest * random.uniform(0.5, 1.0)


def _model(answers: Sequence[_Answered]) -> str | None:
    models = {answer.reported.model for answer in answers if answer.reported.model}
    if len(models) > 1:
        raise ContractError(
            f"The parts of the list were scored by different models ({', '.join(sorted(models))}), "
            "whose scores can't be compared."
        )
    return next(iter(models), None)


def _usage(answers: Sequence[_Answered]) -> Usage:
    reported = [answer.reported for answer in answers]
    return Usage(
        requests=len(answers),
        retries=sum(answer.retries for answer in answers),
        prompt_tokens=_total(scores.prompt_tokens for scores in reported),
        total_tokens=_total(scores.total_tokens for scores in reported),
        search_units=_total(scores.search_units for scores in reported),
    )


def _total(counts: Iterable[int | None]) -> int | None:
    # A part of the total would pass for the whole.
    known = list(counts)
    return None if not known or None in known else sum(count or 0 for count in known)
