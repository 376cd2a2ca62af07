"""Every setting of a reranker, once: default, range, description, and where it comes from.

The plugins inherit these fields, so a new option is added here and nowhere else.
An explicit argument wins over an environment variable, which wins over the default.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, SecretStr, TypeAdapter
from pydantic.json_schema import SkipJsonSchema

from .cache import ScoreCache
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
from .models import AUTO, BGE_RERANKER_V2, JINA_RERANKER
from .settings import STRICT, Settings, checked


def _no_bool(value: object) -> object:
    # Python counts True as 1; in a setting it is a slip.
    if isinstance(value, bool):
        raise ValueError("give a number, not a bool")
    return value


TopN = Annotated[int, BeforeValidator(_no_bool), Field(ge=0)] | None
ScoreThreshold = Annotated[float, BeforeValidator(_no_bool), Field(allow_inf_nan=False)] | None
PositiveInt = Annotated[int, BeforeValidator(_no_bool), Field(ge=1)]
Price = Annotated[float, BeforeValidator(_no_bool), Field(ge=0, allow_inf_nan=False)]


def _no_half_cache(value: object) -> object:
    if value is None or (isinstance(value, ScoreCache) and not isinstance(value, type)):
        return value
    raise ValueError("give an object with get_many and set_many, such as MemoryCache()")


Cache = Annotated[ScoreCache, BeforeValidator(_no_half_cache)]

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
        default=BGE_RERANKER_V2.id,
        min_length=1,
        description=(
            f"Model id, as the server knows it; {AUTO}: {BGE_RERANKER_V2.id} while every document "
            f"fits into its window beside the query, {JINA_RERANKER.id} beyond."
        ),
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
    long_documents: Literal["truncate", "split", "error"] = Field(
        default="truncate",
        description=(
            "What becomes of a document that is longer than the model reads. truncate: left to the "
            "service, counted and logged; split: its passages are scored, and the best one counts; "
            "error: refused before any request."
        ),
    )
    max_tokens: Annotated[int, BeforeValidator(_no_bool), Field(ge=32)] | None = Field(
        default=None,
        description=(
            "Tokens of query and document together that the model reads; without it the "
            "catalogue's figure, where the model is in there."
        ),
    )
    count_tokens: SkipJsonSchema[Callable[[str], int] | None] = Field(
        default=None,
        exclude=True,
        repr=False,
        description=(
            "Counts the tokens of a text; without it they are estimated. Long lists are counted "
            "in another thread."
        ),
    )
    prices: dict[str, Price] = Field(
        default_factory=dict,
        description="Dollars per million tokens by model id, beside or instead of the catalogue's.",
    )
    cache: SkipJsonSchema[Cache | None] = Field(
        default=None,
        exclude=True,
        repr=False,
        description=(
            "Keeps scores by address, model, query and text, so that nothing is paid for twice: "
            "MemoryCache, SqliteCache, or any object with get_many and set_many."
        ),
    )
    requests_per_minute: PositiveInt | None = Field(
        default=None,
        description=(
            "Most requests in any minute, over all threads and event loops. Without it, what the "
            "server tells of its limits is obeyed."
        ),
    )
    tokens_per_minute: PositiveInt | None = Field(
        default=None,
        description="Most tokens in any minute, in the same way.",
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
