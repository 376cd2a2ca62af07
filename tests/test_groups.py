"""What the workers are given: groups stay together, and tests that measure time come last."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import is_timed


@pytest.mark.xdist_group("groups")
def test_groups_are_kept_together(request: pytest.FixtureRequest) -> None:
    if not getattr(request.config.option, "loadgroup", False):
        pytest.skip("without groups")
    grouped = [item for item in request.session.items if item.get_closest_marker("xdist_group")]
    assert request.node in grouped
    # The scheduler gets nothing but the ids.
    assert [item.nodeid for item in grouped if "@" not in item.nodeid.rpartition("]")[2]] == []


@pytest.mark.timed
def test_timed_tests_come_last(request: pytest.FixtureRequest) -> None:
    if not hasattr(request.config, "workerinput"):
        pytest.skip("without workers")
    timed = [is_timed(item) for item in request.session.items]
    assert timed == sorted(timed)
    assert timed[-1]


def test_slow_tests_are_where_ci_looks_for_them() -> None:
    """It names the files that have the mark, since to collect all others takes long."""
    others = [path for path in Path(__file__).parent.rglob("*.py") if path.stem[:5] != "test_"]
    assert len(others) > 10
    assert [path.name for path in others if "mark.slow" in path.read_text(encoding="utf-8")] == []
