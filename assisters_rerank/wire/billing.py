"""What an answer says that it took: tokens, search units, dollars; servers word it in many ways."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeGuard

from .messages import Answer, mapping_or_empty, number_or_none

LOCAL_SERVER_HEADER = "x-assisters-local"
"""Says that this package's own local server answers, which stands in for the service."""

DOCUMENTS_PER_SEARCH_UNIT = 100
"""What one search unit covers: one query with up to 100 documents, in the pricing of Cohere, whose
word and field the service's third generation uses. The service itself does not say."""

# No request has so many tokens, and no sum of such counts is too large to be priced.
_MORE_THAN_ANY = 2**53


@dataclass(slots=True)
class Billing:
    """What the server reports of one request; None is not reported."""

    total_tokens: int | None = None
    search_units: int | None = None
    cost: float | None = None
    is_local: bool = False

    @classmethod
    def of(cls, answer: Answer, content: dict[str, object]) -> Billing:
        """What this answer reports; an impossible number counts as not reported.

        So does 0 for what is not free: LiteLLM says that a call cost $0 where it knows no price.
        """
        usage = mapping_or_empty(content.get("usage"))
        meta = mapping_or_empty(content.get("meta"))
        billed, counted = (mapping_or_empty(meta.get(name)) for name in ("billed_units", "tokens"))
        headers = answer.headers
        return cls(
            _first(usage, "total_tokens", "prompt_tokens", "input_tokens")
            or _first(billed, "total_tokens", "input_tokens")
            or _first(counted, "total_tokens", "input_tokens")
            or _first(content, "total_tokens")
            or _count(number_or_none(headers.get("x-compute-tokens"))),  # TEI
            _first(billed, "search_units") or _first(usage, "search_units", "rerank_units"),
            _dollars(usage.get("cost"))
            or _dollars(number_or_none(headers.get("x-litellm-response-cost"))),
            LOCAL_SERVER_HEADER in headers,
        )


def search_units(documents: int) -> int:
    """The units of a query with so many documents, where the server does not report them."""
    return -(-documents // DOCUMENTS_PER_SEARCH_UNIT)


def _first(reported: dict[str, object], *names: str) -> int | None:
    """The first of these counts that is possible and not 0."""
    for name in names if reported else ():
        if found := _count(reported.get(name)):
            return found
    return None


def _count(value: object) -> int | None:
    return int(value) or None if _is_number(value) and value == int(value) else None


def _dollars(value: object) -> float | None:
    return float(value) or None if _is_number(value) else None


def _is_number(value: object) -> TypeGuard[int | float]:
    if type(value) is not int and type(value) is not float:  # exactly: True is an int too
        return False
    return 0 <= value < _MORE_THAN_ANY  # NaN is not
