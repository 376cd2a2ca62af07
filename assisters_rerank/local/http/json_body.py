"""The JSON of a request: strict, and within a limit of values where a body is large.

Python's parser holds the interpreter's lock from the first byte to the last. For 32 MB of text that
is 0.1 s, but for 32 MB of empty arrays it is 12 s and a gigabyte. So the values of a large body are
counted before they are made, with the lock given back between two strings.
"""

from __future__ import annotations

import json
from json.decoder import scanstring  # type: ignore[attr-defined] # pyright: ignore
from typing import NoReturn

from .refusal import Refusal

LARGE = 1_000_000
"""Bytes beyond which a body is large: it is read in a thread."""

MAX_VALUES = 200_000
"""Values that a large body may have: a thousand documents with two hundred fields each."""


def json_object(body: bytes) -> dict[str, object]:
    """The fields of a request's body.

    Raises `Refusal` if it is not a JSON object in UTF-8, with the status 413 if it is large and has
    too many values.
    """
    try:
        text = body.decode("utf-8-sig")
        if len(body) > LARGE:
            _check_values(text)
        fields = json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise _invalid(f"{error.msg} in line {error.lineno}, column {error.colno}") from error
    except UnicodeDecodeError as error:
        raise _invalid(f"it is not UTF-8 at byte {error.start}") from error
    except RecursionError as error:
        raise _invalid("it is nested too deeply") from error
    except ValueError as error:  # an integer of thousands of digits
        raise _invalid(str(error)) from error
    if not isinstance(fields, dict):
        raise Refusal(400, "invalid_request", "The body has to be a JSON object.")
    return fields


def _check_values(text: str) -> None:
    values = position = 0
    while position < len(text):
        quote = text.find('"', position)
        end = len(text) if quote < 0 else quote
        values += sum(text.count(sign, position, end) for sign in "[{,")
        if values > MAX_VALUES:
            message = f"The body has more than {MAX_VALUES:,} values."
            raise Refusal(413, "request_too_large", message)
        position = end if quote < 0 else scanstring(text, quote + 1)[1]


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"it has {name}, which is no number in JSON")


def _invalid(problem: str) -> Refusal:
    return Refusal(400, "invalid_request", f"The body is not valid JSON: {problem}.")
