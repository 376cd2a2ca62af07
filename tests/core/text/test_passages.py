"""Long texts are cut into passages that fit, at sentence ends if possible, and nothing is lost."""

# ruff: noqa: RUF001 - Chinese and Japanese end a sentence with marks that look like ours.

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from assisters_rerank.errors import ConfigurationError
from assisters_rerank.text.passages import MOST_OVERLAP, OVERLAP_SHARE, Passage, passages

from ..fresh_interpreter import must_run
from ..texts import texts as short_texts

pytest.importorskip("semantic_text_splitter")

Counter = Callable[[str], int]


def words(text: str) -> int:
    return len(text.split())


def words_and_marks(text: str) -> int:
    """Grows by leaps and, as a real tokenizer's count may, shrinks when a letter is added."""
    return len(re.findall(r"\w{1,3}|[^\w\s]", text)) + len(text) % 2


def odd_lengths_dearer(text: str) -> int:
    """Counts as no tokenizer does, so that the splitter takes pieces to fit that don't."""
    return len(text) + 7 * (len(text) % 2)


def with_special_tokens(text: str) -> int:
    return len(text) + 2


class Remembering:
    """A counter with a state and a cost, as a tokenizer behind a cache has."""

    def __init__(self) -> None:
        self.known: dict[str, int] = {}
        self.calls = 0

    def __call__(self, text: str) -> int:
        self.calls += 1
        if text not in self.known:
            self.known[text] = -(-len(text.encode()) // 3)
        return self.known[text]


SCRAPS = (
    "word ", "a", "antidisestablishmentarianism", "One sentence. ", "Wirklich? ", "你好，世界。",
    "東京です！", "aGVsbG8gd29ybGQ", "\n", "\n\n", "\r\n", "  ", "\u3000", "\x1c", "\u200b",
    "\ufeff", "👩‍👩‍👧", "e\u0301\u0323", "🇩🇪🇫🇷", "\ud83d", "\ud83d\ude00",
)  # fmt: skip
long_texts = st.lists(st.sampled_from(SCRAPS) | short_texts, min_size=12, max_size=80).map("".join)
windows = st.integers(4, 60)
counters = st.sampled_from([len, words, words_and_marks, with_special_tokens])


def readable(text: str) -> str:
    """What may be counted: no lone surrogates, in as many characters."""
    return re.sub("[\ud800-\udfff]", "\ufffd", text)


def cut(text: str, window: int, count: Counter = len) -> list[str]:
    return [text[start:end] for start, end in passages(text, window, count)]


@given(st.text() | long_texts, counters)
def test_a_text_that_fits_is_one_passage(text: str, count: Counter) -> None:
    assert passages(text, count(text), count) == [Passage(0, len(text))]


@given(long_texts, windows, counters)
def test_every_passage_fits_and_is_trimmed(text: str, window: int, count: Counter) -> None:
    assume(count(readable(text)) > window)
    for passage in cut(text, window, count):
        assert count(readable(passage)) <= window
        assert passage == passage.strip() != ""


@example("aaaa bbb c \x1c", 10, len)  # the second passage, trimmed, lies within the first
@example("\ncc \nd. aab d. d. d. \n\nab \n\n\néb d. ", 20, odd_lengths_dearer)
@given(long_texts, windows, counters)
def test_starts_and_ends_strictly_advance(text: str, window: int, count: Counter) -> None:
    for one, other in pairwise(passages(text, window, count)):
        assert one.start < other.start
        assert one.end < other.end


@given(long_texts, windows, counters)
def test_nothing_but_white_space_is_left_out(text: str, window: int, count: Counter) -> None:
    held = {at for start, end in passages(text, window, count) for at in range(start, end)}
    left_out = "".join(char for at, char in enumerate(text) if at not in held)
    assert left_out.strip() == ""


@given(long_texts, st.integers(4, 2000))
def test_the_overlap_is_small(text: str, window: int) -> None:
    text *= 10
    for one, other in pairwise(passages(text, window, len)):
        assert one.end - other.start <= min(MOST_OVERLAP, OVERLAP_SHARE * window)


@given(long_texts, windows)
def test_a_counter_with_a_state_gives_the_same_passages_again(text: str, window: int) -> None:
    count = Remembering()
    first = passages(text, window, count)
    assert passages(text, window, count) == first == passages(text, window, Remembering())
    assert all(count(readable(text[start:end])) <= window for start, end in first)


@pytest.mark.parametrize(
    "sentence",
    [
        "The reranker reads each passage beside the query. ",
        "Der Zeuge sagte nichts, und doch wussten alle Bescheid! ",
        "重排序模型会把查询和每一段文字放在一起阅读。",
        "再ランキングモデルは検索の結果を並べ直す。",
        "本当にその文書は長すぎるのでしょうか？",
        "それはとても長い文書です！",
    ],
)
def test_cuts_are_at_sentence_ends(sentence: str) -> None:
    found = cut(sentence * 40, 3 * len(sentence) + 1)
    assert len(found) > 12
    for passage in found:
        assert passage.startswith(sentence[:5])
        assert passage.endswith(sentence.strip()[-5:])
    assert {len(passage) // len(sentence.strip()) for passage in found[:-1]} == {3}


def test_whole_paragraphs_go_before_whole_sentences() -> None:
    paragraph = "A short one. Then another, somewhat longer than the first. And the end."
    found = cut("\n\n".join([paragraph] * 6), 200)
    assert found == [f"{paragraph}\n\n{paragraph}"] * 3


@pytest.mark.parametrize(("window", "overlap"), [(100, 10), (500, 50), (1000, 60), (2000, 60)])
def test_neighbours_share_whole_sentences(window: int, overlap: int) -> None:
    text = " ".join(f"Sentence number {number} is here." for number in range(1000))
    found = cut(text, window, words)
    assert len(found) > 2
    for one, other in pairwise(found):
        shared = other[: other.index(one[-20:]) + 20]
        assert one.endswith(shared)
        assert shared.startswith("Sentence number")
        assert words(shared) == overlap


@pytest.mark.parametrize("letters", ["aGVsbG8", "检索增强生成的句子", "x"])
def test_a_word_longer_than_the_window_is_cut(letters: str) -> None:
    text = letters * 500
    found = passages(text, 70, len)
    assert found[0].start == 0
    assert found[-1].end == len(text)
    assert all(end - start > 35 for start, end in found[:-1])


@pytest.mark.parametrize("cluster", ["👩‍👩‍👧", "e\u0301\u0323", "🇩🇪", "\ud83d\ude00", "각"])
def test_what_is_read_as_one_character_stays_whole(cluster: str) -> None:
    for start, end in passages(cluster * 200, 53, len):
        assert start % len(cluster) == 0
        assert end % len(cluster) == 0


def test_offsets_are_in_characters_not_bytes() -> None:
    text = "😀 Ein Satz über Äpfel. 東京は首都です。 " * 30
    found = cut(text, 30)
    assert len(found) == 60
    assert set(found) == {"😀 Ein Satz über Äpfel.", "東京は首都です。"}


def test_lone_surrogates_move_no_offset_and_never_reach_the_counter() -> None:
    def of_bytes(text: str) -> int:
        return len(text.encode())  # raises UnicodeEncodeError, as real tokenizers do

    text = "Some \ud83d broken \udfff text. " * 50
    sound = text.replace("\ud83d", "\ufffd").replace("\udfff", "\ufffd")
    assert passages(text, 90, of_bytes) == passages(sound, 90, of_bytes)
    assert passages(text, 90, of_bytes) != passages(text, 90, len)
    assert passages("\ud83d", 3, of_bytes) == [Passage(0, 1)]


def test_a_blank_text_over_the_window_has_no_passage() -> None:
    assert passages(" \n\u3000\x1c" * 500, 100, len) == []


@pytest.mark.parametrize("middle", [" ", "\n", "\x1c"])
def test_white_space_of_any_length_is_crossed(middle: str) -> None:
    text = middle * 50_000 + "a" + middle * 50_000 + "b" + middle
    assert passages(text, 10, len) == [Passage(50_000, 50_001), Passage(100_001, 100_002)]


def test_few_tokens_may_be_many_characters() -> None:
    text = " ".join(["x" * 5000] * 30)
    assert [words(passage) for passage in cut(text, 4, words)] == [4] * 7 + [2]


def test_a_character_over_the_window_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match="7 tokens for a single character"):
        passages("some text", 6, lambda text: len(text) + 6)


@pytest.mark.parametrize("window", [0, -3])
def test_an_empty_window_is_an_error(window: int) -> None:
    with pytest.raises(ConfigurationError, match="at least 1 token"):
        passages("some text", window, len)


def test_an_error_of_the_counter_comes_through() -> None:
    def broken(text: str) -> int:
        if len(text) < 100:
            raise LookupError("no such tokenizer")
        return len(text)

    with pytest.raises(LookupError, match="no such tokenizer"):
        passages("some text " * 100, 50, broken)


def test_the_counter_is_called_a_few_times_a_passage() -> None:
    count = Remembering()
    found = passages("A sentence of prose, neither long nor short, and so on. " * 4000, 450, count)
    assert len(found) > 150
    assert count.calls < 25 * len(found)


def test_the_splitter_is_never_given_much_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    # It takes time by the square of a text without full stops: minutes for a megabyte.
    import semantic_text_splitter

    splitter = semantic_text_splitter.TextSplitter
    given_to_it: list[int] = []

    class Watched:
        def __init__(self, inner: semantic_text_splitter.TextSplitter) -> None:
            self.inner = inner

        @classmethod
        def from_callback(cls, count: Counter, capacity: int, overlap: int) -> Watched:
            return cls(splitter.from_callback(count, capacity, overlap=overlap))

        def chunk_indices(self, text: str) -> list[tuple[int, str]]:
            given_to_it.append(len(text))
            return self.inner.chunk_indices(text)

    monkeypatch.setattr(semantic_text_splitter, "TextSplitter", Watched)
    text = "检索增强生成" * 5000
    passages("a" + " " * 10_000 + text, 100, len)
    assert max(given_to_it[-10:]) < 20 * 100
    given_to_it.clear()
    found = passages(text, 100, len)
    assert max(given_to_it) < 20 * 100
    assert sum(given_to_it) < 1.2 * sum(end - start for start, end in found)
    whole = splitter.from_callback(len, 100, overlap=10).chunk_indices(text[:3000])
    assert [start for start, _ in whole][:25] == [passage.start for passage in found][:25]


def test_without_the_splitter_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "semantic_text_splitter", None)
    assert passages("short", 5, len) == [Passage(0, 5)]
    with pytest.raises(ConfigurationError, match=r'pip install "assisters-rerank\[split\]"'):
        passages("too long", 5, len)


def test_the_splitter_is_loaded_only_when_a_text_is_cut() -> None:
    script = """
    import sys
    from assisters_rerank.text.passages import passages
    passages("short", 5, len)
    print("semantic_text_splitter" in sys.modules)
    passages("too long", 5, len)
    print("semantic_text_splitter" in sys.modules)
    """
    assert must_run(script).split() == ["False", "True"]
