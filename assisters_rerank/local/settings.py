"""What can be set on the local server, checked once for `LocalServer` and the command line."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import get_args

from ..errors import ConfigurationError
from .generations import GENERATIONS, STRICTEST, Generation
from .rate_limits import PLANS, PlanName, RateLimits


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """The settings of one server.

    Attributes:
        api_key: the only key that is let in; `None` lets everybody in.
        generation: 1, 2 or 3; `None` stands for the second one's answers under the first one's
            limit of documents, so that what works here works with all three.
        max_documents: documents that one request may carry; `None`: the generation's limit.
        limits: what a window allows, or the name of a plan; `None` allows everything.
        latency: answer no sooner than the service would.
        max_tokens: how much of a query and a document together the scorer gets, as `windows` cuts
            it; `None`: all.

    Raises:
        ConfigurationError: a value that no server could have; the message shows no key.
    """

    api_key: str | None = field(default=None, repr=False)
    generation: int | None = None
    max_documents: int | None = None
    limits: RateLimits | PlanName | None = None
    latency: bool = False
    max_tokens: int | None = None

    def __post_init__(self) -> None:
        if self.api_key is not None and not self.api_key.strip():
            raise ConfigurationError("api_key is blank: give a key, or None to let everybody in.")
        if self.generation is not None and self.generation not in GENERATIONS:
            raise ConfigurationError(f"generation has to be 1, 2 or 3, not {self.generation!r}.")
        for name in ("max_documents", "max_tokens"):
            value: int | None = getattr(self, name)
            if value is not None and value < 1:
                raise ConfigurationError(f"{name} is {value}; the least is 1.")
        if isinstance(self.limits, str) and self.limits not in PLANS:
            plans = ", ".join(get_args(PlanName))
            raise ConfigurationError(f"There is no plan {self.limits!r}; there are {plans}.")

    @property
    def contract(self) -> Generation:
        """The generation's limits, defaults and fields."""
        return STRICTEST if self.generation is None else GENERATIONS[self.generation]

    @property
    def document_limit(self) -> int:
        """Documents that one request may carry."""
        return self.max_documents or self.contract.max_documents

    @property
    def rate_limits(self) -> RateLimits:
        """What one window allows."""
        if isinstance(self.limits, str):
            return PLANS[self.limits]
        return self.limits or RateLimits()
