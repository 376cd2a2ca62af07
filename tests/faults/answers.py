"""Right answers with scores known in advance, and the bytes of any answer."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Mapping
from typing import Any, Literal

from .server import Behaviour, Exchange, Received

TEXTS = (
    "A passage worth 0.31 of one.",
    "A passage worth 0.92 of one.",
    "A passage worth 0.05 of one.",
    "A passage worth 0.77 of one.",
    "A passage worth 0.48 of one.",
)
"""The candidates of every row, in their first order; each one names its own score."""

Order = Literal["falling", "given", "shuffled"]
Json = dict[str, Any]

REASONS = {
    200: "OK", 201: "Created", 202: "Accepted", 204: "No Content", 301: "Moved Permanently",
    302: "Found", 303: "See Other", 307: "Temporary Redirect", 308: "Permanent Redirect",
    413: "Content Too Large", 422: "Unprocessable Content", 429: "Too Many Requests",
}  # fmt: skip


def true_score(text: str) -> float:
    """The score of a text: the decimal number that it contains."""
    found = re.search(r"\d+\.\d+", text)
    assert found is not None, f"a text without a score: {text!r}"
    return float(found[0])


def right_payload(
    request: Received,
    order: Order = "falling",
    honour_top_n: bool = True,
    document: Literal["absent", "string", "object"] = "absent",
) -> Json:
    """What an honest server would answer to this request."""
    asked = request.payload
    texts = [item if isinstance(item, str) else item["text"] for item in asked["documents"]]
    results: list[Json] = [
        {"index": index, "relevance_score": true_score(text)} for index, text in enumerate(texts)
    ]
    if document != "absent":
        for result, text in zip(results, texts, strict=True):
            result["document"] = text if document == "string" else {"text": text}
    results.sort(key=lambda result: -result["relevance_score"])
    if honour_top_n:
        results = results[: asked.get("top_n")]
    if order == "given":
        results.sort(key=lambda result: result["index"])
    elif order == "shuffled":
        random.Random(7).shuffle(results)
    return {
        "id": "rerank-abc123",
        "model": asked["model"],
        "results": results,
        "usage": {"prompt_tokens": 40, "total_tokens": 40},
    }


def response(
    body: bytes | str = b"",
    status: int = 200,
    content_type: str = "application/json",
    headers: Mapping[str, str] | None = None,
) -> bytes:
    """A well-formed HTTP/1.1 answer with a Content-Length; `headers` may replace the usual ones."""
    data = body.encode() if isinstance(body, str) else body
    fields = {
        "Content-Type": content_type,
        "Content-Length": str(len(data)),
        "X-Request-ID": "req-1",
        **(headers or {}),
    }
    lines = [f"HTTP/1.1 {status} {REASONS.get(status, 'Status')}"]
    lines += [f"{name}: {value}" for name, value in fields.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + data


def says(
    body: bytes | str,
    status: int = 200,
    content_type: str = "application/json",
    headers: Mapping[str, str] | None = None,
) -> Behaviour:
    """Always this answer, whatever was asked."""
    answer = response(body, status, content_type, headers)
    return lambda exchange: exchange.send(answer)


def right_bytes(exchange: Exchange) -> bytes:
    """The right answer to the exchange's request, as it would go over the wire."""
    assert exchange.request is not None
    return response(json.dumps(right_payload(exchange.request)))


def right(
    order: Order = "falling",
    honour_top_n: bool = True,
    document: Literal["absent", "string", "object"] = "absent",
) -> Behaviour:
    """An honest server."""

    def behave(exchange: Exchange) -> None:
        assert exchange.request is not None
        payload = right_payload(exchange.request, order, honour_top_n, document)
        exchange.send(response(json.dumps(payload)))

    return behave


def altered(change: Callable[[Json], object], encoding: str = "utf-8") -> Behaviour:
    """The right answer after `change` has edited its payload; what it returns does not matter."""

    def edit(payload: Json) -> object:
        change(payload)
        return payload

    return instead(edit, encoding)


def instead(make: Callable[[Json], object], encoding: str = "utf-8") -> Behaviour:
    """Whatever `make` makes of the right payload, as JSON."""

    def behave(exchange: Exchange) -> None:
        assert exchange.request is not None
        body = json.dumps(make(right_payload(exchange.request)))
        exchange.send(response(body.encode(encoding)))

    return behave


def literal(field: Literal["index", "relevance_score"], value: str) -> Behaviour:
    """The right answer, but with `value` in place of the second result's (or the only
    one's) field, letter by letter.

    So numbers that no JSON library would write (`1e999`, `NaN`) can be sent.
    """

    def behave(exchange: Exchange) -> None:
        assert exchange.request is not None
        payload = right_payload(exchange.request)
        results = payload["results"]
        results[min(1, len(results) - 1)][field] = "@"
        exchange.send(response(json.dumps(payload).replace('"@"', value)))

    return behave
