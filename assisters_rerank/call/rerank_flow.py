"""The one implementation of a rerank call: a coroutine that awaits only its `Port`.

It runs over blocking sockets, asyncio, trio and a scripted port in the tests. The decisions here
(model, length, degradation), in `scoring` (cache, shards) and in `attempts` (retries, pace) apply
to all of them.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from ..catalogue import AUTO, BGE_RERANKER_V2, may_answer
from ..errors import AssistersError
from ..net import Port
from ..options.rerank_options import RerankOptions
from ..options.thresholds import LeastScore, by_model, threshold_for
from ..ranking import Document, RankedDocument, Ranking
from ..usage import Usage, count
from .activation import sigmoid
from .breaker import GuardedCall, ServiceDownError
from .budget import Budget
from .context import fitting_alone, within_context
from .fitting import Fitted, fit, takes_long
from .plan import Plan
from .probes import watch
from .scoring import Scoring
from .state import State

_ACTIVATIONS = {None: None, "sigmoid": sigmoid}

logger = logging.getLogger("assisters_rerank")


async def rerank(
    port: Port,
    options: RerankOptions,
    state: State,
    query: str,
    documents: Sequence[Document],
    top_n: int | None,
    score_threshold: LeastScore | None,
    queue_deadline: float | None = None,
) -> Ranking:
    """Ranks the documents; `query` is not blank, `top_n` and `score_threshold` are checked.

    With a `queue_deadline` the time of the call begins with its turn; see `Budget`.

    Raises:
        AssistersError: see `assisters_rerank.errors`.
    """
    if not documents or top_n == 0:
        tokens = None if options.max_context_tokens is None else 0
        return Ranking((), _first_model(options), context_tokens=tokens)
    _warn_of_scales(state, options, score_threshold)
    budget = Budget(port, options.timeout, queue_deadline)
    guarded = GuardedCall(state.breaker, options)
    scoring: Scoring | None = None
    try:
        fitted, uncut = await _fit(options, budget, query, documents)
        threshold = threshold_for(score_threshold, fitted.model)
        _warn_of_truncation(state, fitted)
        scoring = Scoring(port, options, state, budget, guarded, query, fitted)
        scores = await scoring.scores(top_n)
        guarded.succeeded()
    except AssistersError as error:
        guarded.failed(error, budget)
        if options.on_error != "passthrough" or not error.transient:
            raise
        if (outage := guarded.to_watch) is not None:
            watch(outage, state, options, rerank)
        # The time may be used up; it is only counted, and bounded by the number of documents.
        unranked = _unranked(options, documents[:top_n], scoring, str(error))
        ranking = await _in_context(options, Budget(port, options.timeout), unranked)
        if not isinstance(error, ServiceDownError):
            logger.warning(
                "Rerank failed; %s returned unranked, without relevance scores: %s",
                count(len(ranking), "document is", "documents are"),
                error,
            )
        return ranking
    except BaseException:
        guarded.given_up()
        raise
    activation = _ACTIVATIONS[options.score_activation]
    passages = fitted.plan.passages(scores, activation)
    results = tuple(
        RankedDocument(index, score, documents[index])
        if passage is None or index in uncut
        else RankedDocument(index, score, documents[index], passage, passages[index])
        for index, score, passage in fitted.plan.rank(scores, top_n, threshold, activation)
    )
    ranking = Ranking(
        results,
        scoring.model,
        scoring.took(),
        scoring.request_ids,
        truncated=fitted.truncated,
    )
    return await _in_context(options, budget, ranking)


def _first_model(options: RerankOptions) -> str:
    return BGE_RERANKER_V2.id if options.model == AUTO else options.model


async def _fit(
    options: RerankOptions, budget: Budget, query: str, documents: Sequence[Document]
) -> tuple[Fitted, set[int]]:
    """How the documents fit the window, and those that were split only for what is around them."""
    plan = Plan.of([document.text for document in documents])
    if not takes_long(options, query, plan):
        return fit(options, query, plan), set()
    doing = "the documents' tokens were counted"
    check = budget.check(doing)

    def work() -> tuple[Fitted, set[int]]:
        fitted = fit(options, query, plan, check)
        return fitted, fitting_alone(options, fitted, documents, check)

    return await budget.aside(work, doing)


async def _in_context(options: RerankOptions, budget: Budget, ranking: Ranking) -> Ranking:
    """The ranking, without what does not fit into the prompt."""
    most = options.max_context_tokens
    if most is None:
        return ranking
    doing = "the context's tokens were counted"
    results, tokens = await budget.aside(
        partial(within_context, options, most, ranking.results, budget.check(doing)), doing
    )
    return replace(ranking, results=results, context_tokens=tokens)


def _warn_of_truncation(state: State, fitted: Fitted) -> None:
    if fitted.truncated and fitted.room < 1:
        if state.warns_first_of("full query"):
            logger.warning(
                "The query fills the %d-token window of %s, so that no text of a document is "
                "scored. Shorten the query, or give a model with a larger window.",
                fitted.window,
                fitted.model,
            )
    elif fitted.truncated and state.warns_first_of("truncation"):
        logger.warning(
            "%s longer than the %d-token window of %s, which holds the query too; the rest of %s "
            "text is not scored. Set long_documents to split or refuse such documents. Later calls "
            "report the number only in Ranking.truncated.",
            count(fitted.truncated, "document is", "documents are"),
            fitted.window,
            fitted.model,
            "its" if fitted.truncated == 1 else "their",
        )


def _warn_of_scales(state: State, options: RerankOptions, threshold: LeastScore | None) -> None:
    models = may_answer(options.model)
    if len(models) > 1 and isinstance(threshold, float) and state.warns_first_of("scales"):
        logger.warning(
            "score_threshold is one number for the scores of %s: model=%r lets a long document "
            "decide which of them answers, and their scales differ. Give a number for each: %s.",
            " and ".join(models),
            options.model,
            by_model(models, threshold),
        )


def _unranked(
    options: RerankOptions, documents: Sequence[Document], scoring: Scoring | None, reason: str
) -> Ranking:
    """The documents in their original order; `scoring` is None if the failure came before it."""
    return Ranking(
        tuple(RankedDocument(place, None, document) for place, document in enumerate(documents)),
        # The scores are not used, so it does not matter which model they came from.
        scoring.fitted.model if scoring else _first_model(options),
        scoring.took() if scoring else Usage(),
        scoring.request_ids if scoring else (),
        degraded=True,
        truncated=scoring.fitted.truncated if scoring else None,
        degraded_reason=reason,
    )
