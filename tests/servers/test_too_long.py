"""Servers that refuse a long document, in their own words: as it is, cut, split, and once more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from assisters_rerank import InvalidRequestError, MemoryCache, Ranking, Reranker, TooLongError

from .standins import Answer, Shape, best_first, standing_in
from .ways import WAYS, Way

QUERY = "cats eat fish"
LONG = "weather report of a day without animals. " * 30 + "cats eat fish."
TEXTS = ["dogs walk", LONG, "cats eat fish daily", "rain"]

Refusal = Callable[[int], Answer]


def vllm(tokens: int) -> Answer:
    """https://docs.vllm.ai, seen of 0.32."""
    message = (
        f"This model's maximum context length is 128 tokens. However, you requested {tokens} "
        "tokens in the input for score. Please reduce the length of the input."
    )
    return 400, {"error": {"message": message, "type": "BadRequestError", "code": 400}}


def llama_cpp(tokens: int) -> Answer:
    """https://github.com/ggml-org/llama.cpp/tree/master/tools/server: a 500."""
    message = (
        f"input ({tokens} tokens) is too large to process. increase the physical batch size "
        "(current batch size: 128)"
    )
    return 500, {"error": {"code": 500, "message": message, "type": "server_error"}}


def llama_cpp_context(tokens: int) -> Answer:
    """The same server's 400."""
    message = f"request ({tokens} tokens) exceeds the available context size (128 tokens)"
    return 400, {"error": {"code": 400, "message": message, "type": "exceed_context_size_error"}}


def tei(tokens: int) -> Answer:
    """https://huggingface.github.io/text-embeddings-inference, without `truncate`."""
    message = f"Input validation error: `inputs` must have less than 128 tokens. Given: {tokens}"
    return 413, {"error": message, "error_type": "Validation"}


REFUSALS: list[Refusal] = [vllm, llama_cpp, llama_cpp_context, tei]


def refusing(refusal: Refusal, window: int = 128, per_word: float = 1.0) -> Shape:
    """A server whose tokens are words, or more."""

    def shape(path: str, body: dict[str, Any], headers: Mapping[str, str]) -> Answer:
        for text in body["documents"]:
            tokens = int(per_word * len(f"{body['query']} {text}".split()))
            if tokens > window:
                return refusal(tokens)
        ranked = best_first(body["query"], body["documents"], body.get("top_n"))
        return 200, {"results": [{"index": i, "relevance_score": s} for i, s in ranked]}

    return shape


def options(url: str, **more: Any) -> dict[str, Any]:
    return {"base_url": f"{url}/v1", "model": "m", "max_tokens": 128, **more}


def ranked(reranker: Reranker, colour: str, top_n: int | None = None) -> Ranking:
    if colour == "sync":
        return reranker.rerank(QUERY, TEXTS, top_n=top_n)
    return asyncio.run(reranker.arerank(QUERY, TEXTS, top_n=top_n))


@pytest.mark.parametrize("refusal", REFUSALS)
@pytest.mark.parametrize("colour", ["sync", "async"])
def test_as_it_is_the_refusal_is_told_once(refusal: Refusal, colour: str) -> None:
    with standing_in(refusing(refusal)) as server:
        reranker = Reranker(**options(server.url))
        with pytest.raises(TooLongError, match="128") as caught:
            ranked(reranker, colour)
        assert isinstance(caught.value, InvalidRequestError)
        assert not caught.value.transient
        assert "long_documents='truncate'" in str(caught.value)
        assert len(server.seen) == 1


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("long_documents", ["truncate", "split"])
def test_cut_before_nothing_is_refused(way: Way, long_documents: str) -> None:
    with standing_in(refusing(vllm)) as server:
        found = way(QUERY, TEXTS, options(server.url, long_documents=long_documents))
        assert len(server.seen) == 1
    assert found[:2] == [2, 1]
    assert sorted(found) == [0, 1, 2, 3]
    sent = server.seen[0].body["documents"]
    assert any(text.endswith("animals. cats eat fish.") for text in sent) == (
        long_documents == "split"
    )


@pytest.mark.parametrize("refusal", REFUSALS)
@pytest.mark.parametrize("long_documents", ["truncate", "split"])
@pytest.mark.parametrize("colour", ["sync", "async"])
def test_where_the_estimate_was_too_low_smaller_pieces_go_once_more(
    refusal: Refusal, long_documents: str, colour: str
) -> None:
    # Our count says a token a word, the server's 1.3.
    counted = {"count_tokens": lambda text: len(text.split()), "long_documents": long_documents}
    with standing_in(refusing(refusal, per_word=1.3)) as server:
        reranker = Reranker(**options(server.url, **counted))
        ranking = ranked(reranker, colour, top_n=2)
        assert len(server.seen[0].body["documents"]) >= 4
        assert len(server.seen) == 2
    assert [found.index for found in ranking] == [2, 1]
    # What the query asks for stands at the end, which only the last piece has.
    score = ranking[1].relevance_score
    assert score is not None
    assert (score > 0.4) == (long_documents == "split")
    assert ranking.usage.requests == 1


def test_pieces_beyond_a_request_go_in_several() -> None:
    counted = {"count_tokens": lambda text: len(text.split()), "long_documents": "split"}
    with standing_in(refusing(vllm, per_word=1.3)) as server:
        reranker = Reranker(**options(server.url, max_documents_per_request=2, **counted))
        ranking = reranker.rerank(QUERY, TEXTS)
        assert max(len(request.body["documents"]) for request in server.seen) == 2
    assert sorted(ranked.index for ranked in ranking) == [0, 1, 2, 3]
    assert [ranked.index for ranked in ranking][:2] == [2, 1]
    assert ranking[1].relevance_score is not None


@pytest.mark.parametrize("long_documents", ["truncate", "split"])
def test_a_text_that_stays_too_long_is_named(long_documents: str) -> None:
    counted = {"count_tokens": lambda text: len(text.split()), "long_documents": long_documents}
    with standing_in(refusing(vllm, per_word=5)) as server:
        reranker = Reranker(**options(server.url, **counted))
        with pytest.raises(TooLongError, match=r"^documents\[1\].* token_margin.*maximum context"):
            reranker.rerank(QUERY, TEXTS)
        assert len(server.seen) == 2


def test_scores_of_pieces_are_kept_in_the_cache() -> None:
    counted = {"count_tokens": lambda text: len(text.split()), "long_documents": "split"}
    with standing_in(refusing(vllm, per_word=1.3)) as server:
        reranker = Reranker(**options(server.url, cache=MemoryCache(), **counted))
        first = reranker.rerank(QUERY, TEXTS)
        again = reranker.rerank(QUERY, TEXTS)
        assert len(server.seen) == 2
    assert [(r.index, r.relevance_score) for r in again] == [
        (r.index, r.relevance_score) for r in first
    ]


@pytest.mark.parametrize(
    ("given", "margin"),
    [
        ({"base_url": "http://127.0.0.1:9/v1", "model": "m"}, 0.15),
        ({"base_url": "http://127.0.0.1:9/v1"}, 0.15),
        ({"base_url": "http://127.0.0.1:9/v1", "count_tokens": len}, 0),
        ({"api_key": "ask_x"}, 0),
        ({"api_key": "ask_x", "token_margin": 0.5}, 0.5),
        ({"base_url": "http://127.0.0.1:9/v1", "token_margin": 0}, 0),
    ],
)
def test_the_margin_goes_by_what_is_known_of_the_tokens(
    given: dict[str, Any], margin: float
) -> None:
    from assisters_rerank.call.fitting import fit
    from assisters_rerank.call.plan import Plan

    reranker = Reranker(long_documents="truncate", max_tokens=500, **given)
    exact = Reranker(long_documents="truncate", max_tokens=500, token_margin=0, **{
        name: value for name, value in given.items() if name != "token_margin"
    })  # fmt: skip
    plan = Plan.of(["word " * 1000])
    assert fit(reranker, "q", plan).room == int(fit(exact, "q", plan).room / (1 + margin))


@pytest.mark.parametrize(
    "message",
    [
        "Invalid API key format",
        "unknown field token_margin",
        "model not found",
        "top_n must be at most 100",
        "batch size 100 > maximum allowed batch size 32",
        "documents: list too short",
    ],
)
def test_other_refusals_are_not_about_length(message: str) -> None:
    def shape(path: str, body: dict[str, Any], headers: Mapping[str, str]) -> Answer:
        return 400, {"error": {"message": message}}

    with standing_in(shape) as server:
        reranker = Reranker(**options(server.url, long_documents="truncate"))
        with pytest.raises(InvalidRequestError) as caught:
            reranker.rerank(QUERY, TEXTS)
        assert type(caught.value) is InvalidRequestError
        assert len(server.seen) == 1
