"""A run that ends early: what it says, what it keeps, and how it goes on."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from assisters_rerank import (
    AssistersError,
    ContractError,
    InvalidRequestError,
    MemoryCache,
    Reranker,
    SqliteCache,
    TransportError,
)
from assisters_rerank.evaluate import Collection, evaluate
from assisters_rerank.evaluate.collection_scores import score_all
from assisters_rerank.evaluate.query_scores import Interrupted, Query, ask
from assisters_rerank.local import LocalServer

from .judged import LastNumber, counts, numbered, pairs

COLLECTION, CANDIDATES = numbered(10)


class Scripted(LastNumber):
    """A scorer that does something at one of its calls."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.calls = 0
        self.name = "last-number"

    def score(self, query: str, documents: Sequence[str]) -> list[float]:
        self.calls += 1
        if self.calls == self.at:
            self.act()
        return super().score(query, documents)

    def act(self) -> None: ...


class Failing(Scripted):
    def act(self) -> None:
        raise RuntimeError("out of order")


class Renamed(Scripted):
    def act(self) -> None:
        self.name = "another-model"


@pytest.fixture
def file(tmp_path: Path) -> Iterator[SqliteCache]:
    with SqliteCache(tmp_path / "scores.db") as cache:
        yield cache


@pytest.mark.parametrize("at_once", [1, 3])
def test_a_failure_ends_the_run_with_what_was_measured(file: SqliteCache, at_once: int) -> None:
    with LocalServer(scorer=Failing(at=8)) as server:
        with Reranker(base_url=server.base_url, cache=file, max_retries=0) as reranker:
            found = evaluate(COLLECTION, reranker, candidates=CANDIDATES, at_once=at_once)
            assert found.stopped is not None
            assert "500" in found.stopped
            (result,) = found.models
            done = result.improved + result.worsened + result.unchanged
            assert 0 < done < 10
            assert f"after {done} of 10 queries" in found.stopped
            again = evaluate(COLLECTION, reranker, candidates=CANDIDATES)
        assert again.stopped is None
        assert counts(server) == {1}
        assert len(pairs(server.requests)) == 10 * 30
        assert again.models[0].usage.documents_cached >= done * 30


def test_those_under_way_are_not_lost_with_the_one_that_failed() -> None:
    class OneFails(LastNumber):
        def __init__(self) -> None:
            self.failed = threading.Event()

        def score(self, query: str, documents: Sequence[str]) -> list[float]:
            if query == "query 1":
                self.failed.set()
                raise RuntimeError
            assert self.failed.wait(10)
            return super().score(query, documents)

    collection, candidates = numbered(3, documents=10)
    with (
        LocalServer(scorer=OneFails()) as server,
        Reranker(base_url=server.base_url, max_retries=0) as reranker,
    ):
        found = score_all(reranker, collection, candidates, [10], at_once=3)
    assert found.scores.keys() == {"q0", "q2"}
    assert found.stopped is not None


def test_a_call_that_was_sent_again_says_nothing_of_latencies() -> None:
    collection, candidates = numbered(2)
    with (
        LocalServer(scorer=Failing(at=1)) as server,
        Reranker(base_url=server.base_url, max_retries=1) as reranker,
    ):
        found = score_all(reranker, collection, candidates, [10])
    assert found.usage.retries == 1
    assert len(found.seconds[10]) == 1


def test_the_first_failure_is_raised() -> None:
    with (
        LocalServer(scorer=Failing(at=1)) as server,
        Reranker(base_url=server.base_url, max_retries=0) as reranker,
        pytest.raises(AssistersError, match="500"),
    ):
        evaluate(COLLECTION, reranker, candidates=CANDIDATES)


def test_a_query_without_candidates_does_not_make_it_a_later_one() -> None:
    with (
        LocalServer(scorer=Failing(at=1)) as server,
        Reranker(base_url=server.base_url, max_retries=0) as reranker,
        pytest.raises(AssistersError, match="500"),
    ):
        evaluate(COLLECTION, reranker, candidates={**CANDIDATES, "q0": []})


def test_the_second_models_first_failure_leaves_the_first_models_result() -> None:
    with (
        LocalServer(scorer=LastNumber()) as server,
        Reranker(base_url=server.base_url) as good,
        Reranker(base_url="http://127.0.0.1:9/v1", model="gone", max_retries=0) as bad,
    ):
        found = evaluate(COLLECTION, [good, bad], candidates=CANDIDATES)
    assert [result.model for result in found.models] == ["bge-reranker-v2"]
    assert found.stopped is not None
    assert found.stopped.startswith("gone before its first query: ")


def test_a_server_that_goes_down(file: SqliteCache) -> None:
    """It goes on with another one at the same address."""
    collection, candidates = numbered(30)
    with LocalServer(scorer=LastNumber()) as server:
        port = int(server.base_url.split(":")[2].split("/")[0])
        requests = server.requests
        with Reranker(base_url=server.base_url, cache=file, max_retries=0) as reranker:
            steps: list[int] = []

            def stop(step: int) -> None:
                steps.append(step)
                if len(steps) == 5:
                    server.stop()

            found = score_all(reranker, collection, candidates, [10], progress=stop)
            assert len(found.scores) == 5
            assert found.stopped is not None
            with LocalServer(scorer=LastNumber(), port=port) as second:
                again = score_all(reranker, collection, candidates, [10])
                assert again.stopped is None
                assert set(pairs([*requests, *second.requests]).values()) == {1}


@pytest.mark.timed
def test_the_patience_is_for_the_pace_and_not_for_a_server_that_hangs() -> None:
    released = threading.Event()

    class Hanging(Scripted):
        def act(self) -> None:
            released.wait(10)

    started = time.monotonic()
    with (
        LocalServer(scorer=Hanging(at=1)) as server,
        Reranker(base_url=server.base_url, timeout=0.3, max_retries=0) as reranker,
    ):
        with pytest.raises(TransportError):
            evaluate(COLLECTION, reranker, candidates=CANDIDATES)
        took = time.monotonic() - started
        released.set()
    assert took < 5


def test_a_server_that_was_never_there() -> None:
    with (
        Reranker(base_url="http://127.0.0.1:9/v1", max_retries=0) as reranker,
        pytest.raises(TransportError),
    ):
        evaluate(COLLECTION, reranker, candidates=CANDIDATES)


@pytest.mark.parametrize("at_once", [1, 4])
def test_ctrl_c_in_a_program(file: SqliteCache, at_once: int) -> None:
    class Interrupting(Scripted):
        def act(self) -> None:
            # Wakes the main thread, which `interrupt_main` does not.
            os.kill(os.getpid(), signal.SIGINT)

    before = set(threading.enumerate())
    with LocalServer(scorer=Interrupting(at=6)) as server:
        with Reranker(base_url=server.base_url, cache=file) as reranker:
            with pytest.raises(KeyboardInterrupt):
                score_all(reranker, COLLECTION, CANDIDATES, [10], at_once=at_once)
            asked = len(server.requests)
            assert asked <= 6 + at_once
            left = set(threading.enumerate()) - before
            assert not [thread for thread in left if thread.name == "evaluate"]
            # What was on its way is kept, too: it was paid for.
            assert len(file) == sum(len(request.documents) for request in server.requests)
            found = score_all(reranker, COLLECTION, CANDIDATES, [10])
        assert len(found.scores) == 10
        assert counts(server) == {1}


def test_ctrl_c_before_a_querys_thread_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupted(_: threading.Thread) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(threading.Thread, "start", interrupted)
    with Reranker(base_url="http://127.0.0.1:9") as reranker, pytest.raises(KeyboardInterrupt):
        score_all(reranker, COLLECTION, CANDIDATES, [10])


def test_a_server_that_changes_its_model_in_the_first_query_is_no_server_to_measure() -> None:
    with (
        LocalServer(scorer=Renamed(at=2)) as server,
        Reranker(base_url=server.base_url) as reranker,
        pytest.raises(ContractError, match="two models"),
    ):
        score_all(reranker, COLLECTION, CANDIDATES, [10])


def test_nothing_more_is_asked_once_the_run_is_over() -> None:
    over = threading.Event()

    class Ending(Scripted):
        def act(self) -> None:
            over.set()

    query = Query("q0", "query 0", CANDIDATES["q0"], list(COLLECTION.documents.values()), 10)
    with (
        LocalServer(scorer=Ending(at=1)) as server,
        Reranker(base_url=server.base_url, cache=MemoryCache()) as reranker,
    ):
        with pytest.raises(Interrupted):
            ask(reranker, query, over)
        # The first call was on its way, and is kept; the second one has not begun.
        assert [len(request.documents) for request in server.requests] == [10]
        over.clear()
        assert ask(reranker, query, over).usage.documents_cached == 10


@pytest.mark.parametrize("at", [3, 4])
def test_a_server_that_changes_its_model_ends_the_run(at: int) -> None:
    """Between two queries, or between the two calls of one."""
    with (
        LocalServer(scorer=Renamed(at=at)) as server,
        Reranker(base_url=server.base_url) as reranker,
    ):
        found = score_all(reranker, COLLECTION, CANDIDATES, [10])
    assert len(found.scores) == 1
    assert found.answered_by == "last-number"
    assert found.stopped is not None
    assert "'last-number' before and 'another-model' now" in found.stopped


def test_a_cache_of_another_model_is_not_mixed_in() -> None:
    cache = MemoryCache()
    with LocalServer(scorer=Failing(at=8)) as server:
        port = int(server.base_url.split(":")[2].split("/")[0])
        with Reranker(base_url=server.base_url, cache=cache, max_retries=0) as reranker:
            score_all(reranker, COLLECTION, CANDIDATES, [10])
    renamed = Renamed(at=0)
    renamed.act()
    with (
        LocalServer(scorer=renamed, port=port) as server,
        Reranker(base_url=server.base_url, cache=cache) as reranker,
    ):
        found = score_all(reranker, COLLECTION, CANDIDATES, [10])
        assert found.answered_by == "last-number"
        assert found.stopped is not None
        assert "another cache" in found.stopped
        fresh = reranker.model_copy(update={"cache": MemoryCache()})
        assert score_all(fresh, COLLECTION, CANDIDATES, [10]).stopped is None


def test_a_document_that_may_not_be_too_long() -> None:
    documents = {**COLLECTION.documents, "d3": "word " * 3_000}
    collection = Collection("long", documents, COLLECTION.queries, COLLECTION.qrels)
    found = {**CANDIDATES, "q0": CANDIDATES["q0"][4:]}
    with (
        LocalServer(scorer=LastNumber()) as server,
        Reranker(base_url=server.base_url, long_documents="error") as reranker,
    ):
        evaluation = evaluate(collection, reranker, candidates=found)
    assert (evaluation.stopped, evaluation.queries) == (None, 1)
    assert list(evaluation.left_out) == [query for query in CANDIDATES if query != "q0"]
    assert "9 queries left out" in evaluation.notes[0]
    assert "long_documents='split'" in evaluation.notes[0]


def test_a_refusal_is_raised() -> None:
    with (
        LocalServer(scorer=LastNumber(), max_documents=5) as server,
        Reranker(base_url=server.base_url) as reranker,
        pytest.raises(InvalidRequestError),
    ):
        evaluate(COLLECTION, reranker, candidates=CANDIDATES)
