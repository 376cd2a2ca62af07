from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from assisters_rerank.local.scorers.terms import MAX_CHARACTERS, coverage, split_words, stem

from .texts import texts


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Run check_output(), then 2-3 naïve tests.", "Run check output then 2 3 naïve tests"),
        ("Привет, мир! שלום עולם. مرحبا", "Привет мир שלום עולם مرحبا"),
        ("हिन्दी में", "हिन्दी में"),
        ("天気はOKです", "天 気 は OK で す"),
        ("go🚀🚀 now", "go 🚀 🚀 now"),
        ("e\u0301a ﬁne", "éa fine"),
        ("a\x00b \ud800c", "a b c"),
        ("-> ++", "-> ++"),
        ("x" * 90, " ".join(["x" * 40, "x" * 40, "x" * 10])),
        ("\ud800", ""),
        (" \n", ""),
        ("", ""),
    ],
)
def test_words(text: str, words: str) -> None:
    assert split_words(text) == words.split()


@settings(deadline=None)
@given(text=texts)
def test_words_are_never_blank_and_can_be_encoded(text: str) -> None:
    for word in split_words(text):
        assert word.strip()
        word.encode()


def test_only_the_beginning_is_read() -> None:
    beginning = "word " * (MAX_CHARACTERS // 5)
    assert split_words(beginning + "x" * 10**6 + " more") == [*beginning.split(), "xxx"]
    assert split_words("one two three", limit=7) == ["one", "two"]


def test_stems_join_the_forms_of_a_word() -> None:
    assert stem("Computing") == stem("computers") == stem("COMPUTATION")
    assert stem("run") != stem("runner")
    assert stem("STRASSE") == stem("straße")


def test_coverage_is_the_weighted_share_of_saturated_frequencies() -> None:
    # 150 words are of normal length, so that the frequency 1 counts 1 / (1 + K1) = 1/2.
    assert coverage([3, 1], [1, 0], 150) == pytest.approx(3 / 4 / 2)
    assert coverage([3, 1], [0, 0], 150) == 0
    assert coverage([3, 1], [10**9, 10**9], 150) == pytest.approx(1)


@settings(deadline=None)
@given(
    terms=st.lists(st.tuples(st.floats(0.1, 100), st.floats(0, 50)), min_size=1, max_size=9),
    length=st.integers(1, 10_000),
)
def test_coverage_stays_in_bounds_and_prefers_more_and_shorter(
    terms: list[tuple[float, float]], length: int
) -> None:
    weights, frequencies = zip(*terms, strict=True)
    covered = coverage(weights, frequencies, length)
    assert 0 <= covered <= 1
    more = [frequency + 1 for frequency in frequencies]
    assert covered < coverage(weights, more, length)
    assert coverage(weights, more, length + 100) < coverage(weights, more, length)


@given(st.text(st.characters(codec="ascii"), max_size=300))
@example("x" * 81 + "_" + "0" * 40 + "\x0b-> a1")
def test_ascii_is_split_as_all_else_is(text: str) -> None:
    # A letter at the end that is not ASCII has the text read by the rules for all scripts.
    assert split_words(f"{text} a") == [*split_words(f"{text} \u03b1")[:-1], "a"]
