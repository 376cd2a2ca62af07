"""Long documents in passages: the best passage's score and place, each passage sent once (MaxP)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import repeat
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assisters_rerank import Passage, Ranking, Reranker
from assisters_rerank.call.plan import Plan
from assisters_rerank.wire.messages import Answer, Request

from ..answers import answer, honest
from ..scripted_port import ScriptedPort, rank
from ..texts import lists

if TYPE_CHECKING:
    from assisters_rerank.local import LocalServer

pytest.importorskip("semantic_text_splitter")


def words(text: str) -> int:
    return len(text.split())


SPLIT = {"long_documents": "split", "max_tokens": 32, "count_tokens": words}
"""26 words are left beside "a query" and what goes around a pair."""


def paragraph(number: int) -> str:
    """20 words: two of them don't fit together."""
    return " ".join(f"{number}w{i}" for i in range(19)) + f" end{number}."


def document(*numbers: int) -> str:
    return "\n\n".join(paragraph(number) for number in numbers)


def by_ends(scores: dict[int, float]) -> object:
    """A server that knows a score for each paragraph, by its last word."""

    def reply(request: Request) -> Answer:
        texts = json.loads(request.body)["documents"]
        results = [
            {"index": i, "relevance_score": scores[int(text.rstrip(".").rpartition("end")[2])]}
            for i, text in enumerate(texts)
        ]
        return answer({"results": results})

    return reply


def sent_documents(port: ScriptedPort) -> list[list[str]]:
    return [json.loads(sent.request.body)["documents"] for sent in port.sent]


def test_the_best_passage_counts_and_is_told() -> None:
    long, longer = document(1, 2), document(3, 4, 5)
    port = ScriptedPort([by_ends({1: 0.1, 2: 0.6, 3: 0.2, 4: 0.9, 5: 0.3, 6: 0.5})])
    ranking = rank(port, [long, paragraph(6), longer], **SPLIT)
    assert [(r.index, r.relevance_score) for r in ranking] == [(2, 0.9), (0, 0.6), (1, 0.5)]
    assert [r.passage_text for r in ranking] == [paragraph(4), paragraph(2), paragraph(6)]
    at = longer.index("4w0")
    assert ranking[0].passage == Passage(at, at + len(paragraph(4)))
    assert ranking[0].text == longer  # whole
    assert ranking[2].passage is None
    assert ranking.truncated == 0


def test_passages_count_as_documents_do_in_requests_and_figures() -> None:
    scores = {i: i / 10 for i in range(1, 8)}
    port = ScriptedPort(repeat(by_ends(scores)))
    texts = [document(1, 2, 3), paragraph(4), document(5, 6, 7)]
    ranking = rank(port, texts, max_documents_per_request=3, max_concurrency=2, **SPLIT)
    assert [len(shard) for shard in sent_documents(port)] == [3, 3, 1]
    assert port.limits == [2]
    assert ranking.usage.documents_sent == 7
    assert [(r.index, r.relevance_score) for r in ranking] == [(2, 0.7), (1, 0.4), (0, 0.3)]


def test_equal_passages_are_sent_once_whatever_they_are_part_of() -> None:
    scores = {1: 0.1, 2: 0.9, 3: 0.3}
    port = ScriptedPort([by_ends(scores)])
    texts = [document(1, 2), document(3, 2), paragraph(2), document(1, 2), document(2, 2, 2)]
    ranking = rank(port, texts, **SPLIT)
    (sent,) = sent_documents(port)
    assert sorted(sent) == [paragraph(1), paragraph(2), paragraph(3)]
    assert [(r.index, r.relevance_score) for r in ranking] == [(i, 0.9) for i in range(5)]
    assert [r.passage_text for r in ranking] == [paragraph(2)] * 5
    assert ranking[4].passage == Passage(0, len(paragraph(2)))  # the first of the best
    assert ranking[2].passage is None
    parts = 2 + 2 + 1 + 2 + 3
    assert (ranking.usage.documents_sent, ranking.usage.documents_duplicate) == (3, parts - 3)


def test_top_n_is_our_business_alone_where_documents_are_split() -> None:
    # The two best passages are of one document: the server's own top 2 would lose the other.
    port = ScriptedPort([by_ends({1: 0.9, 2: 0.8, 3: 0.1})])
    ranking = rank(port, [document(1, 2), paragraph(3)], 2, **SPLIT)
    assert "top_n" not in json.loads(port.sent[0].request.body)
    assert [r.index for r in ranking] == [0, 1]


def test_top_n_goes_along_where_nothing_had_to_be_split() -> None:
    port = ScriptedPort([by_ends({1: 0.9, 2: 0.8, 3: 0.1})])
    ranking = rank(port, [paragraph(1), paragraph(2), paragraph(3)], 2, **SPLIT)
    assert json.loads(port.sent[0].request.body)["top_n"] == 2
    assert len(ranking) == 2


def test_ties_keep_the_documents_order_and_the_first_passage() -> None:
    port = ScriptedPort([by_ends(dict.fromkeys(range(1, 7), 0.5))])
    ranking = rank(port, [paragraph(1), document(2, 3), paragraph(4), document(5, 6)], **SPLIT)
    assert [r.index for r in ranking] == [0, 1, 2, 3]
    assert [r.passage_text for r in ranking] == [paragraph(n) for n in (1, 2, 4, 5)]


def test_blanks_come_last_and_negative_scores_lower_theirs() -> None:
    port = ScriptedPort([by_ends({1: -0.5, 2: -0.2, 3: -0.1})])
    ranking = rank(port, ["", document(1, 2), " \n" * 50, paragraph(3)], **SPLIT)
    assert [(r.index, r.relevance_score) for r in ranking] == [
        (3, -0.1), (1, -0.2), (0, -0.2), (2, -0.2),
    ]  # fmt: skip
    assert [r.passage is None for r in ranking] == [True, False, True, True]


def test_the_threshold_holds_the_best_passage_to_it() -> None:
    port = ScriptedPort([by_ends({1: 0.1, 2: 0.6, 3: 0.5})])
    ranking = rank(port, [document(1, 2), paragraph(3)], None, 0.55, **SPLIT)
    assert [r.index for r in ranking] == [0]


def test_a_degraded_call_has_no_passages() -> None:
    ranking = rank(
        ScriptedPort([answer(None, 503)]), [document(1, 2)], on_error="passthrough",
        max_retries=0, **SPLIT,
    )  # fmt: skip
    assert ranking.degraded
    assert (ranking[0].passage, ranking[0].relevance_score) == (None, None)
    assert ranking[0].passage_text == document(1, 2)


def test_without_split_nothing_is_split() -> None:
    port = ScriptedPort([honest])
    rank(port, [document(1, 2, 3)], max_tokens=32, count_tokens=words)
    assert sent_documents(port) == [[document(1, 2, 3)]]


def test_auto_splits_only_what_the_wider_model_can_not_read() -> None:
    port = ScriptedPort(repeat(honest))
    options = {"model": "auto", "long_documents": "split", "count_tokens": words}
    assert rank(port, ["w " * 8000], **options)[0].passage is None
    assert rank(port, ["w " * 8300], **options)[0].passage is not None
    assert {json.loads(s.request.body)["model"] for s in port.sent} == {"jina-reranker"}


@given(lists, st.data())
def test_a_plan_in_passages_ranks_each_document_once_by_its_best_passage(
    documents: list[str], data: st.DataObject
) -> None:
    plan = Plan.of(documents)
    cut = {
        place: [Passage(at, at + 1) for at in range(len(text)) if text[at].strip()]
        for place, text in enumerate(plan.texts)
        if data.draw(st.booleans())
    }
    split = plan.split(cut)
    assert len(set(split.texts)) == len(split.texts)
    assert all(text.strip() for text in split.texts)
    some = st.sampled_from([-1.0, 0.0, 0.5, 1.0])
    scores = {place: data.draw(some) for place in range(len(split.texts))}
    ranked = split.rank(scores, None, None)
    assert sorted(index for index, _, _ in ranked) == list(range(len(documents)))
    for index, value, passage in ranked:
        text = documents[index]
        if not text.strip():
            assert passage is None
        elif passage is None:
            assert value == scores[split.texts.index(text)]
        else:
            passages = cut[plan.texts.index(text)]
            values = [scores[split.texts.index(text[p.start : p.end])] for p in passages]
            assert value == max(values)
            assert passage == passages[values.index(value)]
    kept = [(i, value) for i, value, _ in ranked if documents[i].strip()]
    assert kept == sorted(kept, key=lambda pair: (-pair[1], pair[0]))


WORDS = ["refund", "office", "days", "within", "our", "paid", "coffee", "invoice"]


@pytest.fixture
def reranker(local_server: LocalServer) -> Iterator[Reranker]:
    with Reranker(
        base_url=local_server.base_url, long_documents="split", max_tokens=64, top_n=None
    ) as reranker:
        yield reranker


def long_text(answering: str, at: int) -> str:
    """Thirty sentences about nothing, and one that answers."""
    sentences = [
        f"The {WORDS[(7 * i) % 8]} number {i} is in our {WORDS[i % 8]}." for i in range(30)
    ]
    sentences.insert(at, answering)
    return " ".join(sentences)


ANSWERING = "Whoever cancels a flight gets the ticket's price back from the airline."
QUERY = "who pays the ticket of a cancelled flight"


@pytest.mark.parametrize("at", [0, 15, 30])
async def test_the_real_scorer_finds_the_passage_wherever_it_stands(
    reranker: Reranker, at: int
) -> None:
    texts = [long_text("Nothing else is here.", 5), long_text(ANSWERING, at), "A flight of stairs."]
    documents = [{"text": text, "id": i} for i, text in enumerate(texts)]
    for ranking in (reranker.rerank(QUERY, documents), await reranker.arerank(QUERY, documents)):
        assert len(ranking) == 3
        (best,) = [r for r in ranking if r.index == 1]
        assert best.passage is not None
        assert best.passage_text == texts[1][best.passage.start : best.passage.end]
        assert "cancels a flight" in best.passage_text
        assert best.document.original is documents[1]
        assert ranking[0] == best
        assert alone(reranker, best.passage_text) == best.relevance_score


def alone(reranker: Reranker, text: str) -> float | None:
    """The score of a text that fits."""
    ranking: Ranking = reranker.rerank(QUERY, [text])
    assert ranking[0].passage is None
    return ranking[0].relevance_score


def test_the_server_gets_nothing_that_it_would_cut_off(
    reranker: Reranker, local_server: LocalServer
) -> None:
    before = len(local_server.requests)
    reranker.rerank(QUERY, [long_text(ANSWERING, 20), "short"])
    (request,) = local_server.requests[before:]
    assert len(request.documents) > 5
    assert "short" in request.documents
