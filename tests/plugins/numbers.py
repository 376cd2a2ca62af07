"""Numbers as stores and models of other libraries give them."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import numpy as np


class Tensor:
    """Like torch's with one element."""

    def __init__(self, value: float) -> None:
        self._value = value

    def __float__(self) -> float:
        return self._value


class Broken:
    """Like torch's with several elements, which is no number."""

    def __float__(self) -> float:
        raise RuntimeError("a Tensor with 2 elements cannot be converted to Scalar")


HALVES = [
    0.5, np.float16(0.5), np.float32(0.5), np.float64(0.5), np.longdouble(0.5), np.array(0.5),
    np.array(0.5, dtype=np.float32), Decimal("0.5"), Fraction(1, 2), Tensor(0.5),
]  # fmt: skip
ONES = [1, np.int8(1), np.int64(1), np.uint32(1), np.array(1)]
NOT_FINITE = [
    None, float("nan"), float("inf"), -float("inf"), np.float32("nan"), np.float32("inf"),
    Decimal("NaN"), Decimal("sNaN"), Decimal("-Infinity"), Tensor(float("nan")), 10**400,
    np.array([0.5, 0.5]), Broken(), 1j, object(),
]  # fmt: skip
