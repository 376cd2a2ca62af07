"""The HTTP contract of `POST /rerank`, pure: request out, answer in.

Covers the three published generations of the service, and the servers that speak its dialect.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import JsonValue

from . import validation
from .billing import Billing
from .dialects import Dialect
from .messages import Answer, Recipient, Request, mapping_or_empty, post
from .validation import BrokenContractError, kind


@dataclass(slots=True)
class Scores:
    """A checked answer: scores by position in the request's documents."""

    by_index: Mapping[int, float]
    model: str | None = field(repr=False)  # the server's own words
    billing: Billing
    request_id: str | None


def encode(
    to: Recipient,
    dialect: Dialect,
    model: str,
    query: str,
    documents: Sequence[str],
    top_n: int | None,
    idempotency_key: str,
    extra_body: Mapping[str, JsonValue],
    *,
    large: bool = False,
) -> Request:
    """The request for one list of documents; `top_n` None: all of them.

    One with `large` texts is written in pieces.
    """
    body = dialect.body(model, query, documents, top_n, extra_body)
    # A server may repeat all documents, and write characters as escape sequences.
    return post(
        to,
        body,
        idempotency_key,
        lambda sent: 2**20 + 2 * sent,
        dialect.key_header,
        dialect.key_prefix,
        dialect.headers,
        large=large,
    )


def decode(
    answer: Answer, request: Request, dialect: Dialect, documents: int, at_least: int
) -> Scores:
    """Checks an answer to `documents` documents, of which `at_least` have to be scored.

    Raises:
        StatusError: the server refused; the subclass says what kind of refusal.
        ContractError: the server agreed, but its answer cannot be a ranking of these documents.
    """

    def read(content: dict[str, object]) -> Scores:
        return Scores(
            _by_index(content, dialect, documents, at_least),
            validation.reported_model(content),
            Billing.of(answer, content),
            validation.request_id(answer, request, content),
        )

    return validation.validated(answer, request, read, None if dialect.results else "results")


def _by_index(
    content: dict[str, object], dialect: Dialect, documents: int, at_least: int
) -> dict[int, float]:
    *way, field = dialect.results or ("results",)
    for name in way:
        content = mapping_or_empty(content.get(name))
    results = validation.listed(content, field)
    numbered = validation.numbered(results, field, documents, "document", "scored", dialect.index)
    by_index: dict[int, float] = {}
    for place, (index, result) in enumerate(numbered):
        score = result.get(dialect.score)
        if type(score) is not float or not math.isfinite(score):
            score = _score(score, f"{field}[{place}].{dialect.score}")
        by_index[index] = score
    if len(by_index) < at_least:
        raise BrokenContractError(
            f"`{field}` has scores for {len(by_index)} of {documents} documents"
        )
    return by_index


def _score(value: object, name: str) -> float:
    # Words that look like numbers are refused as well: a server that sends them is not the one
    # that this contract is about.
    if type(value) is float or type(value) is int:
        try:
            score = float(value)
        except OverflowError:
            score = math.inf
        if math.isfinite(score):
            return score
    raise BrokenContractError(f"{name} is {kind(value)}, not a finite number")
