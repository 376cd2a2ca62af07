"""BM25's candidates: from the formula, against published figures, and the same in every run."""

from __future__ import annotations

import math
import re
import subprocess
import sys
import tracemalloc
from functools import cache
from pathlib import Path
from random import Random

import pytest
import pytrec_eval
from hypothesis import example, given
from hypothesis import strategies as st

from assisters_rerank import ConfigurationError
from assisters_rerank.evaluate import read_beir
from assisters_rerank.evaluate.data.collection import Collection
from assisters_rerank.evaluate.first_stage import _words, bm25

DATA = Path(__file__).parents[3] / "shared" / "data"


def candidates(documents: dict[str, str], query: str, **options: object) -> list[str]:
    collection = Collection("c", documents, {"q": query}, {"q": {"d1": 1}})
    return list(bm25(collection, **options)["q"])


@pytest.mark.xdist_group("published figures")
@pytest.mark.parametrize(
    ("name", "depth", "measure", "low", "high"),
    [
        ("scifact", 100, "ndcg_cut_10", 0.669, 0.689),  # as titles and texts in one field give
        ("scifact", 100, "recall_100", 0.91, 0.93),
        ("vaswani", 1000, "map", 0.28, 0.30),  # published for a thousand candidates
    ],
)
def test_published_figures(name: str, depth: int, measure: str, low: float, high: float) -> None:
    if not (DATA / f"{name}.tar.gz").exists():
        pytest.skip("needs the shared collections")
    assert low <= judged(name, depth)[measure] <= high


@cache
def judged(name: str, depth: int) -> dict[str, float]:
    """The means of what pytrec_eval says of each query."""
    collection = read_beir(DATA / f"{name}.tar.gz")
    run = {
        query: {document: float(-rank) for rank, document in enumerate(documents)}
        for query, documents in bm25(collection, depth).items()
    }
    judge = pytrec_eval.RelevanceEvaluator(collection.qrels, {"ndcg_cut.10", "recall.100", "map"})
    values = judge.evaluate(run).values()
    return {
        measure: sum(value[measure] for value in values) / len(collection.queries)
        for measure in next(iter(values))
    }


def test_the_formula() -> None:
    """By the definition, with Lucene's idf, k1 = 1.2 and b = 0.75; bm25s counts in 32 bits."""
    random = Random(6)
    words = ["lift", "drag", "heat", "wing", "mach", "flow"]
    texts = [random.choices(words, range(1, 7), k=random.randint(1, 40)) for _ in range(300)]
    query = ["lift", "drag", "wing"]
    mean = sum(map(len, texts)) / len(texts)
    scores = {f"d{n}": 0.0 for n in range(300)}
    for word in query:
        containing = sum(word in text for text in texts)
        idf = math.log(1 + (300 - containing + 0.5) / (containing + 0.5))
        for name, text in zip(scores, texts, strict=True):
            count = text.count(word)
            length = 1.2 * (1 - 0.75 + 0.75 * len(text) / mean)
            scores[name] += idf * count / (count + length)
    documents = {name: " ".join(text) for name, text in zip(scores, texts, strict=True)}
    found = [scores[name] for name in candidates(documents, " ".join(query), depth=300)]
    assert len(found) == sum(score > 0 for score in scores.values()) > 200
    assert found == pytest.approx(sorted(found, reverse=True), abs=1e-6)


def test_stems_and_stop_words() -> None:
    documents = {"d1": "the wings", "d2": "a winged and the", "d3": "Flugzeuge"}
    assert candidates(documents, "The WING of") == ["d1", "d2"]
    assert candidates(documents, "the of") == []
    assert candidates(documents, "Flugzeug", language="german") == ["d3"]
    assert candidates(documents, "der und", language="german") == []
    assert candidates(documents, "the wing", language=None) == ["d1", "d2"]  # for `the`
    assert candidates(documents, "wing flugzeug", language=None) == []


@pytest.mark.parametrize("depth", [1, 30, 150, 400])
def test_equal_scores_keep_the_order_of_the_corpus(depth: int) -> None:
    lifts = {f"d{n}": n % 4 for n in range(400, 0, -1)}
    documents = {name: "lift " * n + "heat " * (4 - n) for name, n in lifts.items()}
    expected = sorted((name for name in lifts if lifts[name]), key=lambda name: -lifts[name])
    assert candidates(documents, "lift", depth=depth) == expected[:depth]


def test_only_documents_that_share_a_word() -> None:
    documents = {"d1": "lift", "d2": "drag", "d3": "", "d4": "lift drag"}
    assert candidates(documents, "drag", depth=100) == ["d2", "d4"]
    assert candidates(documents, "unheard of") == []
    assert candidates(documents, "?!") == []


def test_every_query_has_its_entry() -> None:
    queries = {"q2": "lift", "q1": "nothing", "q3": "drag"}
    collection = Collection("c", {"d1": "lift", "d2": "drag"}, queries, {})
    assert list(bm25(collection).items()) == [("q2", ["d1"]), ("q1", []), ("q3", ["d2"])]


def test_the_same_in_every_process() -> None:
    """bm25s numbers words by a set's order, which differs from process to process."""
    script = (
        "from assisters_rerank.evaluate.data.collection import Collection\n"
        "from assisters_rerank.evaluate.first_stage import bm25\n"
        "words = [f'w{n}' for n in range(50)]\n"
        "texts = {str(n): ' '.join(words[n % 7 : 50 : n % 5 + 1]) for n in range(200)}\n"
        "queries = {str(n): ' '.join(words[n : n + 20]) for n in range(30)}\n"
        "print(bm25(Collection('c', texts, queries, {}), 50))\n"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", script],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(__file__).parents[2])},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert runs[0] == runs[1]
    assert len(runs[0]) > 1000


def test_bad_options() -> None:
    with pytest.raises(ConfigurationError, match="depth: give at least 1, not 0"):
        candidates({"d1": "lift"}, "lift", depth=0)
    with pytest.raises(ConfigurationError, match=r"language: 'klingon' is none of .*english.*None"):
        candidates({"d1": "lift"}, "lift", language="klingon")
    with pytest.raises(ConfigurationError, match="c: there is no word to search"):
        candidates({"d1": "the", "d2": "?"}, "lift")


def test_memory_is_that_of_the_queries_words() -> None:
    """Of every word, the index alone took 12 bytes, and its making three times as much."""
    words = Random(0)
    documents = {
        f"d{n}": " ".join(f"w{words.randrange(5_000)}" for _ in range(150)) for n in range(1_500)
    }
    collection = Collection("c", documents, {"q": "w1 w2 w3 w4 w5"}, {"q": {"d1": 1}})
    candidates({"d1": "w1"}, "w1")  # the first search of a process loads what all need
    tracemalloc.start()
    try:
        found = bm25(collection)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found["q"]
    assert peak < 12 * 150 * 1_500


@given(st.text(max_size=80))
@example("a bc d_ 1 e\u0301f ab\u00adcd")
def test_words_are_those_between_their_boundaries(text: str) -> None:
    # As bm25s splits, with boundaries that a greedy search from the left does not need.
    assert _words(text) == re.findall(r"\b\w\w+\b", text.lower())
