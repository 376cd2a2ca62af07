"""Every option of a reranker, with its default, range and description.

The options of the service are in `service_options`. The plugins inherit all of these fields.
CONTRIBUTING.md lists the other places that a new option needs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from inspect import iscoroutinefunction
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, TypeAdapter, ValidationInfo, field_validator
from pydantic.json_schema import SkipJsonSchema

from ..cache.score_cache import ScoreCache, is_pickled
from ..catalogue import AUTO, BGE_RERANKER_V2, JINA_RERANKER, LISTWISE
from ..errors import ConfigurationError
from ..settings import STRICT_BASE, checked, no_bool
from ..wire.destination import ASSISTERS, Provider
from ..wire.dialects import ASSISTERS_DIALECT, Dialect, DialectName, dialect_of
from .service_options import PositiveInt, ServiceOptions
from .thresholds import ScoreThreshold, check_models

TopN = Annotated[int, BeforeValidator(no_bool), Field(ge=0)] | None


def _no_half_cache(value: object) -> object:
    if value is None:
        return value
    if not isinstance(value, ScoreCache) or isinstance(value, type):
        raise ValueError("give an object with get_many and set_many, such as MemoryCache()")
    if iscoroutinefunction(value.get_many) or iscoroutinefunction(value.set_many):
        raise ValueError(
            "get_many and set_many must be plain functions, not async ones; threads call them"
        )
    return value


Cache = Annotated[ScoreCache, BeforeValidator(_no_half_cache)]

_TOP_N: TypeAdapter[int | None] = TypeAdapter(TopN)


class RerankOptions(ServiceOptions):
    """The settings of a reranker; those about the service are inherited.

    Raises:
        ConfigurationError: an unknown or impossible setting. The message names it and never
            shows its value.
    """

    model_config = STRICT_BASE

    dialect: DialectName | Dialect = Field(
        default=ASSISTERS_DIALECT,
        description=(
            "How the server words a rerank: by name, or a Dialect of your own. The default is also "
            "that of Cohere, Jina, vLLM, LiteLLM, infinity, llama.cpp, Xinference, SiliconFlow, "
            "Together, OpenRouter and ZeroEntropy. Any other needs model, and base_url unless the "
            "provider has an address of its own."
        ),
    )
    model: str = Field(
        default=BGE_RERANKER_V2.id,
        min_length=1,
        description=(
            f"Model id, as the server knows it; {AUTO}: {BGE_RERANKER_V2.id} while the query "
            f"and every document together fit into its window, else {JINA_RERANKER.id}."
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
            "some servers answer in logits; this service's scores lie in 0…1. Or a number for each "
            "model, by its id: their scales differ."
        ),
    )
    score_activation: Literal["sigmoid"] | None = Field(
        default=None,
        description=(
            "sigmoid: map the server's scores to 0…1, for servers that answer in logits. The order "
            "and the cache go by the raw scores, score_threshold by the mapped ones."
        ),
    )
    max_documents_per_request: PositiveInt = Field(
        default=100,
        description="Longer lists are split into requests of this size and merged again.",
    )
    listwise: bool | None = Field(
        default=None,
        description=(
            "The model scores a document in the company of the others: all documents go in one "
            "request, or the call is refused; nothing is cached or split. Without it true for the "
            "published names of such models (jina-reranker-v3, jina-reranker-v3.5)."
        ),
    )
    long_documents: Literal["as_is", "truncate", "split", "error"] = Field(
        default="as_is",
        description=(
            "What happens to a document that is longer than the model's window. as_is: it is sent "
            "whole, and the server cuts or refuses it; truncate: it is cut to the window before; "
            "split: its passages are scored, and the best score counts; error: the call is refused "
            "before any request."
        ),
    )
    token_margin: Annotated[float, BeforeValidator(no_bool), Field(ge=0, le=10)] | None = Field(
        default=None,
        description=(
            "How much more tokens than estimated a text may have, as a share, where it is cut to "
            "the window. Without it 0 for catalogue models of the service and with count_tokens, "
            "else 0.15."
        ),
    )
    max_tokens: Annotated[int, BeforeValidator(no_bool), Field(ge=32)] | None = Field(
        default=None,
        description=(
            "The model's window: tokens of query and document together. Without it, the "
            "catalogue's figure, if the model is in the catalogue."
        ),
    )
    max_passage_tokens: Annotated[int, BeforeValidator(no_bool), Field(ge=16)] | None = Field(
        default=None,
        description=(
            "With long_documents='split': most tokens of a passage. Without it, what the window "
            "holds next to the query. Shorter passages say more exactly what is relevant, and cost "
            "more tokens: the query is read again with each."
        ),
    )
    max_context_tokens: PositiveInt | None = Field(
        default=None,
        description=(
            "Most tokens of the returned documents together, as they reach a prompt, after "
            "score_threshold and top_n: the first document that does not fit ends the list. The "
            "best one is cut off, at a sentence end if there is one, rather than left out."
        ),
    )
    count_context_tokens: SkipJsonSchema[Callable[[str], int] | None] = Field(
        default=None,
        exclude=True,
        repr=False,
        description=(
            "Counts tokens for max_context_tokens, as the model that reads the prompt does; "
            "without it count_tokens counts, else they are estimated."
        ),
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
    cache_namespace: str = Field(
        default="",
        description=(
            "A part of the cache's key, for what your own HTTP client changes about the scores "
            "(headers, parameters): what differs there needs another name here."
        ),
    )
    on_error: Literal["raise", "passthrough"] = Field(
        default="raise",
        description=(
            "What happens after a transient failure: raise it, or return the documents in their "
            "original order, cut to top_n, without relevance scores and marked as degraded."
        ),
    )
    passthrough_after: PositiveInt | None = Field(
        default=3,
        description=(
            "With on_error='passthrough': after so many calls in a row that got no answer (no "
            "connection, a timeout of 1 s or more, 5xx), calls return at once, until a probe "
            "every 30 s is answered. None: every call asks the service."
        ),
    )

    @field_validator("model", "score_threshold")
    @classmethod
    def _a_threshold_for_each_model(cls, value: Any, info: ValidationInfo) -> Any:
        given = {**info.data, str(info.field_name): value}
        if "model" in given and "score_threshold" in given:
            check_models(given["score_threshold"], given["model"])
        return value

    def _is_pickled(self, name: str) -> bool:
        return name == "cache" and is_pickled(self.cache)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy; unlike pydantic's own, it checks the updated settings."""
        if update is None or not update.keys() >= {"model", "score_threshold"}:
            return super().model_copy(update=update, deep=deep)
        # They are checked together, and half-way they might not go together.
        copied = super().model_copy(update={"score_threshold": None}, deep=deep)
        copied.model = update["model"]
        for name, value in update.items():
            setattr(copied, name, value)
        return copied

    def _check_together(self) -> None:
        self.check_listwise(self.model)
        dialect = dialect_of(self.dialect)
        self._check_extra_body(dialect.own_fields())
        self._check_extra_headers()
        if self.dialect == ASSISTERS_DIALECT:
            return
        if dialect.base_url is not None and "base_url" not in self.model_fields_set:
            self.base_url = dialect.base_url
        missing = [name for name in ("base_url", "model") if name not in self.model_fields_set]
        if missing:
            raise ConfigurationError(
                f"dialect: it is another server's, so give {' and '.join(missing)} as well."
            )
        if self.model == AUTO:
            raise ConfigurationError(
                "model: 'auto' chooses among this service's models; give the other server's model."
            )

    def is_listwise(self, model: str) -> bool:
        """Whether this model scores a document in the company of the others."""
        return model in LISTWISE if self.listwise is None else self.listwise

    def check_listwise(self, model: str) -> None:
        """Raises `ConfigurationError` if passages of a list-wise model's documents are wanted."""
        if self.long_documents == "split" and self.is_listwise(model):
            raise ConfigurationError(
                f"long_documents: {model} scores a document in the company of the others, where "
                "passages of one document would compete with each other; give 'truncate' or "
                "'as_is', or listwise=False if the model scores each by itself."
            )

    def _key_header(self) -> str:
        return dialect_of(self.dialect).key_header

    def _provider(self) -> Provider:
        if self.dialect == ASSISTERS_DIALECT:
            return ASSISTERS
        return dialect_of(self.dialect).provider()


def checked_top_n(value: int | None) -> int | None:
    """A per-call `top_n`, checked by the same rule as the option."""
    return checked(_TOP_N, value, "top_n")
