"""The settings of everything that calls the service, once: address, key, time, pace, prices.

An explicit argument wins over an environment variable, which wins over the default.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    JsonValue,
    SecretStr,
    field_serializer,
)
from pydantic.json_schema import SkipJsonSchema

from ..errors import ConfigurationError
from ..net.clients import AsyncHttpClient, HttpClient
from ..net.transport_choice import ASYNC_TRANSPORT_VARIABLE, AsyncTransport, installed
from ..settings import STRICT_BASE, no_bool
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
from .pickling import Pickled
from .prices import Dollars, Price, price_of

PositiveInt = Annotated[int, BeforeValidator(no_bool), Field(ge=1)]


class ServiceOptions(Pickled):
    """The options of every call to the service.

    Raises:
        ConfigurationError: an unknown or impossible setting. The message names it and never
            shows its value.
    """

    model_config = STRICT_BASE

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
            "stored nowhere. Authorization stands in the place of an API key of the environment."
        ),
    )

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
                f"base_url: its parameter {named[0][0]} seems to hold a key, which a dump would "
                "store; give the key as api_key or in extra_headers, if the server takes it there."
            )

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        for name, value in super().__repr_args__():
            if value != {}:  # LangChain leaves out what is not given, but not these
                yield name, shown(value) if name == "base_url" else value

    def resolve_api_key(self) -> SecretStr | None:
        """The key to send to `base_url`, or None for a server that needs none.

        Raises:
            ConfigurationError: the service itself is called and there is no key, or the key was
                left out by a pickle.
        """
        return key_for(self.base_url, self._given_key(), self._provider(), self._lost)

    def recipient(self, path: str) -> Recipient:
        """Where the requests to the endpoint `path` go, with the key and the user's own headers.

        Raises:
            ConfigurationError: the service itself is called and there is no key.
        """
        headers = self._headers()
        key = None if self._key_is_replaced() else self.resolve_api_key()
        return Recipient(endpoint(self.base_url, path), key, headers, self._hidden())

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
        return redacted(text, key, *self._hidden())

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

    def _hidden(self) -> list[SecretStr]:
        """What is shown nowhere, besides the key; a server may repeat it."""
        in_address = [SecretStr(value) for _, value in key_parameters(self.base_url)]
        return [*self._headers().values(), *in_address]

    def _key_header(self) -> str:
        return "Authorization"

    def _key_is_replaced(self) -> bool:
        """Whether a header of the user's own stands where the API key would."""
        return self._key_header().lower() in map(str.lower, self.extra_headers)

    def _check_extra_headers(self) -> None:
        if self._given_key() is not None and self._key_is_replaced():
            raise ConfigurationError(
                f"extra_headers: {self._key_header()} would replace api_key; leave one of them out."
            )

    def _given_key(self) -> SecretStr | None:
        # The field takes strings too, but keeps none.
        return self.api_key if isinstance(self.api_key, SecretStr) else None
