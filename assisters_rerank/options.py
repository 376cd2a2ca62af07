"""Every setting of a reranker, once: default, range, description, and where it comes from.

The plugins inherit these fields, so a new option is added here and nowhere else.
An explicit argument wins over an environment variable, which wins over the default.
"""

from __future__ import annotations

import difflib
import ipaddress
import os
import warnings
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, TypeVar
from urllib.parse import SplitResult, urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    TypeAdapter,
    ValidationError,
)
from pydantic.json_schema import SkipJsonSchema

from .clients import AsyncHttpClient, HttpClient
from .errors import ConfigurationError

SERVICE_URL = "https://api.assisters.dev/v1"
API_KEY_VARIABLE = "ASSISTERS_API_KEY"
BASE_URL_VARIABLE = "ASSISTERS_BASE_URL"


def _no_bool(value: object) -> object:
    # Python counts True as 1; in a setting it is a slip.
    if isinstance(value, bool):
        raise ValueError("give a number, not a bool")
    return value


def _usable_url(value: str) -> str:
    url = value.strip().rstrip("/").removesuffix("/rerank")
    problem = f"give an http or https address such as {SERVICE_URL}"
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port  # both raise on nonsense
    except ValueError:
        raise ValueError(problem) from None
    if not host or parts.scheme not in ("http", "https"):
        raise ValueError(problem)
    if parts.username or parts.password:
        raise ValueError("it holds a user name or password; give the key as api_key instead")
    if parts.query or parts.fragment:
        raise ValueError("it must end with the path, without ? or #")
    return url


def _usable_key(value: SecretStr) -> SecretStr | None:
    key = value.get_secret_value().strip()  # a newline often comes along from a file or a shell
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise ValueError("it holds characters that no key has; was it copied whole, and alone?")
    return SecretStr(key) if key else None


TopN = Annotated[int, BeforeValidator(_no_bool), Field(ge=0)] | None
ScoreThreshold = Annotated[float, BeforeValidator(_no_bool), Field(allow_inf_nan=False)] | None
ApiKey = Annotated[SecretStr, AfterValidator(_usable_key)] | None
BaseUrl = Annotated[str, AfterValidator(_usable_url)]
PositiveInt = Annotated[int, BeforeValidator(_no_bool), Field(ge=1)]

_TOP_N: TypeAdapter[int | None] = TypeAdapter(TopN)
_SCORE_THRESHOLD: TypeAdapter[float | None] = TypeAdapter(ScoreThreshold)
_API_KEY: TypeAdapter[SecretStr | None] = TypeAdapter(ApiKey)
_BASE_URL: TypeAdapter[str] = TypeAdapter(BaseUrl)

T = TypeVar("T")


class RerankOptions(BaseModel):
    """The settings of a reranker.

    Raises:
        ConfigurationError: an unknown or impossible setting. The message names it and never
            shows its value, which might be a key in the wrong place.
    """

    model_config = ConfigDict(
        extra="forbid",
        hide_input_in_errors=True,
        validate_assignment=True,
        arbitrary_types_allowed=True,
    )

    model: str = Field(
        default="bge-reranker-v2",
        min_length=1,
        description="Model id, as the server knows it.",
    )
    top_n: TopN = Field(
        default=None,
        description="Most documents to return. None: all of them; 0: none, and no request.",
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
        default_factory=lambda: _variable_base_url() or SERVICE_URL,
        description=(
            f"Address up to, not including, /rerank; without it the environment variable "
            f"{BASE_URL_VARIABLE}, else {SERVICE_URL}. Any server that speaks this dialect."
        ),
    )
    timeout: Annotated[float, BeforeValidator(_no_bool)] = Field(
        default=30.0,
        gt=0,
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

    # Type checkers see the constructor that pydantic derives from the fields instead.
    if not TYPE_CHECKING:

        def __init__(self, **settings: Any) -> None:
            try:
                super().__init__(**settings)
            except ValidationError as error:
                message = _explain(error, type(self))
            else:
                return
            # Outside the handler: pydantic's error holds the values, and must not ride along.
            raise ConfigurationError(message)

        def __setattr__(self, name: str, value: Any) -> None:
            try:
                super().__setattr__(name, value)
            except ValidationError as error:
                message = _explain(error, type(self))
            else:
                return
            raise ConfigurationError(message)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy with its own connections; unlike pydantic's, it checks the updated settings."""
        copied = super().model_copy(deep=deep)
        for name, value in (update or {}).items():
            setattr(copied, name, value)
        return copied

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

        The variable's key was meant for one host, so it is sent to the service, or to the host
        that the base URL variable names, and to no other.

        Raises:
            ConfigurationError: the service itself is called and there is no key.
        """
        key = self.api_key or self._variable_key()
        host = _split(self.base_url)
        if key is None:
            if _is_service(self.base_url):
                raise ConfigurationError(
                    f"No API key: give api_key=… or set the variable {API_KEY_VARIABLE}."
                )
            return None
        if host.scheme == "http" and not _is_loopback(host.hostname or ""):
            warnings.warn(
                f"The API key goes to {host.netloc} over plain http, readable on the way; "
                "use an https base_url.",
                stacklevel=2,
            )
        return key

    def _variable_key(self) -> SecretStr | None:
        key = _variable(API_KEY_VARIABLE)
        named = _variable_base_url()
        meant = _is_service(self.base_url) or (
            named is not None and _server(self.base_url) == _server(named)
        )
        if key is None or not meant:
            return None
        return _checked(_API_KEY, key, f"the variable {API_KEY_VARIABLE}")


def checked_top_n(value: int | None) -> int | None:
    """A per-call `top_n`, held to the same rule as the option."""
    return _checked(_TOP_N, value, "top_n")


def checked_score_threshold(value: float | None) -> float | None:
    """A per-call `score_threshold`, held to the same rule as the option."""
    return _checked(_SCORE_THRESHOLD, value, "score_threshold")


def _variable_base_url() -> str | None:
    url = _variable(BASE_URL_VARIABLE)
    return None if url is None else _checked(_BASE_URL, url, f"the variable {BASE_URL_VARIABLE}")


def _variable(name: str) -> str | None:
    """The environment variable's text; blank counts as missing."""
    return os.environ.get(name, "").strip() or None


def _checked(rule: TypeAdapter[T], value: object, name: str) -> T:
    try:
        return rule.validate_python(value)
    except ValidationError as error:
        message = f"{name}: {_reason(error.errors(include_url=False)[0]['msg'])}"
    raise ConfigurationError(message)


def _explain(error: ValidationError, model: type[BaseModel]) -> str:
    """What is wrong with which setting, without any value: it might be a misplaced key."""
    problems = []
    for problem in error.errors(include_url=False, include_context=False, include_input=False):
        name = str(problem["loc"][0]) if problem["loc"] else model.__name__
        if problem["type"] == "extra_forbidden":
            near = difflib.get_close_matches(name, model.model_fields, n=1)
            hint = f"did you mean {near[0]}?" if near else "see the class's fields"
            problems.append(f"{name} is no setting of {model.__name__}; {hint}")
        else:
            problems.append(f"{name}: {_reason(problem['msg'])}")
    return "; ".join(problems)


def _reason(message: str) -> str:
    return message.removeprefix("Value error, ")


@lru_cache(maxsize=64)
def _split(url: str) -> SplitResult:
    return urlsplit(url)


def _is_service(url: str) -> bool:
    return _split(url).hostname == _split(SERVICE_URL).hostname


def _server(url: str) -> tuple[str | None, int | None]:
    """Host and port, however the address writes them."""
    parts = _split(url)
    return parts.hostname, parts.port or {"https": 443, "http": 80}.get(parts.scheme)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
