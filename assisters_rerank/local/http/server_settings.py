"""What can be set on the local server, checked once for `LocalServer` and the command line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, TypeAdapter

from ...errors import ConfigurationError
from ...settings import STRICT, Settings
from .generations import GENERATIONS, STRICTEST, Generation
from .rate_limiter import PLANS, PlanName, RateLimits
from .trusted import host_name

PORT = TypeAdapter(Annotated[int, Field(strict=True, ge=0, le=65_535)])
"""A port to listen on; 0 for a free one."""


def _usable_key(key: str) -> str:
    if not key.strip():
        raise ValueError("it is blank; give a key, or None to let everybody in")
    return key.strip()  # as it comes out of a header


def _host_names(names: object) -> object:
    if names is None:
        return None
    if isinstance(names, str) or not isinstance(names, Iterable):
        raise ValueError("give a list of names")
    return tuple(map(_host_name, names))


def _host_name(name: object) -> str:
    problem = "give names without scheme and port, such as host.docker.internal"
    if not isinstance(name, str):
        raise ValueError(problem)
    bare = name.strip().lower().removeprefix("[").removesuffix("]").removesuffix(".")
    try:
        read = host_name(f"//[{bare}]" if ":" in bare else f"//{bare}")
    except ValueError:
        read = ""
    if not bare or read != bare:
        raise ValueError(problem)
    return bare


class ServerSettings(Settings):
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
        max_body_mb: the largest body of a request, in millions of bytes.
        allowed_hosts: names in `Host` and `Origin` that are accepted besides those of the loopback
            interface; `None` accepts every name.
        any_model: accept every name of a model.

    Raises:
        ConfigurationError: a value that no server could have; the message shows no key.
    """

    # Revalidated, so that numbers inside `limits` are held to their types too.
    model_config = STRICT | ConfigDict(strict=True, frozen=True, revalidate_instances="always")

    api_key: Annotated[str, AfterValidator(_usable_key)] | None = Field(default=None, repr=False)
    generation: Annotated[int, Field(ge=min(GENERATIONS), le=max(GENERATIONS))] | None = None
    max_documents: Annotated[int, Field(ge=1)] | None = None
    limits: RateLimits | PlanName | None = None
    latency: bool = False
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    max_body_mb: Annotated[int, Field(ge=1)] = 32
    allowed_hosts: Annotated[Sequence[str] | None, BeforeValidator(_host_names)] = ()
    any_model: bool = False

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


def check_worker(worker: object, setting: str, names: Sequence[str], method: str) -> None:
    """Raises `ConfigurationError` for what is neither one of the names nor can do the work."""
    if isinstance(worker, str):
        usable = worker in names
    else:
        named = isinstance(getattr(worker, "name", None), str)
        usable = named and callable(getattr(worker, method, None)) and not isinstance(worker, type)
    if not usable:
        raise ConfigurationError(
            f"{setting}: give {', '.join(map(repr, names))}, or an object with `name` and "
            f"`{method}`."
        )
