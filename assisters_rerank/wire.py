"""The HTTP contract, pure: request bytes out, answer bytes in, error bodies.

Covers the three published generations of the service, and the servers that speak its dialect.
A server that said 200 is not believed before its answer is checked.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import SecretStr
from pydantic_core import PydanticSerializationError, to_json

from .errors import ContractError
from .messages import NOT_JSON, Answer, Request, mapping_or_empty, parsed, text_or_none
from .refusals import error_told, refusal


@dataclass(frozen=True, slots=True)
class Scores:
    """A checked answer: scores by position in the request's documents."""

    by_index: Mapping[int, float]
    model: str | None
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
    headers = {
        "Content-Type": "application/json",
        "Idempotency-Key": idempotency_key,
    }
    if key is not None:
        headers["Authorization"] = f"Bearer {key.get_secret_value()}"
    return Request(
        f"{base_url}/rerank",
        headers,
        _json(content),
        key,
    )


def _json(content: Mapping[str, object]) -> bytes:
    try:
        return to_json(content)  # several times faster than json.dumps
    except PydanticSerializationError:
        # Half characters, as from a text cut in the middle of an emoji: two halves that stand
        # together become one character again, a lone one becomes U+FFFD.
        text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()


def decode(answer: Answer, request: Request, documents: int, at_least: int) -> Scores:
    """Checks an answer to `documents` documents, of which `at_least` have to be scored.

    Raises:
        StatusError: the server refused; the subclass says what kind of refusal.
        ContractError: the server agreed, but its answer can't be a ranking of these documents.
    """
    if not 200 <= answer.status < 300:
        raise refusal(answer, request)
    request_id = request.redact(told) if (told := answer.request_id) else None
    try:
        content = _object(parsed(answer.body), answer)
        by_index = _by_index(content, documents, at_least)
    except _BreachError as breach:
        problem = request.redact(str(breach))
    else:
        model, body_id = text_or_none(content.get("model")), text_or_none(content.get("id"))
        return Scores(
            by_index,
            model and request.redact(model),
            *_usage(content),
            request_id or (body_id and request.redact(body_id)),
        )
    named = f" (request id {request_id})" if request_id else ""
    raise ContractError(f"{request.url} answered, but {problem}{named}.")


class _BreachError(Exception):
    """How an answer breaks the contract; may quote the server."""


def _object(content: object, answer: Answer) -> dict[str, object]:
    if content is NOT_JSON:
        start = answer.body[:4000].decode("utf-8", "replace")  # cut when the key is out of it
        raise _BreachError(f"the body is not JSON; it starts: {start}")
    if not isinstance(content, dict):
        raise _BreachError(f"the body is {_kind(content)} instead of an object")
    if content.get("error"):
        told = error_told(content)[0] or "no message"
        raise _BreachError(f"it reports an error under status {answer.status}: {told}")
    return content


def _by_index(content: dict[str, object], documents: int, at_least: int) -> dict[int, float]:
    results = content.get("results")
    if not isinstance(results, list):
        raise _BreachError(f"`results` is {_kind(results)} instead of a list")
    by_index: dict[int, float] = {}
    for place, result in enumerate(results):
        if not isinstance(result, dict):
            raise _BreachError(f"results[{place}] is {_kind(result)} instead of an object")
        index = result.get("index")
        if type(index) is not int:  # exactly: True is an int too
            raise _BreachError(f"results[{place}].index is {_kind(index)}, not an integer")
        if not 0 <= index < documents:
            raise _BreachError(f"results[{place}].index is {index} of {documents} documents")
        if index in by_index:
            raise _BreachError(f"document {index} is scored twice")
        by_index[index] = _score(result.get("relevance_score"), place)
    if len(by_index) < at_least:
        raise _BreachError(f"{len(by_index)} scores came for {documents} documents")
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
    raise _BreachError(f"results[{place}].relevance_score is {_kind(value)}, not a finite number")


def _usage(content: dict[str, object]) -> tuple[int | None, int | None]:
    """Billed tokens and search units; what is odd counts as not reported."""
    usage = mapping_or_empty(content.get("usage"))
    units = mapping_or_empty(mapping_or_empty(content.get("meta")).get("billed_units"))
    total = _count(usage.get("total_tokens"))
    return (
        _count(usage.get("prompt_tokens")) if total is None else total,
        _count(units.get("search_units")),
    )


def _count(value: object) -> int | None:
    # What no counter holds would also be too much to be multiplied by a price.
    return value if type(value) is int and 0 <= value < 2**63 else None


def _kind(value: object) -> str:
    if value is None:
        return "missing or null"
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    names = {bool: "a bool", str: "a string", int: "an integer", float: "a fraction"}
    return names.get(type(value), "a list" if isinstance(value, list) else "an object")
