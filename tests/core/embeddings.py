"""What a server would say to texts to embed, and one call of the embedding flow over a port."""

from __future__ import annotations

import base64
import json
import random
import struct
import zlib
from collections.abc import Iterable, Sequence
from typing import Any

from assisters_rerank.call import embedding_flow
from assisters_rerank.call.state import State
from assisters_rerank.net import run_blocking
from assisters_rerank.options.embedding_options import EmbeddingOptions
from assisters_rerank.wire.messages import Answer, Request

from .answers import answer
from .scripted_port import ScriptedPort
from .texts import on_the_wire

URL = "https://scripted.test/v1"


def vector(text: str) -> list[float]:
    """A text's vector: four numbers that 32 bits hold, different for different texts."""
    hashed = zlib.crc32(on_the_wire(text).encode())
    return [(hashed >> shift & 0xFF) / 256 - 0.5 for shift in (0, 8, 16, 24)]


def coded(numbers: Sequence[float]) -> str:
    """The numbers as 32-bit floats in base64."""
    return base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()


def embedded(payload: dict[str, Any], order: random.Random | None = None) -> dict[str, Any]:
    """An honest answer's JSON, its entries in `order`."""
    in_base64 = payload.get("encoding_format") == "base64"
    data = [
        {
            "object": "embedding",
            "index": index,
            "embedding": coded(vector(text)) if in_base64 else vector(text),
        }
        for index, text in enumerate(payload["input"])
    ]
    if order is not None:
        order.shuffle(data)
    return {"object": "list", "data": data, "model": payload["model"]}


def payload_of(request: Request) -> dict[str, Any]:
    payload: dict[str, Any] = json.loads(request.body)
    return payload


def honest(request: Request) -> Answer:
    """The honest answer, without usage."""
    return answer(embedded(payload_of(request)))


def embed(
    port: ScriptedPort, texts: Iterable[str], state: State | None = None, **options: object
) -> list[list[float]]:
    """One call of the flow, without an event loop."""
    settings = EmbeddingOptions(**{"base_url": URL, **options})  # type: ignore[arg-type]
    flow = embedding_flow.embed(port, settings, state or State(), list(texts))
    return run_blocking(flow)


def inputs(port: ScriptedPort) -> list[list[str]]:
    """The texts of each request that left."""
    return [payload_of(sent.request)["input"] for sent in port.sent]


def encodings(port: ScriptedPort) -> list[str]:
    """The encoding that each request asked for."""
    return [payload_of(sent.request)["encoding_format"] for sent in port.sent]
