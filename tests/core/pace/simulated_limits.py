"""A server's rate limit and the requests that meet it, on a clock that only counts."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from itertools import count
from typing import Literal

import httpx

from assisters_rerank.pace.queue import Pace
from assisters_rerank.pace.waiting import Turn
from assisters_rerank.wire.messages import Answer

UNIX = 1_800_000_000.3
"""The server's time when the simulation's clock stands at 0; not a whole second."""


@dataclass(frozen=True)
class Limits:
    """The user's own."""

    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None


@dataclass(frozen=True)
class Job:
    """A request: when it comes, and how long its way, its work and its answer take."""

    comes: float = 0.0
    tokens: int = 1
    up: float = 0.01
    work: float = 0.05
    down: float = 0.01


@dataclass
class Server:
    """Allows so much in a window: `fixed` ones begin with a request, `rolling` ones always did.

    Refusals count for nothing. `told` says whether an answer's headers are computed when the
    request is let in or when it is answered, or are left out.
    """

    requests: int | None = None
    tokens: int | None = None
    window: float = 60.0
    kind: Literal["fixed", "rolling"] = "fixed"
    told: Literal["let in", "answered", "never"] = "answered"
    reset_in: Literal["unix", "seconds", "no"] = "unix"
    dated: bool = True
    retry_after: bool = True
    admitted: list[tuple[float, int]] = field(default_factory=list)
    began: float = -math.inf

    def _used(self, now: float) -> tuple[int, int]:
        if self.kind == "fixed":
            inside = [a for a in self.admitted if a[0] >= self.began]
        else:
            inside = [a for a in self.admitted if a[0] > now - self.window]
        return len(inside), sum(tokens for _, tokens in inside)

    def _over(self, now: float) -> float:
        """When there is room again: the end of the window, or of its oldest request's stay."""
        if self.kind == "fixed":
            return self.began + self.window
        inside = [at for at, _ in self.admitted if at > now - self.window]
        return min(inside, default=now) + self.window

    def admit(self, tokens: int, now: float) -> bool:
        if now >= self.began + self.window:
            self.began = now
        requests, before = self._used(now)
        if self.requests is not None and requests >= self.requests:
            return False
        if self.tokens is not None and before + tokens > self.tokens:
            return False
        self.admitted.append((now, tokens))
        return True

    def headers(self, now: float) -> dict[str, str]:
        requests, tokens = (
            (0, 0) if self.kind == "fixed" and now >= self.began + self.window else self._used(now)
        )
        over = self._over(now)
        reset = {
            "unix": f"{math.ceil(UNIX + over)}",
            "seconds": f"{math.ceil(over - now)}",
            "no": "",
        }[self.reset_in]
        told = {"Date": formatdate(UNIX + now, usegmt=True)} if self.dated else {}
        for short, limit, used in (
            ("RPM", self.requests, requests),
            ("TPM", self.tokens, tokens),
        ):
            if limit is not None:
                told |= {
                    f"X-RateLimit-Limit-{short}": str(limit),
                    f"X-RateLimit-Remaining-{short}": str(max(0, limit - used)),
                }
                told |= {f"X-RateLimit-Reset-{short}": reset} if reset else {}
        return told

    def most_in_a_minute(self) -> tuple[int, int]:
        """The most requests, and tokens, that were let in within any 60 seconds."""
        at = sorted(self.admitted)
        spans = [[a for a in at if start <= a[0] < start + 60] for start, _ in at]
        return (
            max(map(len, spans), default=0),
            max((sum(tokens for _, tokens in span) for span in spans), default=0),
        )


@dataclass
class Run:
    """One job's way through: when it was let go (once for every attempt), refused, done."""

    job: Job
    turn: Turn | None = None
    let_go: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    done: float | None = None
    left: bool = False
    asked: int = 0
    line: str = "a loop"


class Wakes:
    """An event that only counts: whoever sets it has `wake` called."""

    def __init__(self, wake: Callable[[], None], line: str) -> None:
        self.line = line
        self._wake = wake

    def set(self) -> bool:
        self._wake()
        return True


class Simulation:
    """Plays jobs against a server, through one pace, as `attempts.answered` would."""

    def __init__(self, server: Server, limits: Limits | None = None, first_wait: float = 0.5):
        self.pace = Pace()
        self.server = server
        self.limits = limits or Limits()
        self.now = 0.0
        self.first_answer = math.inf
        self.runs: list[Run] = []
        self.order: list[Run] = []  # in which they were let go for the first time
        self._first_wait = first_wait
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._number = count()

    def at(self, time: float, what: Callable[[], None]) -> None:
        heapq.heappush(self._events, (time, next(self._number), what))

    def add(self, job: Job) -> Run:
        run = Run(job)

        def come() -> None:
            if run.left:
                return
            run.turn = self.pace.queue(job.tokens)
            self._ask(run)

        self.runs.append(run)
        self.at(job.comes, come)
        return run

    def play(self, until: float = math.inf) -> None:
        """Until nothing is left to do."""
        for _ in range(50_000):
            if not self._events or self._events[0][0] > until:
                return
            self.now, _, what = heapq.heappop(self._events)
            what()
        raise AssertionError("it never ends")

    def leave(self, run: Run) -> None:
        """The call is cancelled."""
        run.left = True
        if run.turn is not None:
            self.pace.leave(run.turn, self.now)

    def _ask(self, run: Run) -> None:
        if run.left:
            return
        assert run.turn is not None
        run.asked += 1
        wait = self.pace.ask(run.turn, self.now, self.limits)
        if wait is not None and run.turn.event is None:
            run.turn.event = Wakes(lambda: self._ask_at(self.now, run, run.asked), run.line)
            wait = self.pace.ask(run.turn, self.now, self.limits)
        if wait is not None:
            assert wait.at_least < math.inf
            if wait.at_most < math.inf:
                # No sleep is so short that a clock does not go on.
                self._ask_at(self.now + max(wait.at_most, 1e-6), run, run.asked)
            return
        if not run.let_go:
            self.order.append(run)
        run.let_go.append(self.now)
        self.at(self.now + run.job.up, lambda: self._arrive(run))

    def _ask_at(self, time: float, run: Run, asked: int) -> None:
        """Asks again, unless it has been asked in the meantime."""
        self.at(time, lambda: self._ask(run) if run.asked == asked else None)

    def _arrive(self, run: Run) -> None:
        if run.left:
            return  # its connection was closed on the way
        fine = self.server.admit(run.job.tokens, self.now)
        told: Mapping[str, str] = (
            self.server.headers(self.now) if self.server.told == "let in" else {}
        )

        def answer() -> None:
            headers = dict(told)
            if self.server.told == "answered":
                headers = self.server.headers(self.now)
            if not fine and self.server.retry_after:
                over = self.server._over(self.now) - self.now
                headers["Retry-After"] = str(max(1, math.ceil(over)))
            status = 200 if fine else 429
            came = Answer(status, httpx.Headers(headers), b"")
            self.at(self.now + run.job.down, lambda: self._answered(run, came))

        # A refusal takes no work.
        self.at(self.now + (run.job.work if fine else 0.0), answer)

    def _answered(self, run: Run, answer: Answer) -> None:
        if run.left:
            return
        assert run.turn is not None
        self.first_answer = min(self.first_answer, self.now)
        self.pace.ended(run.turn, self.now, answer)
        if answer.status == 200:
            run.done = self.now
            self.pace.leave(run.turn, self.now)
            return
        run.refused.append(run.let_go[-1])
        rounds = self.pace.refused(run.turn)
        wait = float(answer.headers.get("retry-after", 0))
        if not wait and rounds is not None:
            wait = min(self._first_wait * 2**rounds, 8.0)
        self.pace.hold(self.now + wait)
        self.pace.ended(run.turn, self.now)
        self._ask(run)
