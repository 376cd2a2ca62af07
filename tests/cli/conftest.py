"""What the command line's tests share: a server whose scores are known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from assisters_rerank.local import LocalServer


class LastNumber:
    """A scorer whose scores a test can foresee: the last word of a text, if it is a number."""

    name = "last-number"

    def score(self, query: str, documents: Sequence[str]) -> list[float]:
        return [self._score(document) for document in documents]

    def _score(self, document: str) -> float:
        try:
            return float(document.split()[-1])
        except ValueError:
            return 0.0


@pytest.fixture(scope="session")
def _server() -> Iterator[LocalServer]:
    with LocalServer(scorer=LastNumber()) as server:
        yield server


@pytest.fixture
def server(_server: LocalServer, monkeypatch: pytest.MonkeyPatch) -> LocalServer:
    """A server that the command finds by itself."""
    monkeypatch.setenv("ASSISTERS_BASE_URL", _server.base_url)
    _server.requests.clear()
    return _server


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, which is the current one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
