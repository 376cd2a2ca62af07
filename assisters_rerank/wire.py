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

from .errors import ContractError
from .messages import Answer, Request, mapping_or_empty, text_or_none
from .refusals import error_told, refusal


@dataclass(frozen=True, slots=True)
class Scores:
    """A checked answer: scores by position in the request's documents."""

    by_index: Mapping[int, float]
    model: str | None
    prompt_tokens: int | None
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
        "Accept": "application/json",
        "Idempotency-Key": idempotency_key,
    }
    if key is not None:
        headers["Authorization"] = f"Bearer {key.get_secret_value()}"
    return Request(
        f"{base_url}/rerank", headers, _utf8(json.dumps(content, ensure_ascii=False)), key
    )


def _utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        # Half characters, as from a text cut in the middle of an emoji: two halves that stand
        # together become one character again, a lone one becomes U+FFFD.
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()


def decode(answer: Answer, request: Request, documents: int, at_least: int) -> Scores:
    """Checks an answer to `documents` documents, of which `at_least` have to be scored.

    Raises:
        StatusError: the server refused; the subclass says what kind of refusal.
        ContractError: the server agreed, but its answer can't be a ranking of these documents.
    """
    if not 200 <= answer.status < 300:
        raise refusal(answer, request)
    try:
        content = json.loads(answer.body)
    except (ValueError, RecursionError):
        start = request.redact(answer.body[:4000].decode("utf-8", "replace"))[:80]
        raise _broken(answer, request, f"the body is not JSON; it starts with {start!r}") from None
    if not isinstance(content, dict):
        raise _broken(answer, request, f"the body is {_kind(content)} instead of an object")
    if content.get("error"):
        told = error_told(content)[0] or "no message"
        raise _broken(answer, request, f"it reports an error under status {answer.status}: {told}")
    results = content.get("results")
    if not isinstance(results, list):
        raise _broken(answer, request, f"`results` is {_kind(results)} instead of a list")
    by_index: dict[int, float] = {}
    for place, result in enumerate(results):
        if not isinstance(result, dict):
            raise _broken(
                answer, request, f"results[{place}] is {_kind(result)} instead of an object"
            )
        index = result.get("index")
        if type(index) is not int:  # exactly: True is an int too
            raise _broken(
                answer, request, f"results[{place}].index is {_kind(index)}, not an integer"
            )
        if not 0 <= index < documents:
            raise _broken(
                answer, request, f"results[{place}].index is {index} of {documents} documents"
            )
        if index in by_index:
            raise _broken(answer, request, f"document {index} is scored twice")
        by_index[index] = _score(result.get("relevance_score"), place, answer, request)
    if len(by_index) < at_least:
        raise _broken(answer, request, f"{len(by_index)} scores came for {documents} documents")
    return Scores(
        by_index, *_reported(content), answer.request_id or text_or_none(content.get("id"))
    )


def _score(value: object, place: int, answer: Answer, request: Request) -> float:
    # Words that look like numbers are refused as well: a server that sends them is not the one
    # that this contract is about.
    if type(value) is float or type(value) is int:
        try:
            score = float(value)
        except OverflowError:
            score = math.inf
        if math.isfinite(score):
            return score
    raise _broken(
        answer, request, f"results[{place}].relevance_score is {_kind(value)}, not a finite number"
    )


def _reported(content: dict[str, object]) -> tuple[str | None, int | None, int | None, int | None]:
    """Model, prompt tokens, total tokens and search units; what is odd counts as not reported."""
    usage = mapping_or_empty(content.get("usage"))
    units = mapping_or_empty(mapping_or_empty(content.get("meta")).get("billed_units"))
    return (
        text_or_none(content.get("model")),
        _count(usage.get("prompt_tokens")),
        _count(usage.get("total_tokens")),
        _count(units.get("search_units")),
    )


def _broken(answer: Answer, request: Request, problem: str) -> ContractError:
    request_id = answer.request_id and f" (request id {request.redact(answer.request_id)})"
    return ContractError(
        f"{request.url} answered, but {request.redact(problem)}{request_id or ''}."
    )


def _count(value: object) -> int | None:
    return value if type(value) is int and value >= 0 else None


def _kind(value: object) -> str:
    if value is None:
        return "missing or null"
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    names = {bool: "a bool", str: "a string", int: "an integer", float: "a fraction"}
    return names.get(type(value), "a list" if isinstance(value, list) else "an object")
