"""What a server would say: scores that follow from the text alone, and answers around them."""

from __future__ import annotations

import json
import random
import zlib
from collections.abc import Mapping
from typing import Any

import httpx

from assisters_rerank.wire.messages import Answer, Request


def score(text: str) -> float:
    """A text's score: from -0.5 to 0.5 in seven steps, so that ties and negatives are common."""
    return (zlib.crc32(text.encode()) % 7 - 3) / 6


def scored(payload: Mapping[str, Any], order: random.Random | None = None) -> dict[str, Any]:
    """An honest answer's JSON: cut to the best `top_n`, by falling score or in `order`."""
    results = [
        {"index": index, "relevance_score": score(text)}
        for index, text in enumerate(payload["documents"])
    ]
    results.sort(key=lambda result: -result["relevance_score"])
    results = results[: payload.get("top_n")]
    if order is not None:
        order.shuffle(results)
    return {"id": "rerank-abc123", "model": payload["model"], "results": results}


def honest(request: Request) -> Answer:
    """The honest answer to a request of the flow's."""
    return answer(scored(json.loads(request.body)))


def answer(content: object = None, status: int = 200, **headers: str) -> Answer:
    """An answer with a JSON body; `retry_after="3"` becomes the header `retry-after: 3`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, httpx.Headers(named), json.dumps(content).encode())


def refused(status: int, code: str = "", kind: str = "", **headers: str) -> Answer:
    """An error answer with the service's error body."""
    error = {"message": "no", "code": code or None, "type": kind or None}
    return answer({"error": error}, status, **headers)
