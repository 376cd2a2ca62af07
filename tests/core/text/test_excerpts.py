"""Excerpts: their spans give back their text, whatever they are taken from."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assisters_rerank.text.excerpts import (
    GAP,
    Excerpt,
    excerpt,
    noted_excerpt,
    placed_in,
    whole,
)

# What an excerpt's own mark is made of is common, and so is repetition.
texts = st.text("ab \n…", min_size=1, max_size=30)
scores = st.sampled_from([-1.0, 0.0, 0.5])
arounds = st.text("ab \n", max_size=6)


def spans_of(data: st.DataObject, text: str) -> list[tuple[int, int, float]]:
    """Passages as they are scored: without white space around them, some overlapping."""
    drawn = []
    for _ in range(data.draw(st.integers(0, 4))):
        start = data.draw(st.integers(0, len(text) - 1))
        end = data.draw(st.integers(start + 1, len(text)))
        if text[start:end] == text[start:end].strip():
            drawn.append((start, end, data.draw(scores)))
    return drawn


@given(texts, st.data(), st.integers(1, 4))
def test_spans_give_back_the_text_also_of_an_excerpt_of_an_excerpt(
    first: str, data: st.DataObject, times: int
) -> None:
    before = whole(first)
    for _ in range(times):
        spans = spans_of(data, before.text)
        found = excerpt(before.text, spans, before)
        if found is None:
            assert all(before.text[start:end] in GAP for start, end, _ in spans)
            return
        assert found.text == GAP.join(first[start:end] for start, end, _ in found.spans)
        assert all(one[1] <= other[0] for one, other in pairwise(found.spans))
        assert {score for _, _, score in found.spans} <= {score for _, _, score in spans}
        noted = noted_excerpt(found.text, [list(span) for span in found.spans])
        assert noted is not None
        assert [span[:2] for span in noted.spans] == [span[:2] for span in found.spans]
        before = noted


@given(texts, st.data())
def test_every_span_is_held_and_what_lies_between_is_not(first: str, data: st.DataObject) -> None:
    spans = spans_of(data, first)
    found = excerpt(first, spans, whole(first))
    held = {at for start, end, _ in spans for at in range(start, end)}
    kept = {at for start, end, _ in (found.spans if found else ()) for at in range(start, end)}
    assert held <= kept
    assert all(first[at].isspace() for at in kept - held)


def test_neighbours_are_joined_with_the_better_score_and_gaps_are_marked() -> None:
    text = "One. Two.\n\nThree. Four."
    found = excerpt(text, [(18, 23, 0.9), (5, 9, 0.5), (0, 4, 0.7)], whole(text))
    assert found == Excerpt("One. Two. … Four.", ((0, 9, 0.7), (18, 23, 0.9)))


def test_an_excerpt_of_only_the_mark_is_none() -> None:
    before = Excerpt("One. … Four.", ((0, 4, None), (18, 23, None)))
    assert excerpt(before.text, [(5, 6, 0.5)], before) is None


@pytest.mark.parametrize(
    "note",
    [
        None, 5, "passages", [], {}, [5], [[0, 4]], [[0, 4, 0.5, 1]], [[0.0, 4, 0.5]],
        [[False, 4, 0.5]], [[0, 5, 0.5]], [[0, 3, 0.5]], [[4, 0, 0.5]], [[-4, 0, 0.5]],
        [["0", "4", 0.5]], [[0, 1, 0.5], [1, 1, 0.5]], [[0, 1, 0.5], [2, 2, 0.5]],
    ],
)  # fmt: skip
def test_a_note_about_something_else_is_not_obeyed(note: object) -> None:
    assert noted_excerpt("text", note) is None
    assert noted_excerpt("text", [[7, 11, 0.5]]) == Excerpt("text", ((7, 11, None),))


def test_a_note_of_the_same_length_needs_the_marks_in_their_place() -> None:
    note = [[0, 2, 0.5], [9, 11, 0.5]]
    assert noted_excerpt("ab … cd", note) is not None
    assert noted_excerpt("ab - cd", note) is None
    assert noted_excerpt("ab … cd", note[::-1]) is None  # the first text's order


@given(
    st.text("ab \n", max_size=12),
    st.text("ab \n", max_size=6),
    st.text("ab \n", max_size=6),
    st.data(),
)
def test_a_passage_is_placed_where_the_text_is_the_same(
    own: str, before: str, after: str, data: st.DataObject
) -> None:
    sent = before + own + after
    start = data.draw(st.integers(0, len(sent)))
    end = data.draw(st.integers(start, len(sent)))
    found = placed_in(own, sent, start, end)
    held = sent[max(start, len(before)) : min(end, len(before) + len(own))]
    if found is None:
        assert not held.strip()
    else:
        assert own[found[0] : found[1]] in sent[start:end]
        assert found[0] < found[1]


@pytest.mark.parametrize("around", ["{}\n{}", "{}{}"])
@pytest.mark.parametrize("behind", [True, False])
def test_the_copy_in_the_metadata_does_not_hide_the_text(around: str, *, behind: bool) -> None:
    own = "One. Two. Three."
    parts = (own, f"before {own} after") if behind else (f"before {own} after", own)
    sent = around.format(*parts)
    for at in (sent.find("Two."), sent.rfind("Two.")):
        assert placed_in(own, sent, at, at + 4) == (5, 9)


def test_a_text_that_is_not_what_was_sent_has_no_passage() -> None:
    assert placed_in("own", "OWN", 0, 3) is None
    assert placed_in(" ", "a b", 0, 3) is None
    assert placed_in("", "a b", 0, 3) is None
    assert placed_in("b" * 50_000, "a" * 500_000, 0, 400_000) is None
