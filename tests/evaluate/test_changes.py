"""The queries that a rerank made better or worse."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from assisters_rerank.evaluate.changes import changes
from assisters_rerank.evaluate.measures import per_query

from .definitions import ndcg_at_10

DOCUMENTS = {"a": "Alpha\n\n first", "b": "beta " * 100, "c": "", "d": "x" * 160, "e": "x" * 161}
FIRST = list("abcde")


def collection(relevant: dict[str, dict[str, int]]) -> Any:
    queries = {query: f"text of {query}" for query in relevant}
    return SimpleNamespace(documents=DOCUMENTS, queries=queries, qrels=relevant)


def test_counts_and_order() -> None:
    qrels = {
        "much better": {"e": 1},
        "better": {"b": 1},
        "same": {"c": 1},
        "worse": {"d": 1},
        "much worse": {"a": 1},
        "without": {"a": 0},
    }
    reranked = {
        "much better": list("eabcd"),
        "better": list("bacde"),
        "same": list("bacde"),
        "worse": list("abced"),
        "much worse": list("bcdea"),
        "without": list("bcdea"),
    }
    first = dict.fromkeys(qrels, FIRST)
    found = changes(collection(qrels), first, reranked)
    assert (found.improved, found.worsened, found.unchanged) == (2, 2, 1)
    assert found.worse == ["much worse", "worse"]
    expected = {
        query: ndcg_at_10(reranked[query], qrels[query]) - ndcg_at_10(FIRST, qrels[query])
        for query in ("much better", "much worse", "better", "worse")
    }
    assert list(expected) == sorted(expected, key=lambda q: -abs(expected[q]))
    assert [change.query for change in found.most] == list(expected)
    for change in found.most:
        assert change.text == f"text of {change.query}"
        assert change.after - change.before == pytest.approx(expected[change.query])


def test_as_many_of_both_directions() -> None:
    qrels = {f"up {n}": {"e": 1} for n in range(5)} | {f"down {n}": {"a": 1} for n in range(3)}
    reranked = {q: list("eabcd") if q.startswith("up") else list("bacde") for q in qrels}
    found = changes(collection(qrels), dict.fromkeys(qrels, FIRST), reranked, most=2)
    assert [change.query for change in found.most] == ["up 0", "up 1", "down 0", "down 1"]
    assert found.worse == ["down 0", "down 1", "down 2"]


def test_the_first_documents_of_both_orders() -> None:
    qrels = {"q": {"e": 2, "b": 1}}
    found = changes(collection(qrels), {"q": FIRST}, {"q": list("ebadc")}, top=3)
    change = found.most[0]
    beta = ("b", ("beta " * 32).strip()[:159] + "…", 1)
    assert change.top_before == [("a", "Alpha first", 0), beta, ("c", "", 0)]
    assert change.top_after == [("e", "x" * 159 + "…", 2), beta, ("a", "Alpha first", 0)]


def test_a_text_that_just_fits_is_not_cut() -> None:
    found = changes(collection({"q": {"d": 1}}), {"q": FIRST}, {"q": ["d"]}, top=1)
    assert found.most[0].top_after == [("d", "x" * 160, 1)]


def test_only_the_queries_that_were_reranked() -> None:
    qrels = {"done": {"b": 1}, "not yet": {"a": 1}}
    found = changes(collection(qrels), dict.fromkeys(qrels, FIRST), {"done": list("bacde")})
    assert (found.improved, found.worsened, found.unchanged) == (1, 0, 0)


def test_equal_gains_in_another_order_are_no_change() -> None:
    qrels = {"q": {"a": 3, "b": 3, "c": 3, "d": 1}}
    found = changes(collection(qrels), {"q": list("abced")}, {"q": list("cabed")})
    assert (found.improved, found.worsened, found.unchanged) == (0, 0, 1)


def test_equal_sums_of_other_gains_are_no_change() -> None:
    # The first place counts once, the third a half, the seventh a third: 4/2 + 1/3 = 1/1 + 4/3.
    qrels = {"q": {"four": 4, "one": 1}}
    first = {"q": ["a", "b", "four", "c", "d", "e", "one"]}
    reranked = {"q": ["one", "a", "b", "c", "d", "e", "four"]}
    before, after = (per_query(order, qrels)["nDCG@10"]["q"] for order in (first, reranked))
    assert before != after  # in the last bit
    found = changes(collection(qrels), first, reranked, most=0)
    assert (found.improved, found.worsened, found.unchanged) == (0, 0, 1)


def test_found_only_by_the_rerank() -> None:
    found = changes(collection({"q": {"a": 1}}), {}, {"q": ["a"]})
    assert found.most[0].before == 0
    assert found.most[0].top_before == []
