"""Whatever the cache knows, however texts are cut and sharded: the scores of the plain call."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assisters_rerank import CachedScore, Passage, Ranking, ScoredPassage

from ..texts import lists
from ..worlds import WORLDS, Shuffling, ranked

pytest.importorskip("semantic_text_splitter")

words = st.lists(
    st.sampled_from(["rain", "pays", "within.", "the", "office", "雨が降る。", "\n\n", "Ende!"]),
    max_size=60,
).map(" ".join)
documents = st.lists(words, max_size=6) | lists
sizes = st.integers(1, 13)
top_ns = st.none() | st.integers(0, 8)
thresholds = st.none() | st.sampled_from([-0.5, 0.0, 1 / 6, 0.5])


def count_words(text: str) -> int:
    return len(text.split())


WHOLE = {"max_passage_tokens": None}
reading = st.fixed_dictionaries(
    {
        "long_documents": st.sampled_from(["truncate", "split"]),
        "max_tokens": st.sampled_from([32, 50, None]),
        "count_tokens": st.sampled_from([None, count_words, len]),
        "max_passage_tokens": st.sampled_from([16, 20, None]),
    }
).map(lambda options: options | ({} if options["long_documents"] == "split" else WHOLE))
"""How long texts are read; "a query" and what goes around a pair take 6 to 11 tokens."""


Told = tuple[int, float | None, Passage | None, tuple[ScoredPassage, ...]]


def what(ranking: Ranking) -> list[Told]:
    return [(r.index, r.relevance_score, r.passage, r.passages) for r in ranking]


@dataclass
class Forgetful:
    """A cache of the user's own: entries as JSON gives them back, now and then none at all."""

    random: random.Random
    knows: float = 0.5
    fails: float = 0.0
    entries: dict[str, list[Any]] = field(default_factory=dict)

    def get_many(self, keys: Sequence[str]) -> Mapping[str, Any]:
        self._fail()
        known = [key for key in keys if self.random.random() < self.knows]
        return {key: self.entries[key] for key in known if key in self.entries}

    def set_many(self, scores: Mapping[str, CachedScore]) -> None:
        self._fail()
        self.entries.update({key: [*entry] for key, entry in scores.items()})

    def _fail(self) -> None:
        if self.random.random() < self.fails:
            raise OSError("no")


def plainly(texts: list[str], **options: Any) -> tuple[Shuffling, Ranking]:
    """One request, and no cache."""
    server = WORLDS["sync"][0](0)
    return server, ranked("sync", server, texts, max_documents_per_request=10_000, **options)


@settings(max_examples=150)
@given(documents, reading, sizes, top_ns, thresholds, st.randoms(use_true_random=False))
def test_what_is_missing_is_sent_and_the_scores_are_those_of_the_plain_call(
    texts: list[str],
    reading: dict[str, Any],
    size: int,
    top_n: int | None,
    threshold: float | None,
    seeds: random.Random,
) -> None:
    cut = {"top_n": top_n, "threshold": threshold, **reading}
    asked, plain = plainly(texts, **cut)
    full = Forgetful(seeds, knows=1)
    assert what(plainly(texts, cache=full, **cut)[1]) == what(plain)
    assert len(full.entries) == len(asked.asked)
    for world, (port, _) in WORLDS.items():
        kept = {key: entry for key, entry in full.entries.items() if seeds.random() < 0.5}
        server, cache = port(seeds.randrange(1000)), Forgetful(seeds, knows=1, entries=dict(kept))
        ranking = ranked(world, server, texts, max_documents_per_request=size, cache=cache, **cut)
        assert what(ranking) == what(plain)
        assert (ranking.model, ranking.truncated) == (plain.model, plain.truncated)
        assert len(server.asked) == len(asked.asked) - len(kept)
        usage = ranking.usage
        assert (usage.documents_sent, usage.documents_cached) == (len(server.asked), len(kept))
        assert usage.documents_duplicate == plain.usage.documents_duplicate
        assert usage.requests == -(-len(server.asked) // size)
        assert cache.entries == full.entries


@settings(max_examples=60)
@given(
    st.lists(st.tuples(documents, reading, sizes, st.sampled_from([*WORLDS])), max_size=6),
    st.sampled_from([0.0, 0.3]),
    st.randoms(use_true_random=False),
)
def test_a_cache_that_forgets_and_fails_changes_no_score_of_any_call(
    calls: list[tuple[list[str], dict[str, Any], int, str]], fails: float, seeds: random.Random
) -> None:
    cache = Forgetful(seeds, fails=fails)
    for texts, reading, size, world in calls:
        server = WORLDS[world][0](seeds.randrange(1000))
        ranking = ranked(
            world, server, texts, max_documents_per_request=size, cache=cache, **reading
        )
        assert what(ranking) == what(plainly(texts, **reading)[1])
