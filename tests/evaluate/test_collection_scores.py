"""`score_all`: what is asked for, how often, in which parts, and how long it took."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

import pytest

from assisters_rerank import ConfigurationError, MemoryCache, Reranker
from assisters_rerank.evaluate import Candidates, Collection
from assisters_rerank.evaluate.collection_scores import score_all
from assisters_rerank.evaluate.cost_limit import dollars_by_depth
from assisters_rerank.local import LocalServer
from assisters_rerank.local.http.rate_limiter import RateLimits
from assisters_rerank.pace import rate_limits

from .judged import LastNumber, counts, numbered, pairs

DEPTHS = [10, 20, 30]


def test_each_pair_is_asked_for_once(server: LocalServer, reranker: Reranker) -> None:
    collection, candidates = numbered(7)
    found = score_all(reranker, collection, candidates, DEPTHS)
    assert counts(server) == {1}
    assert len(pairs(server.requests)) == 7 * 30 == found.usage.documents_sent
    assert found.scores == {
        query: {f"d{number}": number / 1000 for number in range(30)} for query in candidates
    }
    assert found.stopped is None
    assert found.answered_by == "last-number"


def test_the_first_call_has_each_depth_in_turn(server: LocalServer, reranker: Reranker) -> None:
    collection, candidates = numbered(7)
    found = score_all(reranker, collection, candidates, DEPTHS)
    sizes = [len(request.documents) for request in server.requests]
    assert sizes == [10, 20, 20, 10, 30, 10, 20, 20, 10, 30, 10, 20]
    assert {depth: len(seconds) for depth, seconds in found.seconds.items()} == {
        10: 2,  # the first of three has warmed up the connection
        20: 2,
        30: 2,
    }
    assert found.warm_up_calls == 1
    assert all(0 < each < 5 for seconds in found.seconds.values() for each in seconds)


@pytest.mark.parametrize("at_once", [1, 3, 50])
def test_the_scores_do_not_depend_on_how_many_are_under_way(
    server: LocalServer, reranker: Reranker, at_once: int
) -> None:
    collection, candidates = numbered(20)
    found = score_all(reranker, collection, candidates, DEPTHS, at_once=at_once)
    assert counts(server) == {1}
    assert found.scores.keys() == candidates.keys()
    assert all(scores["d29"] == 0.029 for scores in found.scores.values())


def test_so_many_are_under_way_and_no_more() -> None:
    class Gate(LastNumber):
        """Scores as soon as three are there, and notes the most that ever were."""

        def __init__(self) -> None:
            self.barrier = threading.Barrier(3, timeout=10)
            self.now = self.most = 0

        def score(self, query: str, documents: Sequence[str]) -> list[float]:
            self.now += 1
            self.most = max(self.most, self.now)
            self.barrier.wait()
            self.now -= 1
            return super().score(query, documents)

    collection, candidates = numbered(9, documents=5)
    gate = Gate()
    with LocalServer(scorer=gate) as server, Reranker(base_url=server.base_url) as reranker:
        score_all(reranker, collection, candidates, [5], at_once=3)
    assert gate.most == 3


@pytest.mark.parametrize("at_once", [1, 4])
def test_progress_counts_every_query(reranker: Reranker, at_once: int) -> None:
    collection, candidates = numbered(9)
    steps: list[int] = []
    score_all(reranker, collection, candidates, DEPTHS, at_once=at_once, progress=steps.append)
    assert steps == [1] * 9


def test_latencies_leave_out_what_came_from_the_cache(server: LocalServer) -> None:
    collection, candidates = numbered(6)
    with Reranker(base_url=server.base_url, cache=MemoryCache()) as reranker:
        # Half of the first one's first ten are known, and all of the second one's.
        reranker.rerank("query 0", [collection.documents[f"d{number}"] for number in range(5)])
        reranker.rerank("query 1", list(collection.documents.values()))
        found = score_all(reranker, collection, candidates, DEPTHS)
        assert {depth: len(each) for depth, each in found.seconds.items()} == {10: 1, 20: 1, 30: 2}
        assert counts(server) == {1}
        again = score_all(reranker, collection, candidates, DEPTHS)
    assert again.seconds == {}
    assert again.scores == found.scores
    assert (again.usage.requests, again.usage.cost) == (0, 0.0)
    assert again.answered_by == found.answered_by


@pytest.mark.timed
def test_latencies_leave_out_what_was_waited_for() -> None:
    """A pace is the evaluation's own doing, and no user of the index will wait for it."""
    collection, candidates = numbered(2)
    limits = RateLimits(requests_per_minute=2, window=1)
    with (
        LocalServer(scorer=LastNumber(), limits=limits) as server,
        # The window is longer than a call may take.
        Reranker(base_url=server.base_url, timeout=0.6) as reranker,
    ):
        started = time.monotonic()
        found = score_all(reranker, collection, candidates, [10])
        took = time.monotonic() - started
    assert found.stopped is None
    assert len(found.scores) == 2
    assert counts(server) == {1}
    assert took > 0.9  # four calls, two in a window
    assert max(found.seconds[10]) < 0.5
    assert sum(request.status == 429 for request in server.requests) <= 2


def test_a_call_that_waits_between_its_requests_has_no_latency(
    server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rate_limits, "MINUTE", 0.3)
    collection, candidates = numbered(2, documents=10)
    latencies = []
    for pace in (None, 1):
        with Reranker(
            base_url=server.base_url,
            requests_per_minute=pace,
            max_documents_per_request=5,
            max_concurrency=1,
        ) as reranker:
            found = score_all(reranker, collection, candidates, [10])
        assert (found.usage.requests, found.usage.retries) == (4, 0)
        latencies.append({depth: len(seconds) for depth, seconds in found.seconds.items()})
    assert latencies == [{10: 1}, {}]


@pytest.mark.timed
def test_the_users_own_pace_is_kept() -> None:
    collection, candidates = numbered(2)
    with (
        LocalServer(scorer=LastNumber()) as server,  # its own: the thread goes on for a minute
        Reranker(base_url=server.base_url, requests_per_minute=3) as reranker,
    ):
        done = threading.Event()
        threading.Thread(
            target=lambda: (score_all(reranker, collection, candidates, [10]), done.set()),
            daemon=True,
        ).start()
        assert not done.wait(1)
        assert len(server.requests) == 3


class Cold(LastNumber):
    """Its first calls take long, as those of a server do that loads its model."""

    def __init__(self, calls: int) -> None:
        self.calls = calls

    def score(self, query: str, documents: Sequence[str]) -> list[float]:
        self.calls -= 1
        if self.calls >= 0:
            time.sleep(0.3)
        return super().score(query, documents)


@pytest.mark.timed
@pytest.mark.parametrize("at_once", [1, 3])
def test_no_latency_is_that_of_a_cold_start(at_once: int) -> None:
    collection, candidates = numbered(9, documents=10)
    with (
        LocalServer(scorer=Cold(at_once)) as server,
        Reranker(base_url=server.base_url) as reranker,
    ):
        found = score_all(reranker, collection, candidates, [10], at_once=at_once)
    assert found.warm_up_calls == at_once
    assert len(found.seconds[10]) == 9 - at_once
    assert max(found.seconds[10]) < 0.3


def test_what_the_cache_answers_warms_nothing_up(server: LocalServer) -> None:
    collection, candidates = numbered(4, documents=10)
    with Reranker(base_url=server.base_url, cache=MemoryCache()) as reranker:
        reranker.rerank(collection.queries["q0"], list(collection.documents.values()))
        found = score_all(reranker, collection, candidates, [10])
    assert (found.warm_up_calls, len(found.seconds[10])) == (1, 2)


def test_a_query_without_candidates(server: LocalServer, reranker: Reranker) -> None:
    collection, candidates = numbered(3)
    candidates = {**candidates, "q0": [], "q2": []}
    found = score_all(reranker, collection, candidates, DEPTHS)
    assert found.scores["q0"] == found.scores["q2"] == {}
    assert {request.query for request in server.requests} == {"query 1"}
    assert found.answered_by == "last-number"


def test_fewer_candidates_than_any_depth(server: LocalServer, reranker: Reranker) -> None:
    collection, candidates = numbered(3, documents=4)
    found = score_all(reranker, collection, candidates, DEPTHS)
    assert [len(request.documents) for request in server.requests] == [4, 4, 4]
    assert found.seconds.keys() == {4}


def test_equal_texts_under_two_ids_are_asked_for_once(
    server: LocalServer, reranker: Reranker
) -> None:
    collection, candidates = numbered(1, documents=12)
    documents = {**collection.documents, "like d0": "text 0.000", "like d5": "text 0.005"}
    # One of them beside its like, the other one in the second call.
    ids = ["like d0", *candidates["q0"], "like d5"]
    twins = Collection("twins", documents, collection.queries, collection.qrels)
    found = score_all(reranker, twins, {"q0": ids}, [10, 14])
    assert counts(server) == {1}
    assert found.scores["q0"]["like d0"] == found.scores["q0"]["d0"] == 0.0
    assert found.scores["q0"]["like d5"] == found.scores["q0"]["d5"] == 0.005
    assert len(found.scores["q0"]) == 14


class Logits(LastNumber):
    name = "logits"

    def score(self, query: str, documents: Sequence[str]) -> list[float]:
        return [each - 5 for each in super().score(query, documents)]


def test_blank_texts_are_last_in_the_whole_list_not_in_their_call() -> None:
    collection, candidates = numbered(1, documents=12)
    documents = {"blank": "  ", **collection.documents}
    spaced = Collection("blank", documents, collection.queries, collection.qrels)
    with LocalServer(scorer=Logits()) as server, Reranker(base_url=server.base_url) as reranker:
        # Only the last ones, which the second call has, are the worst.
        ids = ["blank", *reversed(candidates["q0"])]
        scores = score_all(reranker, spaced, {"q0": ids}, [5, 13]).scores["q0"]
    assert scores["blank"] == min(scores.values()) == pytest.approx(-5)


def test_the_rerankers_own_cuts_are_left_aside(server: LocalServer) -> None:
    collection, candidates = numbered(2)
    cuts = {"top_n": 2, "score_threshold": 0.02, "max_context_tokens": 1}
    with Reranker(base_url=server.base_url, **cuts) as reranker:
        found = score_all(reranker, collection, candidates, DEPTHS)
        assert all(len(scores) == 30 for scores in found.scores.values())
        assert {request.top_n for request in server.requests} == {None}
        assert (reranker.top_n, reranker.score_threshold, reranker.timeout) == (2, 0.02, 30.0)


@pytest.mark.parametrize(
    "threshold", [0.02, {"bge-reranker-v2": 9.0, "jina-reranker": 9.0}], ids=["one", "by model"]
)
def test_thresholds_of_several_models_are_left_aside(
    threshold: float | dict[str, float], server: LocalServer, caplog: pytest.LogCaptureFixture
) -> None:
    collection, candidates = numbered(2)
    with Reranker(
        base_url=server.base_url, model="auto", score_threshold=threshold, prices={"m": 1}
    ) as reranker:
        found = score_all(reranker, collection, candidates, DEPTHS, max_cost=1)
        assert all(len(scores) == 30 for scores in found.scores.values())
        dollars = dollars_by_depth(reranker, collection, candidates, DEPTHS, published=True)
    assert None not in dollars.values()
    assert not caplog.records


def test_passing_through_is_refused(server: LocalServer) -> None:
    collection, candidates = numbered(1)
    with (
        Reranker(base_url=server.base_url, on_error="passthrough") as reranker,
        pytest.raises(ConfigurationError, match="on_error"),
    ):
        score_all(reranker, collection, candidates, DEPTHS)
    assert server.requests == []


def test_auto_asks_one_model_about_all_candidates_of_a_query(
    server: LocalServer,
) -> None:
    collection, candidates = numbered(2)
    documents = {**collection.documents, "long": "word " * 3_000}
    mixed = Collection("mixed", documents, collection.queries, collection.qrels)
    found: Candidates = {"q0": candidates["q0"], "q1": [*candidates["q1"], "long"]}
    with Reranker(base_url=server.base_url, model="auto") as reranker:
        usage = score_all(reranker, mixed, found, [10]).usage
    # The long one is only in the second call.
    assert [(request.query, request.model) for request in server.requests] == [
        ("query 0", "bge-reranker-v2"),
        ("query 0", "bge-reranker-v2"),
        ("query 1", "jina-reranker"),
        ("query 1", "jina-reranker"),
    ]
    assert usage.models == ("bge-reranker-v2", "jina-reranker")


def test_split_documents(server: LocalServer) -> None:
    collection, candidates = numbered(1, documents=3)
    documents = {**collection.documents, "d1": "word " * 900 + "and 0.9"}
    long = Collection("long", documents, collection.queries, collection.qrels)
    with Reranker(base_url=server.base_url, long_documents="split") as reranker:
        found = score_all(reranker, long, candidates, [10])
    assert found.scores["q0"]["d1"] == 0.9
    assert found.usage.documents_sent > 3
