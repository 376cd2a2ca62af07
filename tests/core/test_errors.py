"""The error tree: as drawn, and storable."""

from __future__ import annotations

import copy
import pickle

import pytest

import assisters_rerank
from assisters_rerank import (
    AssistersError,
    AuthenticationError,
    BudgetExceeded,
    ConfigurationError,
    ContractError,
    InvalidRequestError,
    QuotaExceededError,
    RateLimitError,
    StatusError,
    TooLongError,
    TransportError,
)

PARENTS: dict[type[AssistersError], tuple[type[Exception], ...]] = {
    ConfigurationError: (AssistersError, ValueError),
    TransportError: (AssistersError,),
    BudgetExceeded: (TransportError, TimeoutError),
    StatusError: (AssistersError,),
    AuthenticationError: (StatusError,),
    InvalidRequestError: (StatusError,),
    TooLongError: (InvalidRequestError,),
    RateLimitError: (StatusError,),
    QuotaExceededError: (StatusError,),
    ContractError: (AssistersError,),
}


@pytest.mark.parametrize(("error", "parents"), PARENTS.items())
def test_the_tree_is_as_drawn(
    error: type[AssistersError], parents: tuple[type[Exception], ...]
) -> None:
    assert error.__bases__ == parents
    assert assisters_rerank.errors.__doc__ is not None
    assert error.__name__ in assisters_rerank.errors.__doc__


def test_every_error_is_public() -> None:
    assert {error.__name__ for error in PARENTS} | {"AssistersError"} == {
        name for name in assisters_rerank.__all__
        if isinstance(getattr(assisters_rerank, name), type)
        and issubclass(getattr(assisters_rerank, name), Exception)
    }  # fmt: skip


@pytest.mark.parametrize(
    "error",
    [
        ConfigurationError("why"),
        TransportError("why"),
        BudgetExceeded("why"),
        ContractError("why"),
        StatusError("why", 503, "code", "type", "req-1", 2.5),
        AuthenticationError("why", 401),
        InvalidRequestError("why", 422, request_id="req-1"),
        RateLimitError("why", 429, retry_after=3),
        QuotaExceededError("why", 402, type="insufficient_funds_error"),
    ],
)
def test_an_error_survives_a_process_pool(error: AssistersError) -> None:
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(again) is type(error)
        assert str(again) == "why"
        assert vars(again) == vars(error)
        assert again.transient == error.transient
