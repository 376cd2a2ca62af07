"""The rows that wait come first, so that one worker has them all: it plays them side by side."""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def plays_later(item: pytest.Item) -> bool:
        given = getattr(item, "callspec", None)
        row = None if given is None else given.params.get("row")
        return item.get_closest_marker("timed") is None or not getattr(row, "waits", False)

    items.sort(key=plays_later)
