"""A running server and a bare HTTP client: no client of ours takes part here."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from assisters_rerank.local import LocalServer


@pytest.fixture(scope="package")
def running() -> Iterator[LocalServer]:
    with LocalServer() as server:
        yield server


@pytest.fixture
def server(running: LocalServer) -> LocalServer:
    running.requests.clear()
    return running


@pytest.fixture
def client(server: LocalServer) -> Iterator[httpx.Client]:
    # Without TLS: to load the authorities takes longer than most tests.
    with httpx.Client(base_url=server.base_url, trust_env=False, verify=False) as client:
        yield client
