"""What the workers are given: groups stay together, and tests that measure time come last."""

from __future__ import annotations

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
