"""`max_context_tokens`: what is returned fits into the prompt, as the given counter counts."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from itertools import repeat

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assisters_rerank import ConfigurationError, Reranker, estimate_tokens
from assisters_rerank.text.beginnings import sentence_end

from ..answers import answer, honest
from ..scripted_port import ScriptedPort, rank
from ..texts import lists
from ..worlds import WORLDS, ranked

Counter = Callable[[str], int]


def words(text: str) -> int:
    return len(text.split())


def odd_lengths_dearer(text: str) -> int:
    """As a real tokenizer's may, its count shrinks when a letter is added."""
    return len(text) + 3 * (len(text) % 2)


TEXTS = ["one two three", "four five", "six seven eight nine", "ten"]


def of(texts: list[str], most: int, count: Counter | None = words, **options: object) -> list[str]:
    """What is kept of these texts, in the order of their scores, the first one best."""
    scores = [{"index": i, "relevance_score": 1 - i / 10} for i in range(len(texts))]
    port = ScriptedPort([answer({"results": scores})])
    options = {"max_context_tokens": most, "count_context_tokens": count, **options}
    ranking = rank(port, texts, **options)
    assert ranking.context_tokens is not None
    assert ranking.context_tokens <= most
    counted = [(count or estimate_tokens)(r.context) for r in ranking]
    assert ranking.context_tokens == sum(counted)
    return [r.context for r in ranking]


@pytest.mark.parametrize(
    ("most", "kept"), [(100, 4), (10, 4), (9, 3), (8, 2), (5, 2), (4, 1), (3, 1)]
)
def test_the_first_that_does_not_fit_ends_the_list(most: int, kept: int) -> None:
    assert of(TEXTS, most) == TEXTS[:kept]  # "ten" would have fitted with 6, but comes later


def test_threshold_and_top_n_come_first() -> None:
    port = ScriptedPort(repeat(honest))
    all_of_them = rank(port, TEXTS, max_context_tokens=100, count_context_tokens=words)
    two = rank(port, TEXTS, 2, max_context_tokens=100, count_context_tokens=words)
    assert two.results == all_of_them.results[:2]
    assert two.context_tokens == sum(words(r.text) for r in two)


def test_the_best_document_is_cut_at_a_sentence_end_and_the_rest_is_left_out() -> None:
    text = "First it is so. Then it is otherwise. At last it ends, as all do."
    assert of([text, "a"], 11) == ["First it is so. Then it is otherwise."]
    assert of([text, "a"], 7) == ["First it is so."]
    assert of([text, "a"], 2) == ["First it"]  # no sentence ends there


def test_a_sentence_end_that_would_leave_little_is_not_taken() -> None:
    assert of(["Dr. " + "word " * 50], 20) == [("Dr. " + "word " * 19).strip()]


def test_the_whole_text_and_the_passage_stay_where_they_are() -> None:
    [found] = rank(
        ScriptedPort([honest]), ["One. Two. Three."], max_context_tokens=2, count_tokens=words
    )
    assert (found.text, found.context, found.context_end) == ("One. Two. Three.", "One. Two.", 9)


def test_a_sentence_that_has_more_tokens_than_its_beginning_is_not_trusted() -> None:
    def full_stops_are_dear(text: str) -> int:
        return 100 if text.endswith(".") else words(text)

    [kept] = of(["It is so. And more of it."], 4, full_stops_are_dear)
    assert "It is so. And more of it.".startswith(kept)


def test_what_cannot_be_cut_short_enough_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match=r"max_context_tokens: .*documents\[0\]"):
        of(["a text"], 5, lambda text: len(text) + 10)


def test_without_a_counter_count_tokens_counts_and_else_the_estimate() -> None:
    many = ["word " * 20 + letter for letter in "abcdefghij"]
    assert len(of(many, 50, None)) == 50 // estimate_tokens(many[0])
    port = ScriptedPort([honest])
    ranking = rank(port, many, max_context_tokens=50, count_tokens=words)
    assert (len(ranking), ranking.context_tokens) == (2, 42)


@pytest.mark.parametrize("value", [None, -1, 1.0, "3", True])
def test_a_counter_that_gives_no_number_is_named(value: object) -> None:
    with pytest.raises(ConfigurationError, match="count_context_tokens: it gave"):
        of(TEXTS, 5, lambda _: value)  # type: ignore[arg-type, return-value]


def test_unset_nothing_is_counted_and_the_request_is_the_same() -> None:
    def never(text: str) -> int:
        raise AssertionError(text)

    ports = [ScriptedPort([honest]) for _ in range(2)]
    plain = rank(ports[0], TEXTS, 2, count_context_tokens=never)
    budgeted = rank(ports[1], TEXTS, 2, max_context_tokens=1_000)
    assert (plain.context_tokens, len(ports[0].asides)) == (None, 0)
    assert plain.results == budgeted.results
    one, other = (json.loads(port.sent[0].request.body) for port in ports)
    assert one == other


def test_a_degraded_ranking_fits_as_well(caplog: pytest.LogCaptureFixture) -> None:
    port = ScriptedPort([answer(None, 503)])
    options = {"on_error": "passthrough", "max_retries": 0, "count_tokens": words}
    with caplog.at_level(logging.WARNING):
        ranking = rank(port, TEXTS, max_context_tokens=6, **options)
    assert ranking.degraded
    assert [r.text for r in ranking] == TEXTS[:2]
    assert ranking.context_tokens == 5
    assert "2 documents are returned unranked" in caplog.text


@pytest.mark.parametrize("options", [{}, {"max_context_tokens": 5}])
def test_nothing_has_no_tokens(options: dict[str, int]) -> None:
    expected = 0 if options else None
    assert Reranker(**options).rerank("q", []).context_tokens == expected
    assert Reranker(**options).rerank("q", ["a"], top_n=0).context_tokens == expected


@settings(max_examples=100)
@given(
    lists,
    st.integers(4, 30),
    st.sampled_from([None, words, len, odd_lengths_dearer]),
    st.none() | st.integers(1, 5),
)
def test_the_budget_is_never_exceeded_and_all_worlds_agree(
    texts: list[str], most: int, count: Counter | None, top_n: int | None
) -> None:
    counter = count or estimate_tokens
    options = {"max_context_tokens": most, "count_context_tokens": count}
    for world, (port, _) in WORLDS.items():
        everything = ranked(world, port(1), texts, top_n)
        kept = ranked(world, port(1), texts, top_n, **options)
        assert sum(counter(r.context) for r in kept) == kept.context_tokens
        assert (kept.context_tokens or 0) <= most
        assert bool(kept) == bool(everything)
        assert [r.index for r in kept] == [r.index for r in everything[: len(kept)]]
        if len(kept) < len(everything) and kept[-1].context_end is None:
            following = everything[len(kept)]
            assert (kept.context_tokens or 0) + counter(following.text) > most
        for each in kept:
            assert each.text.startswith(each.context)
            assert (each.context_end is None) == (each.context == each.text)


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("One. Two", [4]), ("3.14 is pi. And", [11]), ("Really?! Yes", [8]), ('"So." he', [5]),
        ("\u4f60\u597d\u3002\u4e16\u754c\u3002", [3, 6]), ("line\nline", [4]), ("none", []),
        ("", []), ("a  \n\n b", [1]), ("End.", [4]),
    ],
)  # fmt: skip
def test_where_sentences_end(text: str, ends: list[int]) -> None:
    for most in range(len(text) + 1):
        assert sentence_end(text, most) == max([0, *(end for end in ends if end <= most)])
