"""What a scorer and an encoder gave, as numbers that JSON has, or exactly what is wrong with it."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Sequence
from typing import Any

from ...usage import count


class WrongOutputError(Exception):
    """What a scorer or an encoder gave cannot be used; the message goes on after its name."""


def checked_scores(given: object, documents: int) -> list[float]:
    """One finite number for each document; rows of one number, as models give them, count.

    Raises:
        WrongOutputError: how the scores differ from that.
    """
    rows = _rows(given, "scores")
    if len(rows) != documents:
        raise WrongOutputError(
            f"gave {count(len(rows), 'score')} for {count(documents, 'document')}"
        )
    return _numbers(rows, "the score of documents[{}]")


def checked_vectors(given: Sequence[object]) -> list[array[float]]:
    """Vectors of finite 32-bit numbers, all of one length.

    Raises:
        WrongOutputError: how the vectors differ from that.
    """
    vectors = [_vector(each, f"the vector of input[{index}]") for index, each in enumerate(given)]
    lengths = sorted({len(vector) for vector in vectors})
    if len(lengths) > 1:
        raise WrongOutputError(f"gave vectors of different lengths, {lengths[0]} to {lengths[-1]}")
    return vectors


def _vector(given: object, what: str) -> array[float]:
    rows = _rows(given, what)
    if len(rows) == 1 and _is_sequence(rows[0]):
        rows = _rows(rows[0], what)  # a batch of one text
    vector = array("f", _numbers(rows, f"{what}, at {{}}"))
    if not vector or not math.isfinite(sum(vector)):
        problem = "numbers beyond 32 bits" if vector else "no numbers"
        raise WrongOutputError(f"gave {problem} for {what}")
    return vector


def _rows(given: object, what: str) -> list[object]:
    if not isinstance(given, Iterable) or not _is_sequence(given):
        raise WrongOutputError(f"gave {_shown(given)} for {what}, not a sequence of numbers")
    return list(given)


def _numbers(given: list[object], what: str) -> list[float]:
    floats = [each for each in given if type(each) is float]
    # As our own give them. To look at each takes twenty times as long.
    if len(floats) == len(given) and all(map(math.isfinite, floats)):
        return floats
    return [_number(each, what.format(index)) for index, each in enumerate(given)]


def _number(given: Any, what: str) -> float:
    if _is_sequence(given):
        only = list(given)
        given = only[0] if len(only) == 1 else given
    try:
        # NumPy's and PyTorch's numbers, too, which JSON does not know.
        number = float(given)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if isinstance(given, str | bytes) or _is_sequence(given) or not math.isfinite(number):
        raise WrongOutputError(f"gave {_shown(given)} for {what}, not a finite number")
    return number


def _is_sequence(given: object) -> bool:
    # An array without dimensions has the method, too, and is a number.
    shape = getattr(given, "shape", None)
    if shape is not None:
        return len(shape) > 0
    return isinstance(given, Iterable) and not isinstance(given, str | bytes | dict)


def _shown(given: object) -> str:
    shape = getattr(given, "shape", ())
    if shape:
        return f"an array of the shape {tuple(shape)}"
    if isinstance(given, int | float):
        return str(given)
    kind = type(given).__name__
    return f"{kind} of {len(given)}" if isinstance(given, list | tuple) else kind
