"""The settings of everything that calls the service, once: address, key, time, pace, prices.

An explicit argument wins over an environment variable, which wins over the default.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    JsonValue,
    PrivateAttr,
    SecretStr,
    field_serializer,
)
from pydantic.json_schema import SkipJsonSchema

from ..errors import ConfigurationError
from ..net.clients import AsyncHttpClient, HttpClient
from ..net.transport_choice import ASYNC_TRANSPORT_VARIABLE, AsyncTransport, installed
from ..settings import STRICT, Settings, no_bool
from ..wire.address import SERVICE_URL, BaseUrl, endpoint, key_parameters, shown
from ..wire.billing import Billing
from ..wire.destination import (
    API_KEY_VARIABLE,
    ASSISTERS,
    BASE_URL_VARIABLE,
    ApiKey,
    Provider,
    default_base_url,
    is_service,
    key_for,
    known_key,
)
from ..wire.messages import Recipient
from ..wire.redaction import redacted
from .extra_headers import ExtraHeaders
from .prices import Dollars, Price, price_of

logger = logging.getLogger("assisters_rerank")

_TOLD: set[tuple[type, frozenset[str]]] = set()

PositiveInt = Annotated[int, BeforeValidator(no_bool), Field(ge=1)]


class ServiceOptions(Settings):
    """The options of every call to the service.

    Raises:
        ConfigurationError: an unknown or impossible setting. The message names it and never
            shows its value.
    """

    model_config = STRICT

    api_key: ApiKey = Field(
        default=None,
        exclude=True,
        repr=False,
        description=f"API key; without it the environment variable {API_KEY_VARIABLE}.",
    )
    base_url: BaseUrl = Field(
        default_factory=default_base_url,
        description=(
            f"Address of the server, with or without /rerank or /embeddings; without it the "
            f"environment variable {BASE_URL_VARIABLE}, else {SERVICE_URL}. It may end with a "
            "query string, as gateways want one."
        ),
    )
    timeout: Annotated[float, BeforeValidator(no_bool)] = Field(
        default=30.0,
        gt=0,
        le=86_400,  # sockets take no more than some weeks, and nobody waits longer than a day
        allow_inf_nan=False,
        description="Budget of a whole call in seconds, retries and waits included.",
    )
    max_retries: Annotated[int, BeforeValidator(no_bool)] = Field(
        default=3,
        ge=0,
        description=(
            "Retries of each request after a transient failure. Waits for a rate limit (429) are "
            "not counted, except that with 0 each request is sent only once."
        ),
    )
    max_concurrency: PositiveInt = Field(
        default=10,
        description="Requests of one call in flight at once.",
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
    prices: dict[str, Dollars | Price] = Field(
        default_factory=dict,
        description=(
            "Dollars per million tokens by model id, or a Price; they extend or replace the "
            "catalogue's, which count for the service itself. What a server says a call cost wins."
        ),
    )
    requests_per_minute: PositiveInt | None = Field(
        default=None,
        description=(
            "Most requests in any minute, over all threads and event loops. The limits that the "
            "server reports are always obeyed."
        ),
    )
    tokens_per_minute: PositiveInt | None = Field(
        default=None,
        description="Most tokens in any minute, in the same way.",
    )
    async_transport: Annotated[AsyncTransport, AfterValidator(installed)] = Field(
        default="auto",
        description=(
            "What async calls go over. aiohttp: the extra of that name, on asyncio only; httpx: "
            f"what tools that watch or mock httpx see; auto: the variable "
            f"{ASYNC_TRANSPORT_VARIABLE}, else aiohttp where it can be used, else httpx."
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

    extra_body: dict[str, JsonValue] = Field(
        default_factory=dict,
        description=(
            "Further fields of every request, for what one server takes and others don't. They are "
            "a part of a cached score's key."
        ),
    )
    extra_headers: ExtraHeaders = Field(
        default_factory=dict,
        exclude=True,
        repr=False,
        description=(
            "Further headers of every request. They may hold secrets, so that they are shown and "
            "stored nowhere; Authorization replaces the API key's."
        ),
    )

    # What a pickle has left out of this object on its way here.
    _left_out: frozenset[str] = PrivateAttr(default=frozenset())

    @field_serializer("base_url")
    def _dumped_base_url(self, base_url: str) -> str:
        self.refuse_keys_in_dumps()
        return base_url

    def refuse_keys_in_dumps(self) -> None:
        """Raises `ConfigurationError` if a dump of the options would hold a key.

        The key itself and the headers are no part of a dump, the address is.
        """
        if named := key_parameters(self.base_url):
            raise ConfigurationError(
                f"base_url: its parameter {named[0]} seems to hold a key, which a dump would "
                "store; give the key as api_key or in extra_headers, if the server takes it there."
            )

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        for name, value in super().__repr_args__():
            yield name, shown(value) if name == "base_url" else value

    def __getstate__(self) -> dict[Any, Any]:
        self.refuse_keys_in_dumps()
        # Fields marked `exclude` (the key, live clients) stay out of pickles as out of dumps.
        # Pydantic's own state, not the one of a framework's base class: a subclass may have
        # private attributes and its own constructor.
        state = BaseModel.__getstate__(self)
        excluded = {name for name, field in type(self).model_fields.items() if field.exclude}
        left_out = {name for name in excluded if not self._is_pickled(name)}
        kept = {name: value for name, value in vars(self).items() if name not in left_out}
        given = state["__pydantic_fields_set__"] - left_out
        lost = self._lost() | {name for name in left_out if self._is_given(name)}
        private = {**(state["__pydantic_private__"] or {}), "_left_out": lost}
        own = {"__dict__": kept, "__pydantic_fields_set__": given, "__pydantic_private__": private}
        return {**state, **own}

    def __setstate__(self, state: dict[Any, Any]) -> None:
        BaseModel.__setstate__(self, state)
        for name, field in type(self).model_fields.items():
            if name not in vars(self):
                vars(self)[name] = field.get_default(call_default_factory=True)

    def _is_pickled(self, name: str) -> bool:
        """Whether a pickle keeps this field, although dumps leave it out."""
        return False

    def _is_given(self, name: str) -> bool:
        value = getattr(self, name)
        default = type(self).model_fields[name].get_default(call_default_factory=True)
        return value is not default and value != default

    def _lost(self) -> frozenset[str]:
        """What was left out by a pickle and has not been given again."""
        return frozenset(name for name in self._left_out if not self._is_given(name))

    def _tell_what_was_left_out(self) -> None:
        """Warns once in a process of what a pickle left out; a missing key is an error instead."""
        lost = self._lost() - {"api_key"}
        if lost and (type(self), lost) not in _TOLD:
            _TOLD.add((type(self), lost))
            names = sorted(lost)
            logger.warning(
                "This %s was pickled, which leaves out %s: calls in this process go without. Give "
                "what they need again here: with_options(%s).",
                type(self).__name__,
                " and ".join(names),
                ", ".join(f"{name}=…" for name in names),
            )

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        # The key, functions and the user's own clients are shared, not copied: a client holds
        # sockets, and a function may be bound to an object that cannot be copied.
        memo = {} if memo is None else memo
        for name, field in type(self).model_fields.items():
            value = getattr(self, name)
            if field.exclude or callable(value):
                memo[id(value)] = value
        return super().__deepcopy__(memo)

    def resolve_api_key(self) -> SecretStr | None:
        """The key to send to `base_url`, or None for a server that needs none.

        Raises:
            ConfigurationError: the service itself is called and there is no key, or the key was
                left out by a pickle.
        """
        return key_for(self.base_url, self._given_key(), self._provider(), self._lost())

    def recipient(self, path: str) -> Recipient:
        """Where the requests to the endpoint `path` go, with the key and the user's own headers.

        Raises:
            ConfigurationError: the service itself is called and there is no key.
        """
        headers = self._headers()
        key = None if "authorization" in map(str.lower, headers) else self.resolve_api_key()
        return Recipient(endpoint(self.base_url, path), key, headers)

    def asks_the_service(self) -> bool:
        """Whether the service is asked, or the server that the base URL variable names."""
        return is_service(self.base_url)

    def cost(self, model: str, report: Billing, tokens: int) -> float | None:
        """Dollars for one answered request: what the server says, else by the prices.

        The catalogue's prices count where the service is asked, or the server that the base URL
        variable names; None if no price is known.
        """
        if report.cost is not None:
            return report.cost
        published = report.is_local or self.asks_the_service()
        price = price_of(model, self.prices, published=published)
        return None if price is None else price.dollars(tokens, report.search_units)

    def redact(self, text: str) -> str:
        """One printable line of a server's text, cut to 200 characters, without the secrets."""
        key = known_key(self.base_url, self._given_key(), self._provider())
        return redacted(text, key, *self._headers().values())

    def _provider(self) -> Provider:
        return ASSISTERS

    def _check_extra_body(self, own: Mapping[str, str]) -> None:
        for name in self.extra_body:
            if name in own:
                raise ConfigurationError(
                    f"extra_body: leave out {name}; {own[name]} is what sets it."
                )

    def _headers(self) -> dict[str, SecretStr]:
        return {
            name: value
            for name, value in self.extra_headers.items()
            if isinstance(value, SecretStr)
        }

    def _given_key(self) -> SecretStr | None:
        # The field takes strings too, but keeps none.
        return self.api_key if isinstance(self.api_key, SecretStr) else None
