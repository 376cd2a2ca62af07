"""What the demo's tests share: the real standard library."""

from __future__ import annotations

import pytest

from assisters_rerank.demo.corpus import Passage, read_passages


@pytest.fixture(scope="session")
def stdlib() -> list[Passage]:
    return read_passages()
