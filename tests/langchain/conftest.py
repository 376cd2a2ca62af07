"""A real server, documents that it ranks differently from the first stage, and bad days."""

from __future__ import annotations

import json
from collections.abc import Callable

import httpx
import pytest
from langchain_core.documents import Document

from assisters_rerank.local import LocalServer
from langchain_assisters import AssistersRerank

from ..plugins.cases import KEY, TEXTS
from ..plugins.fixtures import (  # noqa: F401 - fixtures are found by their names
    best_first,
    colour,
    dead_url,
    no_request,
    one_rerank,
    server,
)


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No key, no address and no tracing service from the machine that runs the tests."""
    for name in ("ASSISTERS_API_KEY", "ASSISTERS_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    for name in ("LANGSMITH_TRACING", "LANGCHAIN_TRACING_V2", "LANGSMITH_API_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def documents() -> list[Document]:
    return [
        Document(page_content=text, id=f"doc-{place}", metadata={"place": place, "tags": ["a"]})
        for place, text in enumerate(TEXTS)
    ]


@pytest.fixture
def compressor(server: LocalServer) -> AssistersRerank:
    return AssistersRerank(base_url=server.base_url, api_key=KEY)


@pytest.fixture
def answering() -> Callable[..., AssistersRerank]:
    """A compressor whose server gives one fixed answer, over the user's own httpx clients."""

    def made(status: int, content: object, **options: object) -> AssistersRerank:
        def answer(request: httpx.Request) -> httpx.Response:
            return httpx.Response(status, content=json.dumps(content))

        return AssistersRerank(
            base_url="http://127.0.0.1:9/v1",
            api_key=KEY,
            http_client=httpx.Client(transport=httpx.MockTransport(answer)),
            async_http_client=httpx.AsyncClient(transport=httpx.MockTransport(answer)),
            **options,
        )

    return made
