"""A server whose scores are known beforehand, and a reranker that asks it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from assisters_rerank import Reranker
from assisters_rerank.local import LocalServer

from .judged import LastNumber


@pytest.fixture(scope="session")
def running() -> Iterator[LocalServer]:
    with LocalServer(scorer=LastNumber()) as server:
        yield server


@pytest.fixture
def server(running: LocalServer) -> LocalServer:
    running.requests.clear()
    return running


@pytest.fixture
def reranker(server: LocalServer) -> Iterator[Reranker]:
    with Reranker(base_url=server.base_url) as reranker:
        yield reranker
