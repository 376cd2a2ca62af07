"""What the local server accepts for `/embeddings`: OpenAI's dialect, strings only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from .request_fields import invalid, model_of, required

EMBEDDING_MODELS = ("e5-large-v2", "bge-base-en", "jina-embeddings-v2", "assisters-embed-v1")
"""The service's embedding models, so that code runs unchanged; it publishes no figures for them."""

MAX_TEXTS = 100
"""Texts that one request may carry, in every generation."""

EncodingFormat = Literal["float", "base64"]


@dataclass(frozen=True, slots=True)
class EmbeddingRequest:
    """A body of `POST /v1/embeddings` that keeps the contract.

    `dimensions=None` stands for all that the encoder makes.
    """

    model: str
    texts: tuple[str, ...]
    encoding_format: EncodingFormat
    dimensions: int | None = None


def parse_embedding_request(
    fields: Mapping[str, object], *, any_model: bool = False
) -> EmbeddingRequest:
    """Reads a request's fields; raises `Refusal` with status 400. Unknown fields are ignored."""
    model = model_of(fields, None if any_model else EMBEDDING_MODELS)
    texts = _texts(required(fields, "input"))
    encoding_format = _encoding_format(fields.get("encoding_format"))
    return EmbeddingRequest(model, texts, encoding_format, _dimensions(fields.get("dimensions")))


def describe_embedding_model(model: str) -> dict[str, object]:
    """An entry of `GET /v1/models`; `null` where the service publishes no figure."""
    return {
        "id": model,
        "object": "model",
        "type": "embedding",
        "provider": None,
        "pricing": {"currency": "USD", "per_million_tokens": None},
        "limits": {"max_tokens": None, "max_inputs": MAX_TEXTS},
    }


def _encoding_format(value: object) -> EncodingFormat:
    if value is None or value == "float":
        return "float"
    if value == "base64":
        return "base64"
    raise invalid("encoding_format", "has to be 'float' or 'base64'")


def _dimensions(value: object) -> int | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 1):
        return value
    raise invalid("dimensions", "has to be an integer of at least 1")


def _texts(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (_text(value, "input"),)
    if not isinstance(value, list) or not value:
        raise invalid("input", "has to be a string, or an array with at least one string")
    if _holds_numbers(value) or any(isinstance(text, list) for text in value):
        raise invalid("input", "has token ids; this service takes only strings")
    if len(value) > MAX_TEXTS:
        raise invalid("input", f"has {len(value)} entries; the limit is {MAX_TEXTS}")
    return tuple(_text(text, f"input[{index}]") for index, text in enumerate(value))


def _holds_numbers(values: Sequence[object]) -> bool:
    return any(isinstance(value, int) and not isinstance(value, bool) for value in values)


def _text(value: object, name: str) -> str:
    if not isinstance(value, str):
        raise invalid(name, "has to be a string")
    if not value.strip():
        raise invalid(name, "is blank, and has no meaning to embed")
    return value
