"""One line of the catalogue: what the server does, and the one outcome that it may lead to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from assisters_rerank.errors import AssistersError, RateLimitError, TransportError

from .answers import TEXTS, true_score
from .server import Script

KEY = "ask_secret_4fQ9zL2vTn8Rk1"
"""The API key of every call; a piece of it in an error or a log is a leak."""

LEAK = "ask_secret"

RIGHT = None
"""As an outcome: the right ranking."""

Outcome = type[AssistersError] | None


@dataclass(frozen=True, kw_only=True)
class Row:
    """A fault and its outcome.

    Attributes:
        script: what the server plays, a step for each request; the last one for ever.
        outcome: the exact class of the error, or RIGHT.
        or_else: other outcomes that are as good (for faults that clients may or may not mend).
        attributes: what the error must carry; a callable is asked, anything else compared.
        says: a regular expression that the message must match.
        requests: how often the server was asked; None where that cannot be known.
        options: options of the reranker other than address and key.
        rounds: how many calls one reranker makes.
        awaits_end: wait between two calls until the server has ended the first one's connection.
        first_fails: the error that all calls but the last are to end with.
        address: `server`, or one where nothing listens, nothing is accepted, or TLS is expected.
        gap: seconds that must lie between the first two requests.
        slow: the row needs its whole budget.
        echo: the server quotes the key, so that debug logs of the HTTP library may show its words.
        library_decides: the HTTP libraries differ in what they make of it.
    """

    name: str
    script: Script = ()
    outcome: Outcome = RIGHT
    or_else: tuple[Outcome, ...] = ()
    attributes: Mapping[str, object] = field(default_factory=dict)
    says: str = r"\S"
    requests: int | None = 1
    options: Mapping[str, object] = field(default_factory=dict)
    rounds: int = 1
    awaits_end: bool = False
    first_fails: Outcome = RIGHT
    address: Literal["server", "refused", "full", "https"] = "server"
    gap: float = 0.0
    slow: bool = False
    echo: bool = False
    library_decides: bool = False

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """Every outcome that is allowed."""
        return (self.outcome, *self.or_else)

    @property
    def waits(self) -> bool:
        """Whether it takes its time, and next to nothing of the processor's."""
        return self.slow or self.gap > 0 or self.first_fails is not None

    @property
    def timeout(self) -> float:
        """The call's budget in seconds: short where it has to run out."""
        given = self.options.get("timeout")
        if isinstance(given, float):
            return given
        return 0.5 if self.slow else 10.0

    def expected_ranking(self) -> list[tuple[str, float]]:
        """The right texts with their scores, threshold and `top_n` applied."""
        scored = sorted(((text, true_score(text)) for text in TEXTS), key=lambda pair: -pair[1])
        threshold = self.options.get("score_threshold")
        if isinstance(threshold, float):
            scored = [pair for pair in scored if pair[1] >= threshold]
        return scored[: self.top_n]

    @property
    def top_n(self) -> int | None:
        """The option, if the row sets it."""
        top_n = self.options.get("top_n")
        return top_n if isinstance(top_n, int) else None

    @property
    def passes_through(self) -> bool:
        """Whether `on_error="passthrough"` gives the candidates back in place of this error."""
        if self.outcome is None:
            return False
        if issubclass(self.outcome, (TransportError, RateLimitError)):
            return True
        status = self.attributes.get("status")
        return isinstance(status, int) and (status == 408 or status >= 500)


def among(*allowed: object) -> Callable[[object], bool]:
    """Matches any of the values."""
    return lambda value: value in allowed
