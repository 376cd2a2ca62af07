"""A pytest fixture for users' own tests: a running local server.

    def test_search(assisters_server, monkeypatch):
        monkeypatch.setenv("ASSISTERS_BASE_URL", assisters_server.base_url)
        ...
        assert len(assisters_server.requests) == 1

pytest finds it by itself where the package is installed; `-p no:assisters_rerank` leaves it out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .server import LocalServer


@pytest.fixture
def assisters_server() -> Iterator[LocalServer]:
    """A running `assisters_rerank.local.LocalServer` of the test's own, on a free port.

    Its `base_url` is for clients, its `requests` for assertions. It sets nothing else: no
    environment variable, no key. For other settings make a `LocalServer` in a fixture of your own.
    """
    # Not before a test asks for it: pytest loads this module in every project.
    from . import LocalServer

    with LocalServer() as server:
        yield server
