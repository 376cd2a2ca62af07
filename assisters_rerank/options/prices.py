"""What a model costs: the catalogue's price, or what the user says about another server's."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, TypeAlias

from pydantic import BeforeValidator, Field

from ..catalogue import CATALOGUE
from ..errors import ConfigurationError
from ..settings import FROZEN, Settings, no_bool

Dollars: TypeAlias = Annotated[float, BeforeValidator(no_bool), Field(ge=0, allow_inf_nan=False)]


class Price(Settings):
    """What a model costs, in dollars, by exactly one of the three.

    A search unit is what Cohere and others bill: one query with up to 100 short documents. Where
    the server does not report them, what a call cost is not known.

    Raises:
        ConfigurationError: none or several are given, or an impossible one.
    """

    model_config = FROZEN

    per_million_tokens: Dollars | None = Field(default=None, description="For a million tokens.")
    per_search_unit: Dollars | None = Field(default=None, description="For a search unit.")
    per_request: Dollars | None = Field(default=None, description="For a request.")

    def _check_together(self) -> None:
        if len([each for each in vars(self).values() if each is not None]) != 1:
            raise ConfigurationError(f"Price: give exactly one of {', '.join(vars(self))}.")

    def dollars(self, tokens: int, search_units: int | None) -> float | None:
        """The cost of one answered request; None if it goes by units that are not reported."""
        if self.per_million_tokens is not None:
            return tokens * self.per_million_tokens / 1_000_000
        if self.per_search_unit is not None:
            return None if search_units is None else search_units * self.per_search_unit
        return self.per_request


def price_of(
    model: str, prices: Mapping[str, float | Price], *, published: bool = True
) -> Price | None:
    """A model's price: the user's own, else the catalogue's where `published` prices count."""
    price = prices.get(model)
    if price is None and published and model in CATALOGUE:
        price = CATALOGUE[model].dollars_per_million_tokens
    return _of_tokens(price) if isinstance(price, float | int) else price


@lru_cache(maxsize=64)  # each answer asks
def _of_tokens(dollars: float) -> Price:
    return Price(per_million_tokens=dollars)
