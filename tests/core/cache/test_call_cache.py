"""The cache in a call: what is missing is sent, and nothing is ever mixed up."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import repeat
from pathlib import Path
from typing import Any

import anyio
import pytest
import trio
from blockbuster import blockbuster_ctx

from assisters_rerank import (
    CachedScore,
    ConfigurationError,
    ContractError,
    MemoryCache,
    Ranking,
    Reranker,
    SqliteCache,
)
from assisters_rerank.wire.messages import Answer, Request

from ...faults.server import HostileServer
from ..answers import answer, honest, score, scored
from ..expectation import assert_right
from ..scripted_port import ScriptedPort, rank

TEXTS = ["a", "b", "c"]


def sent(port: ScriptedPort) -> list[list[str]]:
    """The documents of every request."""
    return [json.loads(sent.request.body)["documents"] for sent in port.sent]


class JsonCache:
    """A user's own: entries as text, which come back as lists."""

    def __init__(self) -> None:
        self.entries: dict[str, str] = {}

    def get_many(self, keys: Sequence[str]) -> Mapping[str, Any]:
        return {key: json.loads(self.entries[key]) for key in keys if key in self.entries}

    def set_many(self, scores: Mapping[str, CachedScore]) -> None:
        self.entries |= {key: json.dumps(entry) for key, entry in scores.items()}


@pytest.fixture(params=["memory", "sqlite", "json"])
def cache(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    if request.param == "sqlite":
        with SqliteCache(tmp_path / "scores.db") as cache:
            yield cache
    else:
        yield MemoryCache() if request.param == "memory" else JsonCache()


def in_asyncio(reranker: Reranker, texts: list[str]) -> Ranking:
    return anyio.run(reranker.arerank, "q", texts)


def in_trio(reranker: Reranker, texts: list[str]) -> Ranking:
    return trio.run(reranker.arerank, "q", texts)


def blocking(reranker: Reranker, texts: list[str]) -> Ranking:
    return reranker.rerank("q", texts)


Call = Callable[[Reranker, list[str]], Ranking]
worlds = pytest.mark.parametrize("call", [blocking, in_asyncio, in_trio])


@worlds
def test_only_what_is_missing_is_sent(cache: Any, call: Call, honest_server: HostileServer) -> None:
    with Reranker(base_url=honest_server.url, cache=cache) as reranker:
        for texts in (["a", "c"], ["a", "b", "c", "d"], ["d", "c", "b", "a"]):
            assert_right(call(reranker, texts), texts)
    assert [r.payload["documents"] for r in honest_server.requests] == [["a", "c"], ["b", "d"]]


@worlds
def test_a_warm_call_asks_nobody_and_needs_no_key(
    cache: Any, call: Call, never_asked: dict[str, Any]
) -> None:
    service = {"base_url": "https://api.assisters.dev/v1", "api_key": "ask_key"}
    rank(ScriptedPort([honest]), TEXTS, query="q", cache=cache, **service)
    reranker = Reranker(cache=cache, **never_asked)
    ranking = call(reranker, [*TEXTS, "", "a"])
    assert {r.index: r.relevance_score for r in ranking} == {
        **{i: score(text) for i, text in enumerate(TEXTS)},
        3: min(map(score, TEXTS)),
        4: score("a"),
    }
    assert (ranking.usage.requests, ranking.usage.documents_cached) == (0, 3)
    assert ranking.request_ids == ()
    with pytest.raises(ConfigurationError, match="No API key"):
        call(reranker, [*TEXTS, "new"])


@pytest.mark.parametrize("run", [anyio.run, trio.run], ids=["asyncio", "trio"])
def test_nothing_of_it_blocks_the_loop(
    cache: Any, run: Callable[..., object], honest_server: HostileServer
) -> None:
    reranker = Reranker(base_url=honest_server.url, cache=cache, max_documents_per_request=1)

    async def main() -> None:
        with blockbuster_ctx():
            assert_right(await reranker.arerank("q", TEXTS), TEXTS)
            assert_right(await reranker.arerank("q", TEXTS), TEXTS)
            await reranker.aclose()

    run(main)
    assert len(honest_server.requests) == 3


def test_the_cache_is_read_once_and_each_answer_is_kept_at_once() -> None:
    calls: list[tuple[str, int]] = []

    class Watched(MemoryCache):
        def get_many(self, keys: Sequence[str]) -> dict[str, CachedScore]:
            calls.append(("get", len(keys)))
            return super().get_many(keys)

        def set_many(self, scores: Mapping[str, CachedScore]) -> None:
            calls.append(("set", len(scores)))
            super().set_many(scores)

    cache = Watched()
    port = ScriptedPort([honest, honest, answer(None, 422)])
    with pytest.raises(Exception, match="422"):
        rank(port, ["a", "b", "a", "", "c"], cache=cache, max_documents_per_request=1)
    assert calls == [("get", 3), ("set", 1), ("set", 1)]
    # What a failed call has paid for is not paid for again.
    port = ScriptedPort([honest])
    rank(port, TEXTS, cache=cache)
    assert sent(port) == [["c"]]


@pytest.mark.parametrize(
    "other",
    [
        {"query": "another query"},
        {"query": "a query "},
        {"model": "jina-reranker"},
        {"base_url": "https://scripted.test/v2"},
        {"base_url": "http://scripted.test/v1"},
        {"base_url": "https://scripted.test:8443/v1"},
    ],
)
def test_another_query_model_or_address_shares_nothing(other: dict[str, Any]) -> None:
    cache = MemoryCache()
    rank(ScriptedPort([honest]), TEXTS, cache=cache)
    port = ScriptedPort([honest])
    rank(port, TEXTS, cache=cache, **other)
    assert sent(port) == [TEXTS]


@pytest.mark.parametrize(
    "same",
    [
        {"base_url": "https://api.assisters.dev/v1/rerank"},
        {"top_n": 1},
        {"score_threshold": 0.5},
        {"api_key": "ask_another"},
        {"long_documents": "error"},
        {"max_documents_per_request": 1},
        {"model": "auto"},
    ],
)
def test_what_does_not_change_a_score_shares_it(same: dict[str, Any]) -> None:
    cache = MemoryCache()
    rank(ScriptedPort([honest]), TEXTS, cache=cache)
    rank(ScriptedPort([]), TEXTS, cache=cache, **same)


def test_texts_that_differ_in_white_space_alone_are_different_texts() -> None:
    cache = MemoryCache()
    rank(ScriptedPort([honest]), ["a", "a ", "A", "a\n"], cache=cache)
    assert len(cache) == 4


def test_top_n_is_not_sent_so_that_every_score_can_be_kept() -> None:
    cache = MemoryCache()
    port = ScriptedPort([honest])
    assert len(rank(port, TEXTS, 1, cache=cache)) == 1
    assert "top_n" not in json.loads(port.sent[0].request.body)
    assert len(cache) == 3


def test_passages_are_kept_as_passages() -> None:
    pytest.importorskip("semantic_text_splitter")
    options = {
        "cache": MemoryCache(),
        "long_documents": "split",
        "max_tokens": 32,
        "count_tokens": lambda text: len(text.split()),
    }
    one, two, three = (" ".join(f"{n}w{i}" for i in range(19)) + " end." for n in "123")
    rank(ScriptedPort([honest]), [f"{one}\n\n{two}"], **options)
    port = ScriptedPort([honest])
    rank(port, [f"{two}\n\n{three}", one], **options)
    assert sent(port) == [[three]]


def by(model: str | None) -> Callable[[Request], Answer]:
    """An honest server that calls its model so."""

    def reply(request: Request) -> Answer:
        return answer({**scored(json.loads(request.body)), "model": model})

    return reply


@pytest.mark.parametrize(("before", "after"), [("m-1", "m-2"), (None, "m-2"), ("m-1", None)])
@pytest.mark.parametrize("size", [1, 2, 100])
def test_of_a_changed_model_everything_is_asked_again(
    before: str | None, after: str | None, size: int
) -> None:
    cache = MemoryCache()
    rank(ScriptedPort([by(before)]), ["b", "d"], cache=cache)
    texts = ["a", "b", "c", "d"]
    port = ScriptedPort(repeat(by(after)))
    ranking = rank(port, texts, cache=cache, max_documents_per_request=size)
    assert sorted(text for shard in sent(port) for text in shard) == texts
    assert_right(ranking, texts)
    assert ranking.model == (after or "bge-reranker-v2")
    assert (ranking.usage.documents_cached, ranking.usage.documents_sent) == (0, 4)
    # And it is the new model's scores that are kept.
    assert rank(ScriptedPort([]), texts, cache=cache).model == (after or "bge-reranker-v2")


def test_what_two_models_have_left_behind_is_not_mixed_either() -> None:
    cache = MemoryCache()
    rank(ScriptedPort([by("m-1")]), ["a"], cache=cache)
    rank(ScriptedPort([by("m-2")]), ["b"], cache=cache)
    port = ScriptedPort([by("m-2")])
    ranking = rank(port, ["a", "b"], cache=cache)
    assert sent(port) == [["a", "b"]]
    assert ranking.usage.documents_cached == 0


def test_a_server_that_can_not_decide_is_an_error_and_no_mixture() -> None:
    cache = MemoryCache()
    rank(ScriptedPort([by("m-1")]), ["a"], cache=cache)
    with pytest.raises(ContractError, match="m-1, m-2"):
        rank(ScriptedPort([by("m-2"), by("m-1")]), ["a", "b"], cache=cache)


def test_a_warm_call_tells_the_model_that_the_server_told() -> None:
    cache = MemoryCache()
    rank(ScriptedPort([by("m-1")]), ["a"], cache=cache)
    assert rank(ScriptedPort([]), ["a"], cache=cache).model == "m-1"


def test_several_rerankers_may_share_one(honest_server: HostileServer) -> None:
    cache = MemoryCache()
    for _ in range(3):
        with Reranker(base_url=honest_server.url, cache=cache) as reranker:
            assert_right(reranker.rerank("q", TEXTS), TEXTS)
            assert_right(reranker.model_copy().rerank("q", TEXTS), TEXTS)
    assert len(honest_server.requests) == 1


@pytest.mark.parametrize("wrong", [{}, object(), MemoryCache, "path.db", 1])
def test_what_is_no_cache_is_refused_when_given(wrong: object) -> None:
    with pytest.raises(ConfigurationError, match="cache"):
        Reranker(cache=wrong)
    with pytest.raises(ConfigurationError, match="cache"):
        Reranker().cache = wrong
