"""The flow's third world: replies in, sleeps out, a clock of its own; no sockets, no waiting."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from assisters_rerank import RerankOptions
from assisters_rerank.call import rerank_flow
from assisters_rerank.call.state import State
from assisters_rerank.errors import BudgetExceeded
from assisters_rerank.net import run_blocking
from assisters_rerank.ranking import Document, Ranking
from assisters_rerank.wire.messages import Answer, Request

T = TypeVar("T")

Reply = Answer | Exception | Callable[[Request], Answer]
"""What a request meets: this answer, this failure, or the answer that fits the request."""


@dataclass(frozen=True)
class Sent:
    """One request as it left, with the seconds that it was given and the port's time."""

    request: Request
    budget: float
    at: float


class ScriptedEvent:
    """Nobody else is there to set it: waiting for it is a sleep."""

    line = "scripted"

    def __init__(self, port: ScriptedPort) -> None:
        self._port = port

    def set(self) -> bool:
        return True

    async def wait(self, seconds: float) -> bool:
        await self._port.sleep(seconds)
        return False


@dataclass
class ScriptedPort:
    """Plays `replies` in turn, each taking `send_seconds`; a sleep lasts `oversleep` too long.

    Like a real port, it ends an answer that takes longer than its budget. Calls made together run
    one after the other in their given order.
    """

    replies: Iterable[Reply]
    send_seconds: float = 0.0
    oversleep: float = 0.0
    clock: float = 1000.0
    spent: float = 0.0
    sent: list[Sent] = field(default_factory=list)
    sleeps: list[float] = field(default_factory=list)
    limits: list[int] = field(default_factory=list)
    asides: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._replies = iter(self.replies)

    def now(self) -> float:
        return self.clock

    async def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.clock += seconds + self.oversleep

    def event(self) -> ScriptedEvent:
        return ScriptedEvent(self)

    async def send(self, request: Request, budget: float) -> Answer:
        self.sent.append(Sent(request, budget, self.clock))
        self.clock += min(self.send_seconds, budget)
        if self.send_seconds > budget:
            raise BudgetExceeded("scripted")
        try:
            reply = next(self._replies)
        except StopIteration:
            raise AssertionError("more requests were sent than replies scripted") from None
        if isinstance(reply, Exception):
            raise reply
        return reply if isinstance(reply, Answer) else reply(request)

    async def together(self, calls: Sequence[Callable[[], Awaitable[T]]], limit: int) -> list[T]:
        self.limits.append(limit)
        return [await call() for call in calls]

    async def aside(self, work: Callable[[], T], budget: float) -> T:
        self.asides.append(budget)
        return work()


def rank(
    port: ScriptedPort,
    texts: Iterable[str] = ("a text",),
    top_n: int | None = None,
    score_threshold: float | None = None,
    query: str = "a query",
    **options: object,
) -> Ranking:
    """One call of the flow over the port, without an event loop."""
    documents = [Document(text, text) for text in texts]
    settings = RerankOptions(**{"api_key": "ask_scripted", **options})
    call = rerank_flow.rerank(port, settings, State(), query, documents, top_n, score_threshold)
    return run_blocking(call)
