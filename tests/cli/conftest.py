"""What the command line's tests share: a server whose scores are known, and a bare environment."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from assisters_rerank.local import LocalServer

# What would change where the command goes, or how rich and typer write.
_VARIABLES = {
    "ASSISTERS_API_KEY",
    "ASSISTERS_BASE_URL",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "NO_COLOR",
    "FORCE_COLOR",
    "COLUMNS",
    "LINES",
    "TERM",
    "PYTHONIOENCODING",
    "TTY_COMPATIBLE",
    "TTY_INTERACTIVE",
}


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


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in list(os.environ):
        if variable.upper() in _VARIABLES:
            monkeypatch.delenv(variable)


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
