"""What the local server accepts for `/rerank`: the published contract."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ...catalogue import CATALOGUE
from .request_fields import invalid, model_of, required

RERANK_MODELS = (*CATALOGUE, "assisters-rerank-v1", "rerank-v1", "rerank-multilingual")
"""The service's rerankers of all generations, so that code runs unchanged."""


@dataclass(frozen=True, slots=True)
class RerankRequest:
    """A body of `POST /v1/rerank` that keeps the contract; `top_n=None` stands for all."""

    model: str
    query: str
    documents: tuple[str, ...]
    top_n: int | None
    return_documents: bool


def parse_rerank_request(
    fields: Mapping[str, object],
    *,
    max_documents: int,
    returns_documents: bool = False,
    any_model: bool = False,
) -> RerankRequest:
    """Reads a request's fields; raises `Refusal` with status 400. Unknown fields are ignored.

    `returns_documents` stands for a `return_documents` that is absent or null.
    """
    model = model_of(fields, None if any_model else RERANK_MODELS)
    query = required(fields, "query")
    if not isinstance(query, str) or not query.strip():
        raise invalid("query", "has to be a string that is not blank")
    top_n = fields.get("top_n")
    if top_n is not None and (not isinstance(top_n, int) or isinstance(top_n, bool) or top_n < 1):
        raise invalid("top_n", "has to be an integer of at least 1")
    return_documents = fields.get("return_documents")
    if return_documents is not None and not isinstance(return_documents, bool):
        raise invalid("return_documents", "has to be true or false")
    if return_documents is None:
        return_documents = returns_documents
    documents = _documents(required(fields, "documents"), max_documents)
    return RerankRequest(model, query, documents, top_n, return_documents)


def describe_rerank_model(
    model: str, max_documents: int, max_tokens: int | None = None
) -> dict[str, object]:
    """An entry of `GET /v1/models`; `null` where the service publishes no figure.

    `max_tokens` stands in place of the published figure.
    """
    published = CATALOGUE.get(model)
    return {
        "id": model,
        "object": "model",
        "type": "rerank",
        "provider": published.provider if published else None,
        "pricing": {
            "currency": "USD",
            "per_million_tokens": published.dollars_per_million_tokens if published else None,
        },
        "limits": {
            "max_tokens": max_tokens or (published.max_tokens if published else None),
            "max_documents": max_documents,
        },
    }


def _documents(value: object, max_documents: int) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        raise invalid("documents", "has to be an array with at least one document")
    if len(value) > max_documents:
        raise invalid("documents", f"has {len(value)} entries; the limit is {max_documents}")
    texts: list[str] = []
    for index, document in enumerate(value):
        text = document.get("text") if isinstance(document, dict) else document
        if not isinstance(text, str):
            raise invalid(f"documents[{index}]", "has to be a string or an object with `text`")
        texts.append(text)
    return tuple(texts)
