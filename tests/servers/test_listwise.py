"""Models that score a document in the company of the others: one request, or an error before it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any

import pytest

import langchain_assisters
import llama_index_assisters
from assisters_rerank import ConfigurationError, MemoryCache, Ranking, Reranker
from assisters_rerank.catalogue import LISTWISE

from .standins import Answer, standing_in
from .ways import WAYS, Way

QUERY = "which is the largest"
TEXTS = [f"number {n}" for n in range(1, 41)]


def relative(path: str, body: dict[str, Any], headers: Mapping[str, str]) -> Answer:
    """Scores are relative to the best of the request, as cases of list-wise models are reported."""
    numbers = [float(text.split()[1]) for text in body["documents"]]
    results = [
        {"index": i, "relevance_score": number / max(numbers)} for i, number in enumerate(numbers)
    ]
    results.sort(key=lambda result: -float(result["relevance_score"]))
    return 200, {"results": results[: body.get("top_n")]}


def options(url: str, **more: Any) -> dict[str, Any]:
    return {"base_url": f"{url}/v1", "model": "m", "listwise": True, **more}


def ranked(reranker: Reranker, colour: str, texts: list[str], **more: Any) -> Ranking:
    if colour == "sync":
        return reranker.rerank(QUERY, texts, **more)
    return asyncio.run(reranker.arerank(QUERY, texts, **more))


each_way = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
each_colour = pytest.mark.parametrize("colour", ["sync", "async"])


@each_way
@pytest.mark.parametrize("top_n", [None, 3])
def test_all_go_in_one_request(way: Way, top_n: int | None) -> None:
    with standing_in(relative) as server:
        given = options(server.url, max_documents_per_request=40, top_n=top_n)
        found = way(QUERY, TEXTS, given)
        assert len(server.seen) == 1
    assert found == list(range(39, -1, -1))[:top_n]


@each_way
def test_more_than_a_request_takes_are_refused_before_any(way: Way) -> None:
    with standing_in(relative) as server:
        with pytest.raises(
            ConfigurationError, match=r"^documents: m .*all 40 .*takes 39; .*max_documents_per_req"
        ):
            way(QUERY, TEXTS, options(server.url, max_documents_per_request=39))
        assert server.seen == []


def test_the_dialects_limit_counts_as_well() -> None:
    with standing_in(relative) as server:
        reranker = Reranker(**options(server.url, dialect="tei"))
        with pytest.raises(ConfigurationError, match=r"takes 32; .*the server's limit"):
            reranker.rerank(QUERY, TEXTS)
        assert server.seen == []


@each_colour
def test_a_transient_mood_does_not_hide_the_refusal(colour: str) -> None:
    with standing_in(relative) as server:
        given = options(server.url, max_documents_per_request=5, on_error="passthrough")
        with pytest.raises(ConfigurationError, match="takes 5"):
            ranked(Reranker(**given), colour, TEXTS)


@each_colour
def test_equal_texts_and_blank_ones_go_in_the_same_request(colour: str) -> None:
    texts = ["number 4", "", "number 8", "number 4", " ", "number 2"]
    with standing_in(relative) as server:
        ranking = ranked(
            Reranker(**options(server.url, max_documents_per_request=3)), colour, texts
        )
        assert [sent.body["documents"] for sent in server.seen] == [
            ["number 4", "number 8", "number 2"]
        ]
    assert [(found.index, found.relevance_score) for found in ranking] == [
        (2, 1.0), (0, 0.5), (3, 0.5), (5, 0.25), (1, 0.0), (4, 0.0)
    ]  # fmt: skip


@each_colour
def test_scores_of_another_company_are_not_taken_from_the_cache(
    colour: str, caplog: pytest.LogCaptureFixture
) -> None:
    cache = MemoryCache()
    with standing_in(relative) as server:
        reranker = Reranker(**options(server.url, cache=cache))
        with caplog.at_level(logging.WARNING, "assisters_rerank"):
            ranked(reranker, colour, TEXTS[:10])
            ranking = ranked(reranker, colour, TEXTS[5:20])
        assert len(server.seen) == 2
    assert ranking[0].relevance_score == 1.0
    assert ranking.usage.documents_cached == 0
    said = [record.message for record in caplog.records if "cache is not used" in record.message]
    assert len(said) == 1


@pytest.mark.parametrize(
    "make",
    [
        Reranker,
        langchain_assisters.AssistersRerank,
        llama_index_assisters.AssistersRerank,
    ],
)
@pytest.mark.parametrize("given", [{"model": "m", "listwise": True}, {"model": "jina-reranker-v3"}])
def test_passages_are_refused(make: Callable[..., Reranker], given: dict[str, Any]) -> None:
    here = {"base_url": "http://127.0.0.1:9/v1", "max_tokens": 512, **given}
    with pytest.raises(ConfigurationError, match=r"long_documents: .*listwise=False"):
        make(long_documents="split", **here)
    assigned = make(**here)
    assigned.long_documents = "split"
    with pytest.raises(ConfigurationError, match=r"long_documents: .*listwise=False"):
        Reranker.rerank(assigned, QUERY, TEXTS)
    with pytest.raises(ConfigurationError, match="long_documents"):
        make(**here).with_options(long_documents="split")


@pytest.mark.parametrize("long_documents", ["truncate", "error"])
def test_long_documents_may_be_cut_or_refused(long_documents: Any) -> None:
    with standing_in(relative) as server:
        given = options(server.url, max_tokens=100, long_documents=long_documents)
        assert len(Reranker(**given).rerank(QUERY, TEXTS)) == 40
        assert len(server.seen) == 1


@pytest.mark.parametrize("model", sorted(LISTWISE))
def test_known_models_are_known_by_their_exact_names(model: str) -> None:
    for name, number in {model: 1, f"{model}-other": 2}.items():
        with standing_in(relative) as server:
            given = options(server.url, model=name, listwise=None, max_documents_per_request=20)
            reranker = Reranker(**given)
            if number == 1:
                with pytest.raises(ConfigurationError, match="takes 20"):
                    reranker.rerank(QUERY, TEXTS)
                reranker = reranker.with_options(listwise=False)
            reranker.rerank(QUERY, TEXTS)
            assert len(server.seen) == 2
