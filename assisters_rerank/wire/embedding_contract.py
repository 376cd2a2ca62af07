"""The HTTP contract of `POST /embeddings` (OpenAI's shape), pure: request out, answer in."""

from __future__ import annotations

import base64
import binascii
import math
import sys
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from pydantic import JsonValue

from . import validation
from .billing import Billing
from .messages import Answer, Recipient, Request, post
from .validation import BrokenContractError, kind

PATH = "/embeddings"
OWN_FIELDS = {"model": "model", "input": "texts", "encoding_format": "texts"}
"""The fields of a request that have an argument or option of their own, with its name."""

_TEXT_BYTES = 128 * 2**10
"""The most bytes of one text's vector: JSON numbers for more than four thousand dimensions."""

Encoding = Literal["base64", "float"]
"""How vectors come: as 32-bit floats in base64, or as JSON numbers, several times as long."""


@dataclass(slots=True)
class Vectors:
    """A checked answer: a vector for each of the request's texts, all of one length."""

    by_index: list[list[float]]
    model: str | None = field(repr=False)  # the server's own words
    billing: Billing


def encode(
    to: Recipient,
    model: str,
    texts: Sequence[str],
    encoding: Encoding,
    idempotency_key: str,
    extra_body: Mapping[str, JsonValue],
    *,
    large: bool = False,
) -> Request:
    """The request for some texts, written in pieces if they are `large`.

    Strings are sent, as not every server takes token ids.
    """
    content = {"model": model, "input": texts, "encoding_format": encoding, **extra_body}
    return post(to, content, idempotency_key, lambda _: len(texts) * _TEXT_BYTES, large=large)


def decode(answer: Answer, request: Request, texts: int) -> Vectors:
    """Checks an answer to `texts` texts; either encoding is taken, whichever was asked for.

    Raises:
        StatusError: the server refused; the subclass says what kind of refusal.
        ContractError: the server agreed, but its answer cannot be the vectors of these texts.
    """

    def read(content: dict[str, object]) -> Vectors:
        data = validation.listed(content, "data")
        found = dict(validation.numbered(data, "data", texts, "text", "embedded"))
        if len(found) < texts:
            raise BrokenContractError(f"`data` has vectors for {len(found)} of {texts} texts")
        # What is read is let go at once: the vectors take several times as much memory.
        vectors = [_vector(found[index].pop("embedding", None), index) for index in range(texts)]
        lengths = {len(vector) for vector in vectors}
        if len(lengths) > 1:
            raise BrokenContractError(f"the vectors differ in length: {sorted(lengths)}")
        return Vectors(vectors, validation.reported_model(content), Billing.of(answer, content))

    return validation.validated(answer, request, read)


def refuses_base64(answer: Answer) -> bool:
    """Whether this may be the refusal of an encoding; where a server names it differs."""
    if answer.status not in (400, 422):
        return False
    said = answer.body.lower()
    return b"encoding_format" in said or b"base64" in said


def _vector(value: object, index: int) -> list[float]:
    vector = _floats(value) if isinstance(value, str) else _numbers(value)
    if vector is None:
        raise BrokenContractError(
            f"the embedding of text {index} is {kind(value)}, which cannot be read as a vector"
        )
    if not vector:
        raise BrokenContractError(f"the embedding of text {index} is empty")
    # No sum of 32-bit floats is infinite, unless one of them is; and NaN makes all of it NaN.
    if not math.isfinite(sum(vector)):
        raise BrokenContractError(f"the embedding of text {index} is not finite")
    return vector


def _floats(text: str) -> list[float] | None:
    try:
        floats = array("f", base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError):
        return None
    if sys.byteorder == "big":  # over the wire they are little-endian
        floats.byteswap()
    return floats.tolist()


def _numbers(value: object) -> list[float] | None:
    if not isinstance(value, list) or not all(type(x) is float or type(x) is int for x in value):
        return None
    try:
        return [float(x) for x in value]
    except OverflowError:
        return [math.inf]
