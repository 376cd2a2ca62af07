"""What the tests of other rerankers give theirs: texts, sizes, addresses, and bad days."""

from __future__ import annotations

import json
from typing import Any

import httpx

from .cases import KEY

UNUSUAL = {
    "emoji": "A family 👨‍👩‍👧 and a flag 🇩🇪",
    "right to left": "اكتب السطر من اليمين إلى اليسار",
    "no spaces": "読み取るためにコマンドを実行する",
    "combining marks": "e\u0301le\u0300ve",
    "half a pair": "broken \ud83d off",
    "control characters": "zero \x00 bell \x07 escape \x1b[31m",
    "quotes and braces": '{"index": 0, "relevance_score": 9} </s> \\',
    "line ends": "one\r\ntwo\u2028three\n\n\n",
    "long": "a command prints its output. " * 3000,
    "one long word": "x" * 20_000,
}

QUERIES = {
    "one letter": "a",
    "no letters": "???",
    "another script": "コマンドの出力を読む",
    "lines": "\n first\n second \n",
    "emoji": "🐝",
    "long": "how to read what a command prints " * 40,
}

# The size of a request next to top_n: equal, larger, smaller, and at the edges.
BATCHES = [(7, 7), (17, 7), (3, 13), (1, 1), (5, 1), (24, 24)]

# What may become of a long document, and the requests that this takes.
SPLITS_OF = [("truncate", 1), ("split", 1), ("error", 0)]

WRONG_ADDRESSES = ["bogus", "localhost", "localhost:8888", "http:/", "http://", "http:/oops", ""]
ADDRESSES = ["http://0.0.0.0:8888/v1", "https://host.example/a/v1/", "http://[::1]:9/v1"]

TRANSIENT = [500, 504]


def answering_after(*refusals: int) -> tuple[dict[str, Any], list[int]]:
    """Options of a reranker whose server refuses at first; and the statuses that it has sent."""
    left, sent = list(refusals), []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(left.pop(0) if left else 200)
        if sent[-1] != 200:
            return httpx.Response(sent[-1], headers={"Retry-After": "0"})
        texts = json.loads(request.content)["documents"]
        results = [{"index": n, "relevance_score": 0.5} for n in range(len(texts))]
        return httpx.Response(200, json={"results": results})

    transport = httpx.MockTransport(answer)
    options = {
        "base_url": "http://127.0.0.1:9/v1",
        "api_key": KEY,
        "http_client": httpx.Client(transport=transport),
        "async_http_client": httpx.AsyncClient(transport=transport),
    }
    return options, sent
