"""How the service's three generations of API differ in what they accept and answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...wire.billing import search_units


@dataclass(frozen=True, slots=True)
class Generation:
    """One generation's limits, defaults and fields.

    Attributes:
        max_documents: documents that one request may carry.
        returns_documents: whether results hold the documents when a request does not say.
        names_model: whether the answer has `model`.
        bills_tokens: `usage` in tokens, or else `meta.billed_units.search_units`.
    """

    max_documents: int
    returns_documents: bool
    names_model: bool = True
    bills_tokens: bool = True


GENERATIONS = {
    1: Generation(max_documents=100, returns_documents=True),
    2: Generation(max_documents=1000, returns_documents=False),
    3: Generation(
        max_documents=1000, returns_documents=False, names_model=False, bills_tokens=False
    ),
}

STRICTEST = Generation(max_documents=100, returns_documents=False)
"""The second generation's answers under the first one's limit: what works here, works with all."""


def answer(
    generation: Generation,
    *,
    id: str,
    model: str,
    results: Sequence[dict[str, object]],
    documents: int,
    tokens: int,
) -> dict[str, object]:
    """The body of a 200 for a request of `documents` documents and `tokens` tokens."""
    body: dict[str, object] = {"id": id}
    if generation.names_model:
        body["model"] = model
    body["results"] = results
    if generation.bills_tokens:
        body["usage"] = {"prompt_tokens": tokens, "total_tokens": tokens}
    else:
        body["meta"] = {"billed_units": {"search_units": search_units(documents)}}
    return body
