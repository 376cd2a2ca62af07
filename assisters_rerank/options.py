"""Every setting of a reranker, once: default, range, description, and where it comes from.

The plugins inherit these fields, so a new option is added here and nowhere else.
An explicit argument wins over an environment variable, which wins over the default.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, SecretStr, TypeAdapter
from pydantic.json_schema import SkipJsonSchema

from .clients import AsyncHttpClient, HttpClient
from .destination import (
    API_KEY_VARIABLE,
    BASE_URL_VARIABLE,
    SERVICE_URL,
    ApiKey,
    BaseUrl,
    default_base_url,
    key_for,
)
from .settings import STRICT, Settings, checked


def _no_bool(value: object) -> object:
    # Python counts True as 1; in a setting it is a slip.
    if isinstance(value, bool):
        raise ValueError("give a number, not a bool")
    return value


TopN = Annotated[int, BeforeValidator(_no_bool), Field(ge=0)] | None
ScoreThreshold = Annotated[float, BeforeValidator(_no_bool), Field(allow_inf_nan=False)] | None
PositiveInt = Annotated[int, BeforeValidator(_no_bool), Field(ge=1)]

_TOP_N: TypeAdapter[int | None] = TypeAdapter(TopN)
_SCORE_THRESHOLD: TypeAdapter[float | None] = TypeAdapter(ScoreThreshold)


class RerankOptions(Settings):
    """The settings of a reranker.

    Raises:
        ConfigurationError: an unknown or impossible setting. The message names it and never
            shows its value.
    """

    model_config = STRICT

    model: str = Field(
        default="bge-reranker-v2",
        min_length=1,
        description="Model id, as the server knows it.",
    )
    top_n: TopN = Field(
        default=None,
        description="Most documents to return. Without it, all; 0: none, and no request.",
    )
    score_threshold: ScoreThreshold = Field(
        default=None,
        description=(
            "Keep documents with relevance_score >= this, before top_n. Any finite number, since "
            "some servers answer in logits; this service's scores lie in 0…1."
        ),
    )
    api_key: ApiKey = Field(
        default=None,
        exclude=True,
        repr=False,
        description=f"API key; without it the environment variable {API_KEY_VARIABLE}.",
    )
    base_url: BaseUrl = Field(
        default_factory=default_base_url,
        description=(
            f"Address up to, not including, /rerank; without it the environment variable "
            f"{BASE_URL_VARIABLE}, else {SERVICE_URL}. Any server that speaks this dialect."
        ),
    )
    timeout: Annotated[float, BeforeValidator(_no_bool)] = Field(
        default=30.0,
        gt=0,
        le=86_400,  # sockets take no more than some weeks, and nobody waits longer than a day
        allow_inf_nan=False,
        description="Budget of a whole call in seconds, retries and waits included.",
    )
    max_retries: Annotated[int, BeforeValidator(_no_bool)] = Field(
        default=3,
        ge=0,
        description="Retries of each request after a transient failure.",
    )
    max_documents_per_request: PositiveInt = Field(
        default=100,
        description="Longer lists are split into requests of this size and merged again.",
    )
    max_concurrency: PositiveInt = Field(
        default=10,
        description="Requests of one call in flight at once.",
    )
    on_error: Literal["raise", "passthrough"] = Field(
        default="raise",
        description=(
            "What a transient failure does: raise it, or pass the documents through in their "
            "first order, cut to top_n, without scores and marked as degraded."
        ),
    )
    http_client: SkipJsonSchema[HttpClient | None] = Field(
        default=None,
        exclude=True,
        repr=False,
        description="Your own httpx.Client (proxies, certificates, mocks); never closed by us.",
    )
    async_http_client: SkipJsonSchema[AsyncHttpClient | None] = Field(
        default=None,
        exclude=True,
        repr=False,
        description="Your own httpx.AsyncClient; use it in one event loop. Never closed by us.",
    )

    def __getstate__(self) -> dict[Any, Any]:
        # Fields marked `exclude` (the key, live clients) stay out of pickles as out of dumps.
        fields = type(self).model_fields
        return {name: getattr(self, name) for name in fields if not fields[name].exclude}

    def __setstate__(self, state: dict[Any, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        # The key and the user's own clients are handed over, not copied: a client holds sockets.
        memo = {} if memo is None else memo
        for name, field in type(self).model_fields.items():
            if field.exclude:
                value = getattr(self, name)
                memo[id(value)] = value
        return super().__deepcopy__(memo)

    def resolve_api_key(self) -> SecretStr | None:
        """The key to send to `base_url`, or None for a server that needs none.

        Raises:
            ConfigurationError: the service itself is called and there is no key.
        """
        # The field takes strings too, but keeps none.
        given = self.api_key if isinstance(self.api_key, SecretStr) else None
        return key_for(self.base_url, given)


def checked_top_n(value: int | None) -> int | None:
    """A per-call `top_n`, held to the same rule as the option."""
    return checked(_TOP_N, value, "top_n")


def checked_score_threshold(value: float | None) -> float | None:
    """A per-call `score_threshold`, held to the same rule as the option."""
    return checked(_SCORE_THRESHOLD, value, "score_threshold")
