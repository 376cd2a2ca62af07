"""A real server, documents that it ranks differently from the first stage, and bad days."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.documents import Document

from assisters_rerank.local import LocalServer
from langchain_assisters import AssistersRerank

from ..plugins.cases import KEY
from ..plugins.fixtures import (  # noqa: F401 - fixtures are found by their names
    best_first,
    colour,
    content,
    contents,
    cut,
    dead_url,
    guarded,
    no_request,
    one_rerank,
    padded,
    server,
    single_thread,
    with_one_answer,
)
from ..plugins.scales import scales  # noqa: F401 - likewise


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No key, no address and no tracing service from the machine that runs the tests."""
    for name in ("ASSISTERS_API_KEY", "ASSISTERS_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    for name in ("LANGSMITH_TRACING", "LANGCHAIN_TRACING_V2", "LANGSMITH_API_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def documents(padded: tuple[str, ...]) -> list[Document]:
    return [
        Document(page_content=text, id=f"doc-{place}", metadata={"place": place, "tags": ["a"]})
        for place, text in enumerate(padded)
    ]


@pytest.fixture
def compressor(server: LocalServer, cut: dict[str, Any]) -> AssistersRerank:
    return AssistersRerank(base_url=server.base_url, api_key=KEY, **cut)


@pytest.fixture
def answering() -> Callable[..., AssistersRerank]:
    """A compressor whose server gives one fixed answer, over the user's own httpx clients."""

    def made(status: int, content: object, **options: Any) -> AssistersRerank:
        return AssistersRerank(**with_one_answer(status, content), **options)

    return made
