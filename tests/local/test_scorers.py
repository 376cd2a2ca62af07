from __future__ import annotations

import json
import os
import random
import signal
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import httpx
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assisters_rerank.local import Scorer, load_scorer
from assisters_rerank.local.scorers import embedded, word_vectors
from assisters_rerank.local.scorers.calibration import logistic
from assisters_rerank.local.scorers.lexical import (
    FUNCTION_WORD_WEIGHT,
    FUNCTION_WORDS,
    MIDDLE,
    STEEPNESS,
)
from assisters_rerank.local.scorers.terms import coverage, split_words, stem
from assisters_rerank.local.scorers.word_vectors import Words, WordVectors

from ..core.forked import ended, in_child
from .surroundings import BODY, run_python
from .texts import WORDS, lists, prose, texts

thorough = settings(
    deadline=None,
    max_examples=200,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(params=["embedded", "lexical"])
def scorer(request: pytest.FixtureRequest) -> Scorer:
    return load_scorer(request.param)


@thorough
@given(query=texts, documents=lists)
def test_scores_are_between_0_and_1(scorer: Scorer, query: str, documents: list[str]) -> None:
    scores = scorer.score(query, documents)
    assert len(scores) == len(documents)
    for score, document in zip(scores, documents, strict=True):
        assert type(score) is float
        assert 0 <= score < 1
        if not document.strip():
            assert score == 0


@thorough
@given(query=prose, documents=lists)
def test_the_lexical_score_is_that_of_counted_stems(query: str, documents: list[str]) -> None:
    weights: dict[str, float] = {}
    for word in split_words(query):
        weight = FUNCTION_WORD_WEIGHT if word.casefold() in FUNCTION_WORDS else 1.0
        weights[stem(word)] = max(weight, weights.get(stem(word), 0.0))
    for score, document in zip(
        load_scorer("lexical").score(query, documents), documents, strict=True
    ):
        counts = Counter(map(stem, split_words(document)))
        if not weights or not counts:
            assert score == 0
            continue
        raw = coverage([*weights.values()], [counts[term] for term in weights], counts.total())
        assert score == logistic(raw, MIDDLE, STEEPNESS)


@thorough
@given(
    query=prose, documents=st.lists(prose | texts, max_size=12), cuts=st.sets(st.integers(0, 12))
)
def test_a_score_does_not_depend_on_the_other_documents(
    scorer: Scorer, query: str, documents: list[str], cuts: set[int]
) -> None:
    whole = scorer.score(query, documents)
    edges = [0, *sorted(cut for cut in cuts if cut < len(documents)), len(documents)]
    parts = [scorer.score(query, documents[start:end]) for start, end in pairwise(edges)]
    # Exactly, not approximately: a sharded or cached ranking has to be the same ranking.
    assert [score for part in parts for score in part] == whole
    assert scorer.score(query, documents[::-1]) == whole[::-1]
    assert [scorer.score(query, [document])[0] for document in documents] == whole


@settings(thorough, max_examples=25)
@given(query=prose.filter(str.strip), documents=st.lists(texts, min_size=2, max_size=12))
def test_split_requests_get_the_same_scores(
    client: httpx.Client, query: str, documents: list[str]
) -> None:
    def ask(part: list[str]) -> list[float]:
        body = json.dumps(BODY | {"query": query, "documents": part})
        results = client.post("/rerank", content=body.encode()).json()["results"]
        scores = {result["index"]: result["relevance_score"] for result in results}
        return [scores[index] for index in range(len(part))]

    middle = len(documents) // 2
    assert ask(documents[:middle]) + ask(documents[middle:]) == ask(documents)


def long_texts() -> list[str]:
    chance = random.Random(0)
    return [" ".join(chance.choices(WORDS, k=chance.randrange(1, 900))) for _ in range(40)]


def test_threads_get_the_same_scores(scorer: Scorer) -> None:
    documents = long_texts()
    expected = scorer.score("capture the output of a process", documents)
    with ThreadPoolExecutor(4) as pool:
        jobs = [
            pool.submit(scorer.score, "capture the output of a process", documents)
            for _ in range(8)
        ]
    assert [job.result() for job in jobs] == [expected] * 8


def test_another_process_with_other_threads_gets_the_same_scores() -> None:
    code = (
        "import sys, json\n"
        "from assisters_rerank.local import load_scorer\n"
        f"print(json.dumps(load_scorer().score('capital of France', {long_texts()!r})))\n"
    )
    printed = run_python(code, OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1")
    assert json.loads(printed) == load_scorer().score("capital of France", long_texts())


def test_whole_numbers_keep_every_sum_exact() -> None:
    vectors = WordVectors()
    for word in (*WORDS, "the", "x" * 40, "acetyltransferase", "\x00", "🚀"):
        known = vectors.with_words([word])
        direction = known.directions[known.places[word]]
        assert direction.dtype == np.int16
        # The bound under which float32 adds products of two such vectors without rounding.
        assert np.square(direction.astype(np.float64)).sum() <= 2**24


RELEVANT = [
    ("What is the capital of France?", "Paris is the capital of France."),
    ("how do I reset my password", "To reset your password, open the settings and press Reset."),
    ("run a command and capture its output", "Run command with arguments and return its output."),
    ("Wie wird das Wetter morgen?", "Morgen wird das Wetter sonnig und warm."),
    ("столица Франции", "Париж — столица Франции."),
    ("天气怎么样", "今天天气怎么样, 天气很好"),
    ("python", "Python is a programming language."),
    ("🚀", "Ready for take-off 🚀"),
    ("->", "->"),
]


@pytest.mark.parametrize(("query", "document"), RELEVANT)
def test_thresholds_make_sense(scorer: Scorer, query: str, document: str) -> None:
    relevant, *unrelated = scorer.score(
        query, [document, "Bananas are rich in potassium.", "Our office is closed on Mondays."]
    )
    assert relevant > 0.7
    assert max(unrelated) < 0.25


def test_embeddings_see_what_terms_do_not() -> None:
    query, related, unrelated = "physician", "The doctor examined her.", "The train was late."
    one, other = load_scorer("lexical").score(query, [related, unrelated])
    assert one == other
    one, other = load_scorer("embedded").score(query, [related, unrelated])
    assert one > 2 * other


def test_an_occurrence_is_not_its_own_nearest_word() -> None:
    raw = coverage([1], [1], 1) + embedded.MEANING
    expected = logistic(raw, embedded.MIDDLE, embedded.STEEPNESS)
    assert load_scorer("embedded").score("DNA", ["DNA"]) == [pytest.approx(expected)]


def test_repetition_and_brevity_count(scorer: Scorer) -> None:
    others = " is a word among others here" * 5
    documents = ["subprocess subprocess" + others, "subprocess" + others, "subprocess" + others * 9]
    scores = scorer.score("subprocess", documents)
    assert scores == sorted(scores, reverse=True)
    assert len(set(scores)) == 3


def test_texts_without_end_are_cut(scorer: Scorer) -> None:
    documents = ["hay " * 10**6 + "needle", "needle " * 10**6, "x" * 10**7]
    scores = scorer.score("needle " * 10**5, documents)
    assert scores[0] < 0.2 < 0.7 < scores[1]


def test_an_empty_list(scorer: Scorer) -> None:
    assert scorer.score("a query", []) == []


QUERIES = ["How do I run something?", "dates", "x"]
DOCUMENTS = ["Run a command.", "Parse a date.", "Run a command, and run it again.", "", "x " * 4000]


def test_a_kept_document_has_the_scores_of_one_that_is_read_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keeping = embedded.EmbeddedScorer()
    monkeypatch.setattr(embedded, "SHORT", -1)
    anew = [embedded.EmbeddedScorer().score(query, DOCUMENTS) for query in QUERIES]
    monkeypatch.undo()
    assert [keeping.score(query, DOCUMENTS) for query in QUERIES * 2] == anew * 2
    # The long one is read each time.
    assert list(keeping._kept[1]) == DOCUMENTS[:4]


@pytest.mark.parametrize(("most_documents", "most_words"), [(5, 10_000), (1_000, 30)])
def test_documents_and_words_are_kept_up_to_a_limit(
    monkeypatch: pytest.MonkeyPatch, most_documents: int, most_words: int
) -> None:
    documents, query = long_texts(), "capture the output of a process"
    expected = load_scorer().score(query, documents)
    vectors = WordVectors()
    monkeypatch.setattr(embedded, "word_vectors", lambda: vectors)
    monkeypatch.setattr(embedded, "KEPT_DOCUMENTS", most_documents)
    monkeypatch.setattr(word_vectors, "CACHED_WORDS", most_words)
    scorer = embedded.EmbeddedScorer()
    for document, score in zip(documents, expected, strict=True):
        assert scorer.score(query, [document]) == [score]
        kept_words, kept = scorer._kept
        assert kept_words is vectors.known
        assert len(kept) <= most_documents + 1
        # Those of one document may be more than the limit.
        known = vectors.known.places
        assert len(known) <= max(most_words, len({*document.split(), *query.split()}))
        assert {place for text in kept.values() if text for place in text.places} <= {
            *known.values()
        }
    assert scorer.score(query, documents) == expected


def test_documents_that_are_scored_in_parts_have_the_same_scores(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    expected = load_scorer().score("capture the output", long_texts())
    for at_once in (1, 3_000, 30_000):
        monkeypatch.setattr(embedded, "AT_ONCE", at_once)
        assert load_scorer().score("capture the output", long_texts()) == expected


def test_words_have_the_same_vectors_whichever_are_read_with_them() -> None:
    texts = [
        "",
        *WORDS,
        "x" * 40,
        "acetyltransferase",
        "\x00",
        "🚀",
        "日",
        "→",
        *map(str, range(99)),
    ]
    together = WordVectors().with_words(texts)
    vectors = WordVectors()
    for text in texts:
        assert found(vectors.with_words([text]), text) == found(together, text)


def found(known: Words, text: str) -> tuple[str, list[int], int]:
    """The stem, the direction and the norm of a word."""
    place = known.places[text]
    stem = [*known.stems][known.stem_numbers[place]]
    return stem, known.directions[place].tolist(), int(known.norms[place])


def test_threads_that_read_new_words_at_once_get_the_same_vectors() -> None:
    texts = [f"{word}{number}" for word in dict.fromkeys(WORDS) for number in range(20)]
    expected, vectors = WordVectors().with_words(texts), WordVectors()
    parts = [texts[first:] for first in range(0, len(texts), 50)]
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as pool:
            (known,) = {*pool.map(vectors.with_words, parts)}
    finally:
        sys.setswitchinterval(before)
    assert sorted(known.places.values()) == [*range(len(texts))]
    assert [found(known, text) for text in texts] == [found(expected, text) for text in texts]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_child_that_is_forked_while_a_thread_reads_words_reads_by_itself() -> None:
    vectors = WordVectors()

    def read() -> None:
        signal.alarm(2)  # that the lock is held for ever shows sooner
        vectors.with_words(["word"])

    with vectors._lock:
        child = in_child(read)
    assert ended(child) == 0
