"""The HTTP contract of `POST /rerank`, pure: request out, answer in.

Covers the three published generations of the service, and the servers that speak its dialect.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import SecretStr

from . import validation
from .messages import Answer, Request, mapping_or_empty, post
from .validation import BrokenContractError, kind


@dataclass(frozen=True, slots=True)
class Scores:
    """A checked answer: scores by position in the request's documents."""

    by_index: Mapping[int, float]
    model: str | None = field(repr=False)  # the server's own words
    total_tokens: int | None
    search_units: int | None
    request_id: str | None


def encode(
    base_url: str,
    key: SecretStr | None,
    model: str,
    query: str,
    documents: Sequence[str],
    top_n: int | None,
    idempotency_key: str,
) -> Request:
    """The request for one list of documents; `top_n` None leaves the field out (all)."""
    content: dict[str, object] = {
        "model": model,
        "query": query,
        "documents": documents,
        "return_documents": False,  # the generations differ in its default
    }
    if top_n is not None:
        content["top_n"] = top_n
    # A server may repeat all documents, and write characters as escape sequences.
    return post(f"{base_url}/rerank", key, content, idempotency_key, lambda sent: 2**20 + 2 * sent)


def decode(answer: Answer, request: Request, documents: int, at_least: int) -> Scores:
    """Checks an answer to `documents` documents, of which `at_least` have to be scored.

    Raises:
        StatusError: the server refused; the subclass says what kind of refusal.
        ContractError: the server agreed, but its answer cannot be a ranking of these documents.
    """

    def read(content: dict[str, object]) -> Scores:
        return Scores(
            _by_index(content, documents, at_least),
            validation.reported_model(content),
            validation.total_tokens(content),
            _search_units(content),
            validation.request_id(answer, request, content),
        )

    return validation.validated(answer, request, read)


def _by_index(content: dict[str, object], documents: int, at_least: int) -> dict[int, float]:
    results = validation.listed(content, "results")
    by_index = {
        index: _score(result.get("relevance_score"), place)
        for place, (index, result) in enumerate(
            validation.numbered(results, "results", documents, "document", "scored")
        )
    }
    if len(by_index) < at_least:
        raise BrokenContractError(
            f"`results` has scores for {len(by_index)} of {documents} documents"
        )
    return by_index


def _score(value: object, place: int) -> float:
    # Words that look like numbers are refused as well: a server that sends them is not the one
    # that this contract is about.
    if type(value) is float or type(value) is int:
        try:
            score = float(value)
        except OverflowError:
            score = math.inf
        if math.isfinite(score):
            return score
    raise BrokenContractError(
        f"results[{place}].relevance_score is {kind(value)}, not a finite number"
    )


def _search_units(content: dict[str, object]) -> int | None:
    units = mapping_or_empty(mapping_or_empty(content.get("meta")).get("billed_units"))
    return validation.count(units.get("search_units"))
