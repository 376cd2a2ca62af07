"""What the demo's tests share: the real standard library, and an environment without settings."""

from __future__ import annotations

import os

import pytest

from assisters_rerank.demo.corpus import Passage, read_passages

# What would change where the demo goes, or how rich and typer write.
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
}


@pytest.fixture(scope="session")
def stdlib() -> list[Passage]:
    return read_passages()


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in list(os.environ):
        if variable.upper() in _VARIABLES:
            monkeypatch.delenv(variable)
