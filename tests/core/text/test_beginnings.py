"""A text that is cut off fits, is as long as it can be, and ends with a whole word if it can."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assisters_rerank import estimate_tokens
from assisters_rerank.text.beginnings import beginning

from ..texts import texts


def words(text: str) -> int:
    return len(text.split())


@given(texts, st.integers(0, 60))
def test_what_is_left_fits(text: str, most: int) -> None:
    end = beginning(text, most, estimate_tokens)
    assert 0 <= end <= len(text)
    assert estimate_tokens(text[:end]) <= most
    if end == len(text):
        assert estimate_tokens(text) <= most


@given(st.lists(st.sampled_from(["cat", "fish", "elephants"]), min_size=1), st.integers(1, 20))
def test_it_ends_with_a_whole_word(chosen: list[str], most: int) -> None:
    text = " ".join(chosen)
    end = beginning(text, most, words)
    cut = text[:end].split()
    assert cut == chosen[: len(cut)]
    assert len(cut) == min(most, len(chosen))


def test_a_long_word_is_cut() -> None:
    assert beginning("x" * 1000, 10, len) == 10
    assert beginning("ab " + "x" * 1000, 10, len) == 10


@pytest.mark.parametrize("size", [1000, 1_000_000])
def test_a_long_text_is_not_counted_whole(size: int) -> None:
    counted: list[int] = []

    def count(text: str) -> int:
        counted.append(len(text))
        return len(text) // 4

    assert beginning("abc " * size, 100, count) == 403
    assert sum(counted) < 20_000
