"""What fits into a model's window: at the very edge, for every model, with any count of tokens."""

from __future__ import annotations

import json
import logging
from itertools import repeat
from typing import TYPE_CHECKING

import pytest

from assisters_rerank import CATALOGUE, ConfigurationError, Reranker, estimate_tokens
from assisters_rerank.text.blocks import BLOCK

from ..answers import honest, refused, score
from ..scripted_port import ScriptedPort, rank

if TYPE_CHECKING:
    from assisters_rerank.local import LocalServer

BGE, JINA = "bge-reranker-v2", "jina-reranker"
AROUND_A_PAIR = 4  # <s> query </s></s> document </s>


def room(model: str, query_tokens: int) -> int:
    return CATALOGUE[model].max_tokens - query_tokens - AROUND_A_PAIR


def words(text: str) -> int:
    """Tokens for these tests: words."""
    return len(text.split())


def of(tokens: int, word: str = "w") -> str:
    """A text of so many words."""
    return " ".join([word] * tokens)


def asked(port: ScriptedPort) -> set[str]:
    """The models that requests named."""
    return {json.loads(sent.request.body)["model"] for sent in port.sent}


EDGE = room(BGE, words("a query"))


@pytest.mark.parametrize(
    ("texts", "model"),
    [
        ([of(EDGE)], BGE),
        ([of(EDGE + 1)], JINA),
        ([of(1), of(EDGE), of(2)], BGE),
        ([of(1), of(EDGE + 1), of(2)], JINA),
        ([of(room(JINA, 2) + 1)], JINA),
        (["", " "], BGE),
    ],
)
def test_auto_takes_the_wider_model_from_the_first_token_too_many(
    texts: list[str], model: str
) -> None:
    port = ScriptedPort(repeat(honest))
    ranking = rank(port, texts, model="auto", count_tokens=words, max_documents_per_request=1)
    assert asked(port) == ({model} if port.sent else set())
    assert ranking.model == model
    assert ranking.usage.models == (model,)


def test_auto_counts_the_estimate_as_users_can() -> None:
    edge = room(BGE, estimate_tokens("a query"))
    texts = ["w" * length for length in range(1900, 2000)]
    chosen: dict[bool, str] = {}
    for text in texts:
        port = ScriptedPort([honest])
        fits = estimate_tokens(text) <= edge
        chosen[fits] = rank(port, [text], model="auto").model
        assert chosen[fits] == (BGE if fits else JINA)
    assert len(chosen) == 2  # the edge is among them


def test_auto_is_decided_by_each_call_alone() -> None:
    for length, model in ((EDGE + 1, JINA), (EDGE, BGE), (EDGE + 1, JINA)):
        port = ScriptedPort([honest])
        assert rank(port, [of(length)], model="auto", count_tokens=words).model == model


@pytest.mark.parametrize("documents", [[], ["a text"]])
def test_auto_names_a_model_that_exists_even_when_nothing_is_asked(documents: list[str]) -> None:
    ranking = Reranker(model="auto").rerank("q", documents, top_n=0)
    assert ranking.model == BGE


def test_auto_and_a_window_of_ones_own_contradict_each_other(
    never_asked: dict[str, object],
) -> None:
    with pytest.raises(ConfigurationError, match="max_tokens"):
        Reranker(model="auto", max_tokens=512, **never_asked).rerank("q", ["a"])


@pytest.mark.parametrize(
    ("options", "edge"),
    [
        ({"model": BGE}, room(BGE, 2)),
        ({"model": JINA}, room(JINA, 2)),
        ({"model": BGE, "max_tokens": 100}, 94),
        ({"model": BGE, "max_tokens": 1000}, 994),
        ({"model": "my-own", "max_tokens": 32}, 26),
        ({"model": "auto"}, room(JINA, 2)),
    ],
)
def test_what_is_cut_off_is_counted_document_by_document(
    options: dict[str, object], edge: int
) -> None:
    texts = [of(edge + 1), of(edge), of(edge + 1), "", of(edge + 2), of(1)]
    port = ScriptedPort([honest])
    ranking = rank(port, texts, count_tokens=words, **options)
    assert ranking.truncated == 3  # the equal ones both
    assert len(ranking) == 6
    assert json.loads(port.sent[0].request.body)["documents"] == [texts[i] for i in (0, 1, 4, 5)]


def test_it_is_counted_before_top_n_and_threshold() -> None:
    texts = [of(EDGE + extra) for extra in range(-1, 4)]
    ranking = rank(ScriptedPort([honest]), texts, 1, 0.0, count_tokens=words)
    assert ranking.truncated == 3


@pytest.mark.parametrize("sent", [0, 1, 2])
def test_it_is_counted_though_the_documents_pass_through_unranked(sent: int) -> None:
    texts = [of(EDGE + 1), "b", of(EDGE + 2)]
    port = ScriptedPort([*repeat(honest, sent), *repeat(refused(503), 4)])
    ranking = rank(
        port, texts, count_tokens=words, max_documents_per_request=1, on_error="passthrough"
    )
    assert ranking.degraded
    assert ranking.truncated == 2


def test_where_the_window_is_not_known_nothing_is_claimed() -> None:
    port = ScriptedPort([honest])
    assert rank(port, [of(100_000)], model="my-own", count_tokens=words).truncated is None


def test_an_overlong_query_cuts_every_document_off() -> None:
    ranking = rank(ScriptedPort([honest]), ["a", "", "b"], query=of(600), count_tokens=words)
    assert ranking.truncated == 2


def test_truncation_is_logged_once_and_told_every_time(
    local_server: LocalServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "assisters_rerank")
    reranker = Reranker(base_url=local_server.base_url, max_tokens=32, count_tokens=words)
    for _ in range(3):
        assert reranker.rerank("q", [of(100), "short"]).truncated == 1
    (record,) = caplog.records
    assert BGE in record.getMessage()
    assert "long_documents" in record.getMessage()
    reranker.model_copy().rerank("q", [of(100)])
    assert len(caplog.records) == 2  # another reranker, another story


def test_a_query_that_fills_the_window_is_warned_of_by_itself(
    local_server: LocalServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "assisters_rerank")
    reranker = Reranker(base_url=local_server.base_url, max_tokens=32, count_tokens=words)
    reranker.rerank("q", [of(100)])
    for _ in range(2):
        assert reranker.rerank(of(40), ["short", "other"]).truncated == 2
    of_documents, of_the_query = (record.getMessage() for record in caplog.records)
    assert "long_documents" in of_documents
    assert "query fills the 32-token window" in of_the_query
    assert "long_documents" not in of_the_query  # "split" would refuse such a query


@pytest.mark.parametrize("long_documents", ["error", "split"])
def test_what_has_to_know_the_window_asks_for_it(long_documents: str) -> None:
    with pytest.raises(ConfigurationError, match=r"max_tokens.*'my-own'") as caught:
        rank(ScriptedPort([]), ["a"], model="my-own", long_documents=long_documents)
    assert long_documents in str(caught.value)


def test_error_names_the_documents_and_asks_nothing() -> None:
    texts = ["SECRET " * 600, "b", "SECRET " * 600, "", "SECRET " * 700]
    with pytest.raises(ConfigurationError, match=r"documents\[0, 2, 4\].*512.*bge") as caught:
        rank(ScriptedPort([]), texts, long_documents="error")
    assert "SECRET" not in str(caught.value)
    assert JINA in str(caught.value)  # what would help


def test_error_names_no_more_than_ten() -> None:
    with pytest.raises(ConfigurationError, match=r"\[0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 15 more\]"):
        rank(ScriptedPort([]), [f"{i} word " * 600 for i in range(25)], long_documents="error")


@pytest.mark.parametrize("options", [{"model": BGE, "max_tokens": 100}, {"model": JINA}])
def test_error_advises_no_model_that_would_not_help(options: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        rank(ScriptedPort([]), [of(9000)], count_tokens=words, long_documents="error", **options)
    assert f"or model='{options['model']}'" not in str(caught.value)


def test_error_lets_what_fits_pass() -> None:
    port = ScriptedPort([honest])
    ranking = rank(port, [of(EDGE), ""], count_tokens=words, long_documents="error")
    assert ranking.truncated == 0
    assert len(port.sent) == 1


@pytest.mark.parametrize("query_words", [600, 512, 508, 493])
def test_a_query_that_leaves_no_room_for_passages_is_an_error_that_says_so(
    query_words: int,
) -> None:
    pytest.importorskip("semantic_text_splitter")
    with pytest.raises(ConfigurationError, match=r"query.*512.*bge-reranker-v2") as caught:
        rank(
            ScriptedPort([]), [of(600)], query=of(query_words, "Q"), count_tokens=words,
            long_documents="split",
        )  # fmt: skip
    assert str(query_words) in str(caught.value)
    assert "Q Q" not in str(caught.value)


def test_a_query_that_fills_the_window_is_blamed_itself_and_not_the_documents() -> None:
    with pytest.raises(ConfigurationError, match=r"^query: it has 600 tokens"):
        rank(
            ScriptedPort([]), ["short"], query=of(600, "Q"), count_tokens=words,
            long_documents="error",
        )  # fmt: skip


def test_a_long_query_beside_short_documents_is_none_of_splits_business() -> None:
    port = ScriptedPort([honest])
    ranking = rank(port, [of(8)], query=of(500, "Q"), count_tokens=words, long_documents="split")
    assert ranking[0].relevance_score == score(of(8))
    assert (ranking[0].passage, ranking.truncated) == (None, 0)


@pytest.mark.parametrize(
    ("texts", "times"),
    [
        (["a" * (BLOCK // 2 - len("a query")), "b" * (BLOCK // 2)], 0),
        # Fitted, written, counted.
        (["a" * (BLOCK // 2 - len("a query")), "b" * (BLOCK // 2 + 1)], 3),
        (["a" * (BLOCK // 2 + 1)] * 2, 0),  # counted once
    ],
)
def test_many_characters_are_worked_on_out_of_an_event_loops_way(
    texts: list[str], times: int
) -> None:
    port = ScriptedPort([honest])
    ranking = rank(port, texts, model="auto", timeout=30)
    assert port.asides == [30] * times
    assert (ranking.model, ranking.truncated) == (JINA, 2)


@pytest.mark.parametrize("options", [{"count_tokens": words}, {"long_documents": "split"}])
def test_so_is_what_takes_long_with_less(options: dict[str, object]) -> None:
    port = ScriptedPort([honest])
    rank(port, ["a text"], timeout=30, **options)
    assert port.asides == [30]
