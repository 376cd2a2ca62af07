"""`max_passage_tokens` and `RankedDocument.passages`: every passage that was scored, in order."""

from __future__ import annotations

import json
import math
from itertools import pairwise, repeat

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assisters_rerank import (
    ConfigurationError,
    Document,
    Passage,
    RankedDocument,
    ScoredPassage,
)

from ..answers import answer, honest, score
from ..scripted_port import ScriptedPort, rank
from ..texts import lists, on_the_wire
from ..worlds import WORLDS, ranked

pytest.importorskip("semantic_text_splitter")


def words(text: str) -> int:
    return len(text.split())


FINE = {"long_documents": "split", "max_passage_tokens": 16, "count_tokens": words}
SENTENCES = [f"Sentence number {number} stands here." for number in range(12)]
"""Five words each: three of them are a passage."""
LONG = " ".join(SENTENCES)
PASSAGES = [" ".join(SENTENCES[at : at + 3]) for at in range(0, 12, 3)]

SCRAPS = ("rain ", "pays. ", "the", "office ", "雨が降る。", "\n\n", "Ende! ", "\ud83d", "  ")
long_texts = st.lists(st.sampled_from(SCRAPS), max_size=80).map("".join)


def sent_documents(port: ScriptedPort) -> list[str]:
    return [text for sent in port.sent for text in json.loads(sent.request.body)["documents"]]


def test_a_document_that_fits_the_window_is_split_at_sentence_ends() -> None:
    port = ScriptedPort([honest])
    [found] = rank(port, [LONG], **FINE)
    assert sent_documents(port) == PASSAGES
    assert [LONG[start:end] for start, end, _ in found.passages] == PASSAGES
    assert [each.score for each in found.passages] == [score(text) for text in PASSAGES]


def test_a_document_of_one_passage_and_a_blank_one_have_one_whole_span() -> None:
    short = SENTENCES[0]
    found = {r.index: r for r in rank(ScriptedPort([honest]), [short, LONG, " \n"], **FINE)}
    assert found[0].passages == (ScoredPassage(0, len(short), score(short)),)
    assert found[0].passage is None
    assert found[2].passages == (ScoredPassage(0, 2, found[2].relevance_score or 0.0),)


def test_without_split_the_whole_text_is_the_passage() -> None:
    [found] = rank(ScriptedPort([honest]), [LONG])
    assert found.passages == (ScoredPassage(0, len(LONG), score(LONG)),)


def test_a_degraded_ranking_has_none() -> None:
    port = ScriptedPort([answer(None, 503)])
    [found] = rank(port, [LONG], on_error="passthrough", max_retries=0, **FINE)
    assert found.passages == ()


def test_their_scores_are_mapped_as_the_documents_are() -> None:
    [plain] = rank(ScriptedPort([honest]), [LONG], **FINE)
    [mapped] = rank(ScriptedPort([honest]), [LONG], score_activation="sigmoid", **FINE)
    for one, other in zip(plain.passages, mapped.passages, strict=True):
        assert other.score == pytest.approx(1 / (1 + math.exp(-one.score)))
    assert mapped.relevance_score == max(each.score for each in mapped.passages)


def test_a_passage_that_the_server_finds_too_long_keeps_its_span() -> None:
    too_long = answer({"error": {"message": "input is too long: maximum context length"}}, 413)
    port = ScriptedPort([too_long, *repeat(honest, 3)])
    [found] = rank(port, [LONG], **FINE)
    assert [LONG[start:end] for start, end, _ in found.passages] == PASSAGES
    assert len(sent_documents(port)) > 2 * len(PASSAGES)


@pytest.mark.parametrize("long_documents", ["as_is", "truncate", "error"])
def test_it_is_refused_where_no_passages_are_scored(long_documents: str) -> None:
    port = ScriptedPort([])
    with pytest.raises(ConfigurationError, match="max_passage_tokens: only long_documents='split'"):
        rank(port, long_documents=long_documents, max_passage_tokens=64)


@pytest.mark.parametrize(("window", "most"), [(32, 20), (26, 16), (None, 64)])
def test_neither_the_window_nor_the_bound_is_exceeded(window: int | None, most: int) -> None:
    # "a query" has two words, and four tokens go around a pair.
    room = most if window is None else min(most, max(32, window) - 6)
    port = ScriptedPort(repeat(honest))
    options = {**FINE, "max_passage_tokens": most, "max_tokens": None if window is None else 32}
    rank(port, [LONG * 3], **options)
    longest = max(map(words, sent_documents(port)))
    assert room - 5 < longest <= room


@pytest.mark.parametrize(("most", "model"), [(64, "bge-reranker-v2"), (600, "jina-reranker")])
def test_auto_takes_the_wider_model_only_for_passages_that_need_it(most: int, model: str) -> None:
    options = {**FINE, "model": "auto", "max_passage_tokens": most}
    assert rank(ScriptedPort(repeat(honest)), [LONG * 20], **options).model == model
    assert rank(ScriptedPort(repeat(honest)), [LONG], **options).model == "bge-reranker-v2"


def test_unset_the_request_is_the_one_of_before() -> None:
    texts = [LONG * 20, LONG, "", SENTENCES[0]]
    for options in ({}, {"long_documents": "split"}, {"long_documents": "truncate"}):
        ports = [ScriptedPort(repeat(honest)) for _ in range(2)]
        rank(ports[0], texts, 2, **options)
        rank(ports[1], texts, 2, max_passage_tokens=None, **options)
        [one], [other] = ([json.loads(s.request.body) for s in port.sent] for port in ports)
        assert one == other
        assert ("top_n" in one) == (options.get("long_documents") != "split")


@settings(max_examples=60)
@given(
    st.lists(long_texts, max_size=4) | lists,
    st.sampled_from([16, 20, 500]),
    st.sampled_from([None, words, len]),
    st.integers(1, 7),
)
def test_passages_cover_the_text_in_order_and_have_the_scores_of_their_own_text(
    texts: list[str], most: int, count: object, size: int
) -> None:
    options = {"long_documents": "split", "max_passage_tokens": most, "count_tokens": count}
    for world, (port, _) in WORLDS.items():
        found = ranked(world, port(1), texts, max_documents_per_request=size, **options)
        assert sorted(r.index for r in found) == list(range(len(texts)))
        for document in found:
            text, passages = document.text, document.passages
            held = {at for start, end, _ in passages for at in range(start, end)}
            assert all(at in held or text[at].isspace() for at in range(len(text)))
            for one, other in pairwise(passages):
                assert one.start < other.start
                assert one.end < other.end
            if not text.strip():
                continue
            for start, end, value in passages:
                assert value == score(on_the_wire(text[start:end]))
            assert document.relevance_score == max(each.score for each in passages)
            best = next(each for each in passages if each.score == document.relevance_score)
            if document.passage is None:
                assert passages == (ScoredPassage(0, len(text), best.score),)
            else:
                assert document.passage == Passage(best.start, best.end)


def test_a_document_of_ones_own_has_its_whole_text() -> None:
    made = RankedDocument(0, 0.5, Document("text", "text"))
    assert made.passages == (ScoredPassage(0, 4, 0.5),)
