"""Real servers of other projects; README.md in this folder says how they get here."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from assisters_rerank import Ranking, Reranker
from assisters_rerank.local import LocalServer

from .real import LIMITED_KEY, Real, infinity, litellm, llama_cpp, vllm
from .tiny_bert import WINDOW
from .ways import WAYS, Way

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("servers")]

QUERY = "cats eat fish"
TEXTS = ["dogs walk", "cats eat fish daily", "cats sleep", "rain", "fish walk in the rain"]
MANY = [
    f"cats {'eat' if i % 3 else 'walk'} fish {'daily' if i % 2 else 'rain'} {i}"
    for i in range(1000)
]
LONG = "cats eat " * 2500  # 5,000 tokens

# Servers compute pairs in batches of several lengths, with different roundings.
CLOSE = 2e-3


@pytest.fixture(scope="module")
def upstream() -> Iterator[LocalServer]:
    with LocalServer() as local:
        yield local


@pytest.fixture(scope="module", params=["litellm", "llama_cpp", "infinity", "vllm"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Real]:
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "litellm":
        started = litellm(folder, request.getfixturevalue("upstream"))
    else:
        started = {"llama_cpp": llama_cpp, "infinity": infinity, "vllm": vllm}[request.param](
            folder
        )
    with started as real:
        yield real


def ranked(server: Real, colour: str, texts: list[str], **more: Any) -> Ranking:
    options = {**server.options, **more}
    if colour == "sync":
        with Reranker(**options) as reranker:
            return reranker.rerank(QUERY, texts)

    async def main() -> Ranking:
        async with Reranker(**options) as reranker:
            return await reranker.arerank(QUERY, texts)

    return asyncio.run(main())


def check(ranking: Ranking, expected: list[float]) -> None:
    """Each document has the server's own score, and the best comes first."""
    assert sorted(found.index for found in ranking) == list(range(len(expected)))
    scores = [found.relevance_score for found in ranking]
    assert scores == sorted(scores, key=lambda score: -(score or 0.0))
    for found in ranking:
        assert found.relevance_score == pytest.approx(expected[found.index], abs=CLOSE)


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("top_n", [None, 2])
def test_six_ways(server: Real, way: Way, top_n: int | None) -> None:
    own = server.scores(QUERY, TEXTS)
    order = sorted(range(len(TEXTS)), key=lambda place: -own[place])
    assert way(QUERY, TEXTS, {**server.options, "top_n": top_n}) == order[:top_n]


@pytest.mark.parametrize("colour", ["sync", "async"])
def test_a_thousand_documents(server: Real, colour: str) -> None:
    own = server.scores(QUERY, MANY)
    assert max(own) - min(own) > 0.01
    ranking = ranked(server, colour, MANY)
    check(ranking, own)
    assert ranking.usage.requests == 10


@pytest.mark.parametrize("long_documents", ["truncate", "split"])
@pytest.mark.parametrize("colour", ["sync", "async"])
def test_one_long_document_among_a_hundred(server: Real, colour: str, long_documents: str) -> None:
    texts = MANY[:100]
    own = server.scores(QUERY, texts)
    texts[37] = LONG
    ranking = ranked(server, colour, texts, long_documents=long_documents, max_tokens=WINDOW)
    # The document has no score of the server's own: it would be refused, or cut at another place.
    cut = next(found for found in ranking if found.index == 37)
    assert cut.relevance_score is not None
    own[37] = cut.relevance_score
    check(ranking, own)
    if long_documents == "truncate":
        assert ranking.truncated == 1
    else:
        assert cut.passage is not None
        text = LONG[cut.passage.start : cut.passage.end]
        assert server.scores(QUERY, [text])[0] == pytest.approx(cut.relevance_score, abs=CLOSE)


def test_tokens_and_cost_are_the_servers(server: Real) -> None:
    answer = server.raw(QUERY, TEXTS)
    content = answer.json()
    meta = content.get("meta") or {}
    usage = content.get("usage") or meta["billed_units"]
    ranking = ranked(server, "sync", TEXTS)
    assert ranking.usage.total_tokens == usage["total_tokens"] > 0
    assert not ranking.usage.tokens_estimated
    cost = answer.headers.get("x-litellm-response-cost")
    assert ranking.usage.cost == (None if cost is None else float(cost))
    priced = ranked(server, "sync", TEXTS, prices={server.options["model"]: 0.5})
    if cost is None:
        assert priced.usage.cost == pytest.approx(usage["total_tokens"] * 0.5 / 1_000_000)


# --- LiteLLM's own ---


@pytest.fixture(scope="module")
def proxy(
    upstream: LocalServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Real, LocalServer]]:
    with litellm(tmp_path_factory.mktemp("proxy"), upstream) as real:
        yield real, upstream


def test_where_litellm_knows_no_price_the_users_counts(proxy: tuple[Real, LocalServer]) -> None:
    server, _ = proxy
    assert ranked(server, "sync", TEXTS, model="unpriced").usage.cost is None
    priced = ranked(server, "sync", TEXTS, model="unpriced", prices={"unpriced": 0.5})
    tokens = priced.usage.total_tokens
    assert priced.usage.cost == pytest.approx(tokens * 0.5 / 1_000_000)


@pytest.mark.parametrize(
    ("model", "key"), [("priced", LIMITED_KEY), ("limited", None)], ids=["key", "rpm"]
)
def test_fifty_requests_through_thirty_a_minute(
    proxy: tuple[Real, LocalServer], model: str, key: str | None
) -> None:
    server, upstream = proxy
    before = len(upstream.requests)
    options: dict[str, Any] = {"model": model, "timeout": 180.0, "max_documents_per_request": 20}
    if key is not None:
        options["api_key"] = key
    ranking = ranked(server, "async", MANY, **options)
    assert len(ranking) == 1000
    assert ranking.usage.requests == len(upstream.requests) - before == 50
    assert ranking.usage.retries <= 6  # each retry is a refusal
