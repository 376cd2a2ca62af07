"""The key of a score, and the cache in memory."""

from __future__ import annotations

import os
import signal
import struct
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assisters_rerank import ConfigurationError
from assisters_rerank.cache.memory_cache import MemoryCache
from assisters_rerank.cache.score_cache import CachedScore, ScoreCache, score_keys

from ..fresh_interpreter import must_run
from ..texts import texts

parts = st.tuples(texts, texts, texts, texts)
scores = st.builds(CachedScore, st.floats(allow_nan=False), st.none() | st.text(max_size=3))
some_keys = st.sampled_from(["a", "b", "c", "d", "e", "f"])
steps = st.lists(st.lists(some_keys, max_size=4) | st.dictionaries(some_keys, scores, max_size=5))


def bits(score: tuple[float, str | None]) -> tuple[bytes, str | None]:
    return struct.pack("<d", score[0]), score[1]


@given(parts, parts)
def test_keys_are_equal_for_equal_parts_alone(
    one: tuple[str, str, str, str], other: tuple[str, str, str, str]
) -> None:
    (first,), (second,) = (score_keys(*three, [text]) for *three, text in (one, other))
    assert (first == second) == (one == other)


@given(st.text("ab", max_size=6), st.lists(st.integers(0, 6), min_size=6, max_size=6))
def test_the_same_characters_split_differently_have_other_keys(whole: str, cuts: list[int]) -> None:
    def split(a: int, b: int, c: int) -> tuple[str, str, str, str]:
        return whole[:a], whole[a:b], whole[b:c], whole[c:]

    one, other = split(*sorted(cuts[:3])), split(*sorted(cuts[3:]))
    assert (score_keys(*one[:3], [one[3]]) == score_keys(*other[:3], [other[3]])) == (one == other)


@given(st.lists(texts))
def test_a_texts_key_depends_on_no_other_text(several: list[str]) -> None:
    alone = [score_keys("u", "m", "q", [text])[0] for text in several]
    assert score_keys("u", "m", "q", several) == alone
    assert all(len(key) == 32 and key.isascii() for key in alone)


def test_keys_are_the_same_in_every_process() -> None:
    ours = score_keys("https://a.example/v1", "bge-reranker-v2", "q\ud800", ["text"])
    # Files written by earlier releases are found by it: it may change only with the key's version.
    assert ours == ["DVTfRlFdvEy2lWxyz0lbaGY37JSccRHg"]
    script = """
    from assisters_rerank.cache.score_cache import score_keys
    print(score_keys("https://a.example/v1", "bge-reranker-v2", "q\\ud800", ["text"])[0])
    """
    assert [must_run(script)] == ours


@given(steps, st.integers(1, 8))
def test_the_memory_cache_is_a_dict_that_forgets_what_was_least_recently_used(
    steps: list[list[str] | dict[str, CachedScore]], bound: int
) -> None:
    cache = MemoryCache(bound)
    model: list[tuple[str, CachedScore]] = []  # the most recently used last
    for step in steps:
        if isinstance(step, dict):
            cache.set_many(step)
            model = [entry for entry in model if entry[0] not in step]
            model = (model + list(step.items()))[-bound:]
        else:
            known = dict(model)
            expected = {key: known[key] for key in step if key in known}
            assert {key: bits(score) for key, score in cache.get_many(step).items()} == {
                key: bits(score) for key, score in expected.items()
            }
            for key in step:
                model.sort(key=lambda entry, key=key: entry[0] == key)
        assert len(cache) == len(model)
    cache.clear()
    assert cache.get_many([key for key, _ in model]) == {}
    assert len(cache) == 0


def test_what_was_looked_up_counts_as_used() -> None:
    cache, score = MemoryCache(2), CachedScore(0.5, None)
    cache.set_many({"a": score, "b": score})
    cache.get_many(["a"])
    cache.set_many({"c": score})
    assert cache.get_many(["a", "b", "c"]).keys() == {"a", "c"}


@pytest.mark.parametrize("bound", [0, -1, True, 1.0, "5", None])
def test_a_bound_that_is_none_is_refused(bound: object) -> None:
    with pytest.raises(ConfigurationError, match=r"^max_entries: .*$"):
        MemoryCache(bound)


def test_threads_share_a_memory_cache() -> None:
    cache = MemoryCache(50)

    def work(thread: int) -> None:
        for turn in range(300):
            own = {f"{thread} {turn % 20} {i}": CachedScore(thread, str(turn)) for i in range(5)}
            cache.set_many(own)
            for key, score in cache.get_many(list(own)).items():
                assert score == own[key]
            assert len(cache) <= 50 + 8 * 5

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert len(cache) == 50


class _Waiting(Sequence[str]):
    """Keys that keep whoever reads them waiting."""

    def __init__(self) -> None:
        self.reached, self.go_on = threading.Event(), threading.Event()

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: object) -> str:
        raise AssertionError

    def __iter__(self) -> Iterator[str]:
        self.reached.set()
        assert self.go_on.wait(20)
        return iter(["a"])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_child_forked_while_another_thread_reads() -> None:
    cache, keys = MemoryCache(), _Waiting()
    cache.set_many({"a": CachedScore(0.5, None)})
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(cache.get_many, keys)
        assert keys.reached.wait(5)
        child = os.fork()
        if child == 0:
            signal.alarm(5)
            os._exit(0 if cache.get_many(["a"]) else 1)
        keys.go_on.set()
        assert reading.result(5) == {"a": (0.5, None)}
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_what_a_memory_cache_is_and_shows() -> None:
    cache = MemoryCache(7)
    assert isinstance(cache, ScoreCache)
    assert not isinstance({}, ScoreCache)
    cache.set_many({"secret": CachedScore(0.25, "secret")})
    assert repr(cache) == "MemoryCache(max_entries=7, entries=1)"


def test_a_namespace_is_a_part_of_the_key_and_none_is_as_before() -> None:
    plain = score_keys("u", "m", "q", ["text"])
    assert score_keys("u", "m", "q", ["text"], "") == plain
    named = {name: score_keys("u", "m", "q", ["text"], name)[0] for name in ("a", "b", "text")}
    assert len({*named.values(), *plain}) == 4


def test_a_finalizer_may_use_the_cache_in_the_middle_of_a_use() -> None:
    cache = MemoryCache(max_entries=2)
    cache.set_many({"a": CachedScore(0.5, None), "b": CachedScore(0.5, None)})

    class Key(str):
        __slots__ = ()

        def __hash__(self) -> int:  # called with the lock held
            cache.set_many({"c": CachedScore(0.5, None), "d": CachedScore(0.5, None)})
            return hash(str(self))

    done = threading.Thread(target=lambda: cache.get_many([Key("a"), "b"]), daemon=True)
    done.start()
    done.join(5)
    assert not done.is_alive()
