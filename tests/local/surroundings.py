"""What several tests here need: a plain request, a scorer to steer, a fresh interpreter."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence

import httpx

from assisters_rerank.local import LocalServer

BODY: dict[str, object] = {
    "model": "bge-reranker-v2",
    "query": "machine learning basics",
    "documents": [
        "ML is a subset of AI",
        "Weather forecast for today",
        "Deep learning uses neural networks",
    ],
}
"""The example of the service's model page."""


class Steered:
    """A scorer that does as it is told."""

    name = "steered"

    def __init__(self, score: Callable[[str], float]) -> None:
        self._score = score

    def score(self, query: str, documents: Sequence[str]) -> list[float]:
        return [self._score(document) for document in documents]


def connect(server: LocalServer) -> httpx.Client:
    return httpx.Client(base_url=server.base_url, trust_env=False, verify=False)


def run_python(code: str, **environment: str) -> str:
    """What a fresh interpreter prints, in which every warning is an error; it may print no more."""
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        env={**environment_without_proxies(), **environment},
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def environment_without_proxies() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
