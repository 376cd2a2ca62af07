"""Foreign numbers become floats; what is not finite becomes None."""

from __future__ import annotations

import json

import pytest

from assisters_rerank.plugins import plain_number

from .numbers import HALVES, NOT_FINITE, ONES


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        *((value, 0.5) for value in HALVES),
        *((value, 1.0) for value in ONES),
        *((value, None) for value in NOT_FINITE),
    ],
    ids=lambda value: type(value).__name__,
)
def test_numbers_of_other_libraries(value: object, plain: float | None) -> None:
    number = plain_number(value)
    assert (type(number), number) == (type(plain), plain)
    assert json.loads(json.dumps(number, allow_nan=False)) == plain
