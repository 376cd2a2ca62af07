"""What an answer says that it took: tokens, search units, dollars; servers word it in many ways."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeGuard

from .messages import Answer, mapping_or_empty

LOCAL_SERVER_HEADER = "X-Assisters-Local"
"""Says that this package's own local server answers, which stands in for the service."""

# No request has so many tokens, and no sum of such counts is too large to be priced.
_MORE_THAN_ANY = 2**53


@dataclass(frozen=True, slots=True)
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
        tokens = (
            usage.get("total_tokens"),
            usage.get("prompt_tokens"),
            usage.get("input_tokens"),
            billed.get("total_tokens"),
            billed.get("input_tokens"),
            counted.get("total_tokens"),
            counted.get("input_tokens"),
            content.get("total_tokens"),
            _number(answer.headers.get("x-compute-tokens")),  # TEI
        )
        units = (
            billed.get("search_units"), usage.get("search_units"), usage.get("rerank_units"),
        )  # fmt: skip
        costs = usage.get("cost"), _number(answer.headers.get("x-litellm-response-cost"))
        return cls(
            next((found for found in map(_count, tokens) if found), None),
            next((found for found in map(_count, units) if found), None),
            next((found for found in map(_dollars, costs) if found), None),
            LOCAL_SERVER_HEADER in answer.headers,
        )


def _count(value: object) -> int | None:
    return int(value) if _is_number(value) and value == int(value) else None


def _dollars(value: object) -> float | None:
    return float(value) if _is_number(value) else None


def _is_number(value: object) -> TypeGuard[int | float]:
    if type(value) is not int and type(value) is not float:  # exactly: True is an int too
        return False
    return 0 <= value < _MORE_THAN_ANY  # NaN is not


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None
