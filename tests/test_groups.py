"""The tests of an `xdist_group` are one worker's: what they share is computed once."""

from __future__ import annotations

import pytest


@pytest.mark.slow  # they are run with `--dist loadgroup`
@pytest.mark.xdist_group("groups")
def test_groups_are_kept_together(request: pytest.FixtureRequest) -> None:
    if not getattr(request.config.option, "loadgroup", False):
        pytest.skip("without groups")
    grouped = [item for item in request.session.items if item.get_closest_marker("xdist_group")]
    assert request.node in grouped
    # The scheduler gets nothing but the ids.
    assert [item.nodeid for item in grouped if "@" not in item.nodeid.rpartition("]")[2]] == []
