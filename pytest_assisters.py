"""pytest fixtures for users' own tests: a running local server, which needs no key.

    def test_search(assisters_server, monkeypatch):
        monkeypatch.setenv("ASSISTERS_BASE_URL", assisters_server.base_url)
        ...
        assert len(assisters_server.requests) == 1

pytest finds them by itself where the package is installed; `-p no:assisters_rerank` leaves them
out. pytest loads this module in every project of everyone who has the package installed, so it
stands outside of the package, and imports nothing of it before a test asks for a server.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from assisters_rerank.local import LocalServer

__all__ = ["assisters_server", "assisters_session_server"]


@pytest.fixture
def assisters_server() -> Iterator[LocalServer]:
    """A running `assisters_rerank.local.LocalServer` of the test's own, on a free port.

    Its `base_url` is for clients, its `requests` for assertions. It sets nothing else: no
    environment variable, no key. For other settings make a `LocalServer` in a fixture of your own.
    """
    yield from _running()


@pytest.fixture(scope="session")
def assisters_session_server() -> Iterator[LocalServer]:
    """The same, one for the whole run, or for each worker of pytest-xdist.

    `requests` holds those of all tests; a test that looks at it clears it first.
    """
    yield from _running()


def _running() -> Iterator[LocalServer]:
    from assisters_rerank.local import LocalServer

    with LocalServer() as server:
        yield server
