"""The plan: which texts are sent, and where their scores land."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from assisters_rerank.call.plan import Plan

from ..texts import lists

# Few different values, so that ties are common.
some_scores = st.sampled_from([-2.5, -1.0, -0.0, 0.0, 0.3, 0.5, 1.0])
top_ns = st.none() | st.integers(0, 15)
thresholds = st.none() | some_scores


def scores_for(plan: Plan, data: st.DataObject) -> dict[int, float]:
    drawn = data.draw(st.lists(some_scores, min_size=len(plan.texts), max_size=len(plan.texts)))
    return dict(enumerate(drawn))


@given(lists)
def test_blank_texts_are_never_sent(documents: list[str]) -> None:
    plan = Plan.of(documents)
    assert all(text.strip() for text in plan.texts)
    assert [source is None for source in plan.source] == [not text.strip() for text in documents]


@given(lists)
def test_equal_texts_are_sent_once_in_their_first_order(documents: list[str]) -> None:
    plan = Plan.of(documents)
    assert list(plan.texts) == [t for t in dict.fromkeys(documents) if t.strip()]
    for text, source in zip(documents, plan.source, strict=True):
        assert source is None or plan.texts[source] == text


@given(lists)
def test_duplicates_are_what_need_not_be_sent_again(documents: list[str]) -> None:
    texts = [text for text in documents if text.strip()]
    assert Plan.of(documents).duplicates == len(texts) - len(set(texts))


@given(lists, st.data())
def test_every_document_gets_the_score_of_its_own_text(
    documents: list[str], data: st.DataObject
) -> None:
    plan = Plan.of(documents)
    scores = scores_for(plan, data)
    ranked = plan.rank(scores, None, None)
    assert sorted(index for index, _, _ in ranked) == list(range(len(documents)))
    for index, score, passage in ranked:
        assert passage is None
        if documents[index].strip():
            assert score == scores[plan.texts.index(documents[index])]


@given(lists, st.data())
def test_falling_scores_with_ties_in_their_first_order(
    documents: list[str], data: st.DataObject
) -> None:
    plan = Plan.of(documents)
    ranked = plan.rank(scores_for(plan, data), None, None)
    texts = [(index, score) for index, score, _ in ranked if documents[index].strip()]
    assert texts == sorted(texts, key=lambda pair: (-pair[1], pair[0]))


@given(lists, st.data())
def test_blanks_come_last_with_nothing_or_the_lowest_score(
    documents: list[str], data: st.DataObject
) -> None:
    plan = Plan.of(documents)
    scores = scores_for(plan, data)
    blanks = [index for index, text in enumerate(documents) if not text.strip()]
    ranked = plan.rank(scores, None, None)
    assert [index for index, _, _ in ranked[len(ranked) - len(blanks) :]] == blanks
    lowest = min([0.0, *scores.values()])
    assert all(score == lowest for index, score, _ in ranked if index in blanks)


@given(lists, st.data(), thresholds, top_ns)
def test_the_threshold_cuts_first_and_top_n_after_it(
    documents: list[str], data: st.DataObject, threshold: float | None, top_n: int | None
) -> None:
    plan = Plan.of(documents)
    scores = scores_for(plan, data)
    everything = plan.rank(scores, None, None)
    kept = [entry for entry in everything if threshold is None or entry[1] >= threshold]
    assert plan.rank(scores, top_n, threshold) == kept[:top_n]


def test_what_the_server_left_out_stays_out() -> None:
    plan = Plan.of(["a", "b", "", "c", "a"])
    ranked = plan.rank({0: 0.2, 2: 0.9}, None, None)
    assert ranked == [(3, 0.9, None), (0, 0.2, None), (4, 0.2, None), (2, 0.0, None)]


def test_nothing_but_blanks() -> None:
    plan = Plan.of(["", " "])
    assert plan.texts == ()
    assert plan.duplicates == 0
    assert plan.rank({}, None, None) == [(0, 0.0, None), (1, 0.0, None)]
    assert plan.rank({}, None, 0.5) == []
