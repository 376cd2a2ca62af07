"""Lists longer than one request takes: cut, sent side by side, and merged into one ranking."""

from __future__ import annotations

import json
import logging
from itertools import repeat
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assisters_rerank.errors import ContractError, InvalidRequestError
from assisters_rerank.wire.messages import Answer

from ..answers import answer, honest, refused, score
from ..scripted_port import ScriptedPort, rank
from ..texts import lists, on_the_wire


def bodies(port: ScriptedPort) -> list[dict[str, Any]]:
    return [json.loads(sent.request.body) for sent in port.sent]


def test_a_list_is_cut_into_full_requests_in_its_own_order() -> None:
    texts = [f"text {i}" for i in range(25)]
    port = ScriptedPort(repeat(honest))
    ranking = rank(port, texts, max_documents_per_request=10, max_concurrency=4)
    assert [body["documents"] for body in bodies(port)] == [texts[:10], texts[10:20], texts[20:]]
    assert port.limits == [4]
    assert [(r.index, r.relevance_score) for r in ranking] == sorted(
        ((i, score(text)) for i, text in enumerate(texts)), key=lambda pair: -pair[1]
    )
    assert ranking.usage.requests == 3


@given(lists, st.integers(1, 13))
def test_shards_cover_every_text_once_and_are_full_but_the_last(
    documents: list[str], size: int
) -> None:
    port = ScriptedPort(repeat(honest))
    rank(port, documents, max_documents_per_request=size)
    shards = [body["documents"] for body in bodies(port)]
    expected = [on_the_wire(t) for t in dict.fromkeys(documents) if t.strip()]
    assert [text for shard in shards for text in shard] == expected
    assert all(len(shard) == size for shard in shards[:-1])
    assert all(1 <= len(shard) <= size for shard in shards)


@pytest.mark.parametrize("count", [1, 10])
def test_a_list_that_fits_is_one_request_and_needs_no_company(count: int) -> None:
    port = ScriptedPort([honest])
    rank(port, [f"text {i}" for i in range(count)], max_documents_per_request=10)
    assert len(port.sent) == 1
    assert port.limits == []


def test_only_texts_to_score_are_counted() -> None:
    port = ScriptedPort([honest])
    rank(port, ["a", " ", "b", "a", "", "c", "b"], max_documents_per_request=3)
    assert bodies(port)[0]["documents"] == ["a", "b", "c"]


def test_top_n_goes_along_only_where_it_leaves_something_out() -> None:
    port = ScriptedPort(repeat(honest))
    rank(port, [f"text {i}" for i in range(7)], top_n=3, max_documents_per_request=4)
    assert [body.get("top_n", "absent") for body in bodies(port)] == [3, "absent"]


def test_one_failing_shard_ends_the_others() -> None:
    port = ScriptedPort([honest, refused(422)])
    with pytest.raises(InvalidRequestError):
        rank(port, ["a", "b", "c", "d"], max_documents_per_request=1)
    assert len(port.sent) == 2


def test_usage_model_and_request_ids_are_gathered() -> None:
    def part(number: int, **usage: object) -> object:
        return answer(
            {
                "model": "m",
                "results": [{"index": 0, "relevance_score": 0.5}],
                "usage": usage,
                "meta": {"billed_units": {"search_units": number}},
            },
            x_request_id=f"r-{number}",
        )

    port = ScriptedPort(
        [
            part(1, prompt_tokens=3, total_tokens=4),
            part(2, prompt_tokens=5),
            part(3, prompt_tokens=1),
        ]
    )
    ranking = rank(port, ["a", "b", "c"], max_documents_per_request=1)
    assert ranking.model == "m"
    assert ranking.request_ids == ("r-1", "r-2", "r-3")
    assert ranking.usage.total_tokens == 4 + 5 + 1
    assert not ranking.usage.tokens_estimated
    assert ranking.usage.search_units == 6


def test_scores_of_different_models_are_not_merged() -> None:
    def part(model: str) -> object:
        return answer({"model": model, "results": [{"index": 0, "relevance_score": 0.5}]})

    port = ScriptedPort([part("m-1"), part("m-2")])
    with pytest.raises(ContractError, match="m-1, m-2"):
        rank(port, ["a", "b"], max_documents_per_request=1)


def test_one_models_name_suffices_and_need_not_be_the_one_asked_for() -> None:
    named = answer({"model": "other", "results": [{"index": 0, "relevance_score": 0.5}]})
    silent = answer({"results": [{"index": 0, "relevance_score": 0.5}]})
    port = ScriptedPort([silent, named])
    assert rank(port, ["a", "b"], max_documents_per_request=1).model == "other"
    assert rank(ScriptedPort([silent]), ["a"], model="asked").model == "asked"


def test_a_degraded_call_is_logged_once_with_its_cause(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "assisters_rerank")
    port = ScriptedPort(repeat(refused(503)))
    rank(port, ["a", "b"], max_documents_per_request=1, on_error="passthrough", max_retries=0)
    (record,) = caplog.records
    assert "503" in record.getMessage()


def test_what_passes_through_is_not_checked_for_scores_that_nobody_gets() -> None:
    def part(model: str) -> Answer:
        return answer({"model": model, "results": [{"index": 0, "relevance_score": 0.5}]})

    port = ScriptedPort([part("m-1"), part("m-2"), refused(503)])
    ranking = rank(
        port, ["a", "b", "c"], max_documents_per_request=1, on_error="passthrough", max_retries=0
    )
    assert ranking.degraded
    assert [r.index for r in ranking] == [0, 1, 2]
    assert ranking.model == "bge-reranker-v2"
