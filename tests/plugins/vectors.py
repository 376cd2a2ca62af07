"""Vectors that a text alone decides, and a made-up `/embeddings` behind the user's own clients."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

import httpx

BROKEN_VECTORS = (200, {"data": [{"index": 0, "embedding": [1.0, "two"]}]})
NOWHERE = "http://127.0.0.1:9/v1"


def vector_of(text: str) -> list[float]:
    """Eight numbers that 32-bit floats hold exactly; another text has others."""
    return [byte / 128 for byte in hashlib.sha256(text.encode()).digest()[:8]]


def vectors_of(texts: Sequence[str], prefix: str = "passage: ") -> list[list[float]]:
    """What `Wire` answers to texts with this prefix."""
    return [vector_of(prefix + text) for text in texts]


class Wire:
    """Remembers the texts of each request; answers with vectors, or as it is told to."""

    def __init__(self, answer: tuple[int, object] | None = None) -> None:
        self.sent: list[list[str]] = []
        self.headers: list[httpx.Headers] = []
        self._answer = answer

    @property
    def texts(self) -> list[str]:
        """All texts that were sent, in the requests' order."""
        return [text for request in self.sent for text in request]

    def options(self) -> dict[str, Any]:
        """For the constructors: an address, and clients that go nowhere."""
        transport = httpx.MockTransport(self._respond)
        return {
            "base_url": NOWHERE,
            "http_client": httpx.Client(transport=transport),
            "async_http_client": httpx.AsyncClient(transport=transport),
        }

    def _respond(self, request: httpx.Request) -> httpx.Response:
        texts = json.loads(request.content)["input"]
        self.sent.append(texts)
        self.headers.append(request.headers)
        if self._answer is not None:
            status, content = self._answer
            return httpx.Response(status, json=content)
        data = [{"index": index, "embedding": vector_of(text)} for index, text in enumerate(texts)]
        # Backwards: places come from `index` alone.
        content = {"data": data[::-1], "usage": {"total_tokens": len(texts)}}
        return httpx.Response(200, json=content)
