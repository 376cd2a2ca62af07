"""One query's candidates put to a reranker: every text once, in two calls, the first one timed.

The pace may hold a call back for longer than its `timeout`: a window of a minute against half of
one. Whoever answers a user gives up then; an evaluation waits. So the calls get more time, and the
option holds for each attempt.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from ..call.fitting import fit
from ..call.plan import Plan
from ..catalogue import AUTO
from ..errors import ContractError
from ..net import Blocking
from ..net.clients import Clients, HttpClient
from ..net.events import ThreadEvent
from ..reranker import Reranker
from ..usage import Usage
from ..wire.messages import Answer, Request

# Beyond `timeout`, for waits that the pace or the server asks for; windows last a minute.
_PATIENCE = 900.0
_LONGEST = 86_400.0  # of a timeout


class Interrupted(Exception):  # noqa: N818 - not an error, but what was asked for
    """The run is over, and this query was not done yet."""


@dataclass(frozen=True, slots=True)
class Query:
    """A query and its candidates; `first` of them go out in the first call."""

    id: str
    text: str
    documents: Sequence[str]
    texts: Sequence[str]
    first: int


@dataclass(frozen=True, slots=True)
class Answered:
    """What came back.

    Attributes:
        query: what was asked.
        scores: by document id, all of them.
        seconds: latency of the first call, from sending to the answer; None if some of it came
            from the cache, or if it had to be sent again or wait in between.
        usage: of both calls.
        asked: the model that was asked for.
        model: the one that answered; None if nothing was asked, all texts being blank.
        truncated: texts of which the model did not read the end; None if its window is unknown.
    """

    query: Query
    scores: dict[str, float]
    seconds: float | None
    usage: Usage
    asked: str
    model: str | None
    truncated: int | None


def ask(reranker: Reranker, query: Query, over: threading.Event) -> Answered:
    """Scores a query's candidates, blocking the thread.

    Args:
        reranker: its `top_n`, `score_threshold` and `max_context_tokens` are left aside.
        query: what to ask.
        over: once set, no call begins and none waits; what is on its way is still read.

    Raises:
        AssistersError: of the calls.
        Interrupted: `over` came first.
    """
    asked = chosen_model(reranker, query)
    time = min(reranker.timeout + _PATIENCE, _LONGEST)
    patient = reranker.with_options(model=asked, timeout=time, max_context_tokens=None)
    known: dict[str, float] = {}
    usage, models = Usage(), list[str]()
    seconds: float | None = None
    truncated: int | None = 0
    for part in (query.texts[: query.first], query.texts[query.first :]):
        # Blank ones are not scored, but stand last in their call's list, and here in the whole.
        new = [text for text in dict.fromkeys(part) if text.strip() and text not in known]
        if not new:
            continue
        watch = _Watch(reranker.timeout, over)
        ranking = patient._through(partial(_Timed, watch), query.text, new, None, None)
        if not models and len(new) == query.first:
            seconds = watch.seconds(ranking.usage)
        usage += ranking.usage
        cut = ranking.truncated
        truncated = None if truncated is None or cut is None else truncated + cut
        models.append(ranking.model)
        for ranked in ranking:
            if ranked.relevance_score is not None:
                known[new[ranked.index]] = ranked.relevance_score
    for model in models:
        check_model(models[0], model)
    blank = min(0.0, *known.values()) if known else 0.0
    scores = {
        document: known.get(text, blank)
        for document, text in zip(query.documents, query.texts, strict=True)
    }
    answered_by = models[0] if models else None
    return Answered(query, scores, seconds, usage, asked, answered_by, truncated)


def check_model(before: str, now: str) -> None:
    """Raises `ContractError` if answers come from two models, whose scores don't compare."""
    if now != before:
        raise ContractError(
            f"the scores are of two models, {before!r} before and {now!r} now, and do not compare; "
            "start anew with another cache"
        )


def chosen_model(reranker: Reranker, query: Query) -> str:
    """The model to ask for: with `auto`, the one for all of the query's candidates together."""
    if reranker.model != AUTO:
        return reranker.model
    return fit(reranker, query.text, Plan.of(query.texts)).model


@dataclass(slots=True)
class _Watch:
    """Knows how long the sending of a call took."""

    timeout: float
    over: threading.Event
    began: float | None = None
    ended: float = 0.0
    waited: bool = False

    def seconds(self, usage: Usage) -> float | None:
        """From the first request to the last answer, if all of it was sent, once, without waits."""
        if self.began is None or self.waited or usage.retries or usage.documents_cached:
            return None
        return self.ended - self.began


class _Timed(Blocking):
    """`Blocking` under a watch, that keeps to `timeout`, and can be ended."""

    def __init__(self, watch: _Watch, clients: Clients, own: HttpClient | None) -> None:
        super().__init__(clients, own)
        self._watch = watch

    async def sleep(self, seconds: float) -> None:
        if self._watch.began is not None:
            self._watch.waited = True
        if self._watch.over.wait(seconds):
            raise Interrupted

    def event(self) -> ThreadEvent:
        return _Watched(self)

    async def send(self, request: Request, budget: float) -> Answer:
        if self._watch.over.is_set():
            raise Interrupted
        if self._watch.began is None:
            self._watch.began = self.now()
        answer = await super().send(request, min(budget, self._watch.timeout))
        self._watch.ended = self.now()
        return answer


class _Watched(ThreadEvent):
    """Looks every tenth of a second whether the run is over."""

    def __init__(self, port: _Timed) -> None:
        super().__init__()
        self._port = port

    async def wait(self, seconds: float) -> bool:
        ends = self._port.now() + seconds
        while (left := ends - self._port.now()) > 0:
            await self._port.sleep(0)
            if await super().wait(min(left, 0.1)):
                return True
        return False
