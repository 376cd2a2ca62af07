"""Sync, asyncio, trio, sharded or not: one result, over the local server's real scorer."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

import pytest
import trio
from hypothesis import example, given, settings
from hypothesis import strategies as st

from assisters_rerank import Ranking, Reranker
from assisters_rerank.errors import (
    AssistersError,
    AuthenticationError,
    InvalidRequestError,
    TransportError,
)

from .texts import NASTY, lists, on_the_wire, texts

if TYPE_CHECKING:
    from assisters_rerank.local import LocalServer, Scorer

words = st.lists(
    st.sampled_from(["the", "a", "refund", "is", "paid", "within", "days", "our", "office", "how"]),
    min_size=1,
    max_size=6,
).map(" ".join)
"""Texts that share words with queries, so that scores differ."""


def on_trio(coroutine: Coroutine[Any, Any, Ranking]) -> Ranking:
    async def main() -> Ranking:
        return await coroutine

    return trio.run(main)


def without_the_extra(coroutine: Coroutine[Any, Any, Ranking]) -> Ranking:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ASSISTERS_ASYNC_TRANSPORT", "httpx")
        return asyncio.run(coroutine)


WORLDS: dict[str, Callable[..., Ranking]] = {
    "sync": lambda reranker, *a, **k: reranker.rerank(*a, **k),
    "asyncio": lambda reranker, *a, **k: asyncio.run(reranker.arerank(*a, **k)),
    "asyncio-httpx": lambda reranker, *a, **k: without_the_extra(reranker.arerank(*a, **k)),
    "trio": lambda reranker, *a, **k: on_trio(reranker.arerank(*a, **k)),
}


@pytest.fixture(scope="session")
def scorer() -> Scorer:
    """The very scorer that the local server answers with."""
    from assisters_rerank.local import load_scorer

    return load_scorer()


def reference(
    scorer: Scorer, query: str, documents: list[str], top_n: int | None, threshold: float | None
) -> list[tuple[int, float]]:
    """The scorer's own word for every text alone, ranked as plainly as possible."""
    scores = {
        i: scorer.score(on_the_wire(query), [on_the_wire(text)])[0]
        for i, text in enumerate(documents)
        if text.strip()
    }
    blank = min([0.0, *scores.values()])
    ranked = [
        *sorted(scores.items(), key=lambda item: -item[1]),
        *((i, blank) for i in range(len(documents)) if i not in scores),
    ]
    return [pair for pair in ranked if threshold is None or pair[1] >= threshold][:top_n]


@settings(max_examples=80)
@given(
    query=words | texts.filter(str.strip),
    documents=lists | st.lists(words | st.sampled_from(NASTY), max_size=12),
    size=st.integers(1, 13),
    top_n=st.none() | st.integers(0, 14),
    threshold=st.none() | st.floats(-0.1, 1.0),
)
@example("refund \ud83d", ["\ud83d", "a refund\x00", "", "a refund", "a refund"], 1, 3, 0.0)
def test_all_worlds_agree_with_the_scorer_itself(
    local_server: LocalServer,
    scorer: Scorer,
    query: str,
    documents: list[str],
    size: int,
    top_n: int | None,
    threshold: float | None,
) -> None:
    expected = reference(scorer, query, documents, top_n, threshold)
    for call in WORLDS.values():
        for shard in (size, 100):
            with Reranker(
                base_url=local_server.base_url, max_documents_per_request=shard
            ) as reranker:
                ranking = call(reranker, query, documents, top_n=top_n, score_threshold=threshold)
            assert [(r.index, r.relevance_score) for r in ranking] == expected
            assert [r.text for r in ranking] == [documents[r.index] for r in ranking]


def failing_options(server: LocalServer) -> dict[str, tuple[type[AssistersError], dict[str, Any]]]:
    return {
        "no-such-path": (InvalidRequestError, {"base_url": f"{server.base_url}/nowhere"}),
        "no-such-model": (InvalidRequestError, {"model": "no-such-model"}),
        "too-many": (InvalidRequestError, {"max_documents_per_request": 5000}),
    }


@pytest.mark.parametrize("name", ["no-such-path", "no-such-model", "too-many"])
def test_all_worlds_raise_the_same_error(local_server: LocalServer, name: str) -> None:
    error, options = failing_options(local_server)[name]
    documents = [f"text {i}" for i in range(1200)]
    raised: list[AssistersError] = []
    for call in WORLDS.values():
        reranker = Reranker(**{"base_url": local_server.base_url, **options})
        with pytest.raises(error) as caught:
            call(reranker, "a query", documents)
        raised.append(caught.value)
    assert {type(one) for one in raised} == {error}
    assert len({getattr(one, "code", None) for one in raised}) == 1


def test_all_worlds_say_that_nobody_answers() -> None:
    with socket.socket() as bound:  # nobody listens, and nobody else can
        bound.bind(("127.0.0.1", 0))
        url = "http://{}:{}/v1".format(*bound.getsockname())
        for call in WORLDS.values():
            with pytest.raises(TransportError) as caught:
                call(Reranker(base_url=url, max_retries=0), "a query", ["a"])
            assert type(caught.value) is TransportError


def test_all_worlds_are_let_in_with_the_key_alone() -> None:
    from assisters_rerank.local import LocalServer

    with LocalServer(api_key="ask_right", scorer="lexical") as server:
        for call in WORLDS.values():
            right = Reranker(base_url=server.base_url, api_key="ask_right")
            assert len(call(right, "a query", ["a", "b"])) == 2
            for wrong in ("ask_wrong", None):
                with pytest.raises(AuthenticationError) as caught:
                    call(Reranker(base_url=server.base_url, api_key=wrong), "a query", ["a"])
                assert caught.value.code == "invalid_api_key"


def test_a_thousand_documents_are_ranked_as_the_scorer_ranks_them(
    local_server: LocalServer, scorer: Scorer
) -> None:
    documents = [f"{i} refund {'days ' * (i % 7)}{'office ' * (i % 3)}" for i in range(1000)]
    expected = reference(scorer, "refund within days", documents, 20, None)
    before = len(local_server.requests)
    for call in WORLDS.values():
        reranker = Reranker(base_url=local_server.base_url, top_n=20)
        ranking = call(reranker, "refund within days", documents)
        assert [(r.index, r.relevance_score) for r in ranking] == expected
        assert ranking.usage.requests == 10
    assert len(local_server.requests) - before == 10 * len(WORLDS)
    assert {len(r.documents) for r in local_server.requests[before:]} == {100}
