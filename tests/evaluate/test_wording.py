"""How figures are written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assisters_rerank.evaluate.report.wording import score


@given(st.floats(-1e6, 1e6))
def test_a_score_that_is_shown_keeps_as_a_threshold_what_has_it(value: float) -> None:
    assert float(score(value)) <= value
    assert float(score(value)) == pytest.approx(value, rel=1.1e-4)


def test_round_numbers_are_shown_as_they_are() -> None:
    assert [score(value) for value in (0.1, 0.5, 1.0, 0.0)] == ["0.1", "0.5", "1", "0"]
    assert score(0.807559) == "0.80755"
    assert score(-2.345678) == "-2.3457"
