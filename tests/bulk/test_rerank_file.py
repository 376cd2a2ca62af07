"""One run from its beginning to its end: what it writes, asks for and refuses."""

from __future__ import annotations

import json
from itertools import accumulate
from pathlib import Path

import anyio
import pytest

from assisters_rerank import AuthenticationError, ConfigurationError, Price, Reranker
from assisters_rerank.bulk import (
    BulkProgress,
    BulkStopped,
    arerank_file,
    estimate_file,
    rerank_file,
)

from .conftest import QUERIES, entries, write
from .standin import Standin, score


def results(target: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in target.read_text().splitlines()]


def test_the_result_has_every_query_in_order(
    standin: Standin, reranker: Reranker, source: Path, tmp_path: Path
) -> None:
    standin.latency = 0.002
    told: list[BulkProgress] = []
    target = tmp_path / "out.jsonl"
    report = rerank_file(source, target, reranker, concurrency=8, progress=told.append)
    lines = results(target)
    assert [line["query_id"] for line in lines] == [f"q{at}" for at in range(QUERIES)]
    ranked = sorted(
        ((f"d3-{at}", score("query 3", f"text 3 {at}")) for at in range(5)), key=lambda it: -it[1]
    )
    assert lines[3]["results"] == [
        {"doc_id": name, "rank": rank, "score": value}
        for rank, (name, value) in enumerate(ranked, 1)
    ]
    assert lines[3]["model"] == "standin-1" == report.model
    assert (report.queries, report.pairs, report.failed, report.resumed) == (40, 200, 0, 0)
    assert report.cost == pytest.approx(report.usage.total_tokens * 0.05e-6)
    assert (report.errors, report.journal) == (None, None)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["in.jsonl", "out.jsonl"]
    assert 1 < standin.most_in_flight <= 8
    assert told[-1].done == told[-1].queries == 40
    assert told[-1].projected_cost == pytest.approx(report.cost)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_the_async_twin_writes_the_same(
    reranker: Reranker, source: Path, tmp_path: Path, backend: str
) -> None:
    rerank_file(source, tmp_path / "one.jsonl", reranker)

    async def run() -> None:
        await arerank_file(source, tmp_path / "other.jsonl", reranker)

    anyio.run(run, backend=backend)
    assert (tmp_path / "one.jsonl").read_bytes() == (tmp_path / "other.jsonl").read_bytes()


async def test_the_sync_one_works_inside_a_loop(
    reranker: Reranker, source: Path, tmp_path: Path
) -> None:
    assert rerank_file(source, tmp_path / "out.jsonl", reranker).queries == QUERIES


def test_the_first_request_goes_by_itself_and_its_refusal_ends_the_run(
    standin: Standin, reranker: Reranker, source: Path, tmp_path: Path
) -> None:
    standin.refusal = lambda query: (404, "no such model: bge")
    with pytest.raises(Exception, match="no such model: bge") as caught:
        rerank_file(source, tmp_path / "out.jsonl", reranker, concurrency=16)
    assert caught.value.__notes__ == ["The query was 'q0'."]
    assert standin.seen.total() == 1
    assert [file.name for file in tmp_path.iterdir()] == ["in.jsonl"]  # there is nothing to keep


@pytest.mark.parametrize(
    ("status", "name"), [(400, "InvalidRequestError"), (413, "TooLongError"), (503, "StatusError")]
)
def test_what_fails_is_a_line_and_is_asked_for_again(
    standin: Standin, reranker: Reranker, source: Path, tmp_path: Path, status: int, name: str
) -> None:
    message = "the document is too long" if status == 413 else "refused"
    standin.refusal = lambda query: (status, message) if query in ("query 3", "query 9") else None
    target = tmp_path / "out.jsonl"
    report = rerank_file(source, target, reranker)
    assert (report.failed, report.journal) == (2, tmp_path / "out.jsonl.part")
    assert len(results(target)) == QUERIES - 2
    assert report.errors is not None
    errors = results(report.errors)
    assert sorted(str(error["query_id"]) for error in errors) == ["q3", "q9"]
    assert {error["status"] for error in errors} == {status}
    assert {error["request_id"] for error in errors} == {"req-7"}
    assert {error["class"] for error in errors} <= {name, "InvalidRequestError"}
    standin.refusal = lambda query: None
    standin.seen.clear()
    again = rerank_file(source, target, reranker)
    assert (again.failed, again.resumed, standin.seen.total()) == (0, QUERIES - 2, 2)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["in.jsonl", "out.jsonl"]
    assert len(results(target)) == QUERIES


def test_a_wrong_key_ends_the_run_and_keeps_the_journal(
    standin: Standin, reranker: Reranker, source: Path, tmp_path: Path
) -> None:
    standin.refusal = lambda query: (401, "no") if query == "query 20" else None
    with pytest.raises(AuthenticationError):
        rerank_file(source, tmp_path / "out.jsonl", reranker, concurrency=4)
    # What was under way is kept.
    assert (tmp_path / "out.jsonl.part").read_bytes().count(b"\n") == 1 + len(standin.paid)
    assert 20 <= len(standin.paid) < 28
    assert not (tmp_path / "out.jsonl").exists()


def test_a_service_that_is_down_ends_the_run(
    standin: Standin, reranker: Reranker, source: Path, tmp_path: Path
) -> None:
    standin.refusal = lambda query: None if query == "query 0" else (503, "overloaded")
    with pytest.raises(BulkStopped, match=r"The service is down: 10 queries in a row .*overloaded"):
        rerank_file(source, tmp_path / "out.jsonl", reranker, concurrency=2)
    assert 11 <= standin.seen.total() <= 13


def test_two_models_end_the_run(
    standin: Standin, reranker: Reranker, source: Path, tmp_path: Path
) -> None:
    standin.model = lambda query: "other" if query == "query 30" else "standin-1"
    with pytest.raises(Exception, match="'standin-1' before and 'other' now"):
        rerank_file(source, tmp_path / "out.jsonl", reranker)
    standin.model = lambda query: "other"
    with pytest.raises(Exception, match="'standin-1' before and 'other' now"):
        rerank_file(source, tmp_path / "out.jsonl", reranker)


def test_blank_queries_and_empty_lists_are_no_requests(
    standin: Standin, reranker: Reranker, tmp_path: Path
) -> None:
    odd: list[dict[str, object]] = [
        {"query_id": "blank", "query": " ", "documents": ["a"]},
        {"query_id": "none", "query": "anything", "documents": []},
        {"query_id": "empty", "query": "anything", "documents": ["", " "]},
    ]
    source = write(tmp_path / "in.jsonl", [*odd, *entries(3)])
    report = rerank_file(source, tmp_path / "out.jsonl", reranker)
    assert (report.failed, standin.seen.total(), report.model) == (1, 3, "standin-1")
    assert [len(line["results"]) for line in results(tmp_path / "out.jsonl")] == [0, 2, 5, 5, 5]  # type: ignore[arg-type]


def test_money_is_never_spent_beyond_the_limit(
    standin: Standin, reranker: Reranker, source: Path, tmp_path: Path
) -> None:
    one = estimate_file(source, reranker, limit=1).cost
    assert one is not None
    limit = one * 7.5
    with pytest.raises(BulkStopped, match="max_cost: "):
        rerank_file(source, tmp_path / "out.jsonl", reranker, max_cost=limit)
    assert 0 < (reranker.total_usage.cost or 0) <= limit
    before = standin.seen.total()
    with pytest.raises(BulkStopped, match="max_cost: "):  # also over several runs
        rerank_file(source, tmp_path / "out.jsonl", reranker, max_cost=limit)
    assert (reranker.total_usage.cost or 0) <= limit
    rerank_file(source, tmp_path / "out.jsonl", reranker)
    assert standin.paid_again == 0
    assert before < QUERIES


def test_money_that_just_suffices_does(standin: Standin, source: Path, tmp_path: Path) -> None:
    """Forty times a tenth of a cent: added one by one, they are a hair above four cents."""
    price = Price(per_request=0.001)
    reranker = Reranker(base_url=standin.base_url, prices={"bge-reranker-v2": price})
    *_, added = accumulate([0.001] * QUERIES)  # `sum` makes up for it from Python 3.12 on
    assert added > 0.04
    report = rerank_file(source, tmp_path / "out.jsonl", reranker, max_cost=0.04)
    assert (report.failed, standin.seen.total()) == (0, QUERIES)


def test_a_limit_on_the_queries_can_be_taken_away(
    standin: Standin, reranker: Reranker, source: Path, tmp_path: Path
) -> None:
    target = tmp_path / "out.jsonl"
    first = rerank_file(source, target, reranker, limit=10)
    assert (first.queries, len(results(target))) == (10, 10)
    whole = rerank_file(source, target, reranker)
    assert (whole.resumed, len(results(target)), standin.paid_again) == (10, QUERIES, 0)
    with pytest.raises(ConfigurationError, match="is there already"):
        rerank_file(source, target, reranker)


def test_a_call_waits_for_its_turn_beyond_its_timeout(
    standin: Standin, source: Path, tmp_path: Path
) -> None:
    """The window ends in about a second; the timeout is a fifth of that."""
    standin.headers = {
        "X-RateLimit-Limit-RPM": "20",
        "X-RateLimit-Remaining-RPM": "0",
        "X-RateLimit-Reset-RPM": "1",
    }
    patient = Reranker(base_url=standin.base_url, timeout=0.2, max_retries=0)
    told: list[BulkProgress] = []
    report = rerank_file(source, tmp_path / "out.jsonl", patient, limit=2, progress=told.append)
    assert (report.failed, report.queries) == (0, 2)
    assert report.seconds > 0.5
    assert {each.waiting for each in told} >= {"requests a minute: 1 s"}


def test_what_cannot_be_is_refused_before_any_request(
    standin: Standin, reranker: Reranker, source: Path, tmp_path: Path
) -> None:
    target = tmp_path / "out.jsonl"
    twice = write(tmp_path / "twice.jsonl", [*entries(3), *entries(1)])
    for message, arguments in {
        "concurrency: give at least 1": {"concurrency": 0},
        "limit: give at least 1": {"limit": 0},
        "max_cost: give dollars": {"max_cost": -1},
        "there is no such file": {"source": tmp_path / "none.jsonl"},
        "give the target one of the suffixes": {"target": tmp_path / "out.csv"},
        "does not exist": {"target": tmp_path / "none" / "out.jsonl"},
        "'q0' is there a second time": {"source": twice},
        "on_error": {"reranker": reranker.with_options(on_error="passthrough")},
        "No API key": {"reranker": Reranker()},
    }.items():
        given = {"source": source, "target": target, "reranker": reranker, **arguments}
        with pytest.raises(ConfigurationError, match=message):
            rerank_file(given.pop("source"), given.pop("target"), given.pop("reranker"), **given)  # type: ignore[arg-type]
    assert standin.seen.total() == 0
    assert sorted(file.name for file in tmp_path.iterdir()) == ["in.jsonl", "twice.jsonl"]


def test_an_estimate_is_of_what_is_sent(reranker: Reranker, source: Path) -> None:
    estimate = estimate_file(source, reranker)
    assert (estimate.queries, estimate.pairs, estimate.requests) == (40, 200, 40)
    assert estimate.cost == pytest.approx(estimate.tokens * 0.05e-6)
    assert estimate.minutes(10, None) == 4
    assert estimate.minutes(10, 1) == estimate.tokens
