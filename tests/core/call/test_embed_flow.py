"""The embedding flow over a scripted port: batches, encodings, retries, budget, usage."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import repeat
from typing import Any

import pytest

from assisters_rerank.call.state import State
from assisters_rerank.errors import (
    AuthenticationError,
    BudgetExceeded,
    ConfigurationError,
    ContractError,
    InvalidRequestError,
    RateLimitError,
    StatusError,
    TransportError,
)
from assisters_rerank.wire.messages import Answer, Request

from ..answers import answer, refused
from ..embeddings import embed, embedded, encodings, honest, inputs, payload_of, vector
from ..scripted_port import Reply, ScriptedPort


def expected(texts: list[str]) -> list[list[float]]:
    return [vector(text) for text in texts]


def numbered(count: int) -> list[str]:
    return [f"text {place}" for place in range(count)]


def using(**usage: object) -> Callable[[Request], Answer]:
    return lambda request: answer(embedded(payload_of(request)) | {"usage": usage})


class TestBatches:
    @pytest.mark.parametrize("count", [1, 99, 100, 101, 250])
    def test_at_most_a_hundred_a_request_in_order(self, count: int) -> None:
        port, texts = ScriptedPort(repeat(honest)), numbered(count)
        assert embed(port, texts) == expected(texts)
        assert [text for batch in inputs(port) for text in batch] == texts
        assert [len(batch) for batch in inputs(port)][:-1] == [100] * ((count - 1) // 100)

    def test_the_size_and_the_number_at_once_can_be_chosen(self) -> None:
        port = ScriptedPort(repeat(honest))
        assert embed(port, ["a", "b", "c"], max_texts_per_request=2, max_concurrency=7) == (
            expected(["a", "b", "c"])
        )
        assert inputs(port) == [["a", "b"], ["c"]]
        assert port.limits == [7]

    def test_equal_texts_go_out_once_and_come_back_each(self) -> None:
        port, state = ScriptedPort(repeat(honest)), State()
        texts = ["a", "b", "a", "c", "b", "a"]
        vectors = embed(port, texts, state, max_texts_per_request=2)
        assert vectors == expected(texts)
        assert inputs(port) == [["a", "b"], ["c"]]
        vectors[0][0] = 99.0  # nobody's vector is another's too
        assert vectors[1:] == expected(texts)[1:]
        assert state.total_usage.sum.documents_duplicate == 3
        assert state.total_usage.sum.documents_sent == 3

    def test_texts_that_differ_a_little_are_different(self) -> None:
        port, texts = ScriptedPort(repeat(honest)), ["a", "a ", "A", "é", "e\u0301", "\ud83d"]
        assert embed(port, texts) == expected(texts)
        assert len(inputs(port)[0]) == 6

    def test_each_request_has_an_idempotency_key_of_its_own(self) -> None:
        port = ScriptedPort(repeat(honest))
        embed(port, numbered(4), max_texts_per_request=1)
        assert len({sent.request.headers["Idempotency-Key"] for sent in port.sent}) == 4

    def test_parts_that_do_not_compare_are_refused(self) -> None:
        def longer(request: Request) -> Answer:
            return answer({"data": [{"index": 0, "embedding": [1.0] * 5}]})

        def other_model(request: Request) -> Answer:
            return answer(embedded(payload_of(request)) | {"model": "other"})

        for odd in (longer, other_model):
            with pytest.raises(ContractError, match="parts of the list"):
                embed(ScriptedPort([honest, odd]), ["a", "b"], max_texts_per_request=1)

    def test_a_part_that_names_no_model_is_no_other_model(self) -> None:
        def silent(request: Request) -> Answer:
            content = embedded(payload_of(request))
            del content["model"]
            return answer(content)

        port = ScriptedPort([honest, silent])
        assert embed(port, ["a", "b"], max_texts_per_request=1) == expected(["a", "b"])


def float_only(status: int, body: object) -> Callable[[Request], Answer]:
    """A server that refuses base64 in this way."""

    def reply(request: Request) -> Answer:
        if payload_of(request)["encoding_format"] == "base64":
            return answer(body, status)
        return honest(request)

    return reply


REFUSALS: dict[str, tuple[int, object]] = {
    "openai": (400, {"error": {"message": "Invalid value for 'encoding_format'."}}),
    "base64": (400, {"error": {"message": "BASE64 is not supported"}}),
    "param": (400, {"error": {"message": "Unsupported value.", "param": "encoding_format"}}),
    "fastapi": (
        422,
        {
            "detail": [
                {
                    "type": "literal_error",
                    "loc": ["body", "encoding_format"],
                    "msg": "Input should be 'float'",
                    "input": "base64",
                }
            ]
        },
    ),
    "fastapi-late": (
        422,
        {
            "detail": [
                {"type": "missing", "loc": ["body", "something"], "msg": "Required " * 30},
                {"type": "extra_forbidden", "loc": ["body", "encoding_format"], "msg": "Extra"},
            ]
        },
    ),
    "plain": (400, "unknown field encoding_format"),
}


class TestEncodings:
    def test_base64_is_asked_for(self) -> None:
        port = ScriptedPort([honest])
        embed(port, ["a"])
        assert encodings(port) == ["base64"]

    def test_floats_are_taken_where_base64_was_asked_for(self) -> None:
        def floats(request: Request) -> Answer:
            return answer(embedded(payload_of(request) | {"encoding_format": "float"}))

        port = ScriptedPort([floats])
        assert embed(port, ["a", "b"]) == expected(["a", "b"])
        assert len(port.sent) == 1

    @pytest.mark.parametrize("name", REFUSALS)
    def test_a_server_that_refuses_base64_is_asked_for_floats_from_then_on(self, name: str) -> None:
        port, state = ScriptedPort(repeat(float_only(*REFUSALS[name]))), State()
        for _ in range(2):
            assert embed(port, ["a", "b"], state) == expected(["a", "b"])
        assert encodings(port) == ["base64", "float", "float"]
        assert port.sleeps == []
        keys = [sent.request.headers["Idempotency-Key"] for sent in port.sent]
        assert len(set(keys)) == 3  # another body needs another key
        assert state.total_usage.sum.requests == 2
        assert state.total_usage.sum.documents_sent == 4

    def test_batches_that_come_after_the_refusal_do_not_try_again(self) -> None:
        port = ScriptedPort(repeat(float_only(*REFUSALS["openai"])))
        embed(port, numbered(4), max_texts_per_request=1)
        assert encodings(port) == ["base64", *["float"] * 4]

    @pytest.mark.parametrize(
        "refusal",
        [
            answer({"error": {"message": "input[0] is too long"}}, 400),
            answer({"error": {"message": "no base64 here"}}, 404),
            answer({"error": {"message": "no base64 here"}}, 401),
        ],
    )
    def test_other_refusals_are_raised_at_once(self, refusal: Answer) -> None:
        port, state = ScriptedPort([refusal]), State()
        with pytest.raises(StatusError):
            embed(port, ["a"], state)
        assert encodings(port) == ["base64"]
        assert not state.base64_refused

    def test_an_address_with_the_word_in_it_is_no_refusal_of_it(self) -> None:
        port = ScriptedPort([answer({"error": {"message": "too long"}}, 400)])
        with pytest.raises(InvalidRequestError, match="too long"):
            embed(port, ["a"], base_url="https://base64.test/v1")
        assert encodings(port) == ["base64"]

    def test_a_refusal_that_only_repeats_the_request_is_raised_and_not_remembered(self) -> None:
        echo = answer({"error": {"message": "too long: 'base64 is an encoding'"}}, 400)
        port, state = ScriptedPort([echo, echo, honest]), State()
        with pytest.raises(InvalidRequestError, match="too long"):
            embed(port, ["a"], state)
        assert embed(port, ["a"], state) == expected(["a"])
        assert encodings(port) == ["base64", "float", "base64"]

    def test_a_refusal_of_floats_too_is_raised(self) -> None:
        port = ScriptedPort(repeat(answer({"error": {"message": "encoding_format: no"}}, 400)))
        with pytest.raises(InvalidRequestError, match="encoding_format"):
            embed(port, ["a"])
        assert encodings(port) == ["base64", "float"]


class TestRetries:
    @pytest.mark.parametrize(
        "failure",
        [refused(503), refused(500), TransportError("reset")],
        ids=["503", "500", "reset"],
    )
    def test_a_transient_failure_is_retried_with_the_same_key(self, failure: Reply) -> None:
        port, state = ScriptedPort([failure, failure, honest]), State()
        assert embed(port, ["a"], state) == expected(["a"])
        assert len({sent.request.headers["Idempotency-Key"] for sent in port.sent}) == 1
        assert len(port.sleeps) == 2
        assert state.total_usage.sum.retries == 2

    def test_after_the_last_retry_the_failure_is_raised(self) -> None:
        port, state = ScriptedPort(repeat(refused(503))), State()
        with pytest.raises(StatusError) as caught:
            embed(port, ["a"], state, max_retries=2)
        assert (caught.value.status, len(port.sent)) == (503, 3)
        assert state.total_usage.sum.requests == 0

    @pytest.mark.parametrize(
        ("failure", "error"),
        [
            (refused(401), AuthenticationError),
            (refused(413), InvalidRequestError),
            (refused(429, code="insufficient_quota"), StatusError),
        ],
    )
    def test_what_waiting_does_not_help_is_raised_at_once(
        self, failure: Answer, error: type[Exception]
    ) -> None:
        port = ScriptedPort([failure])
        with pytest.raises(error):
            embed(port, ["a"])
        assert port.sleeps == []

    def test_an_unbelievable_answer_is_raised_and_never_half_taken(self) -> None:
        half = answer({"data": [{"index": 0, "embedding": [1.0]}]})
        port, state = ScriptedPort(repeat(half)), State()
        with pytest.raises(ContractError, match="`data` has vectors for 1 of 2 texts"):
            embed(port, ["a", "b"], state, max_retries=0)
        assert state.total_usage.sum.documents_sent == 0

    def test_a_429_holds_all_batches_and_each_is_sent_at_last(self) -> None:
        port = ScriptedPort([refused(429, retry_after="3"), *repeat(honest, 3)])
        texts = numbered(3)
        assert embed(port, texts, max_texts_per_request=1) == expected(texts)
        assert sum(port.sleeps) == pytest.approx(3)

    def test_a_wait_that_does_not_fit_is_not_waited_for(self) -> None:
        port = ScriptedPort([refused(429, retry_after="31")])
        with pytest.raises(RateLimitError):
            embed(port, ["a"], timeout=30)
        assert port.sleeps == []

    def test_the_budget_is_the_calls_over_all_its_requests(self) -> None:
        port = ScriptedPort(repeat(honest), send_seconds=4)
        with pytest.raises(BudgetExceeded):
            embed(port, numbered(3), max_texts_per_request=1, timeout=10)
        assert [sent.budget for sent in port.sent] == [10, 6, 2]

    def test_a_pace_is_shared_by_batches_and_calls(self) -> None:
        port, state = ScriptedPort(repeat(honest)), State()
        options = {"requests_per_minute": 2, "max_texts_per_request": 1, "timeout": 200}
        embed(port, ["a", "b"], state, **options)
        assert port.sleeps == []
        embed(port, ["c"], state, **options)
        assert port.sent[2].at - port.sent[0].at == pytest.approx(60, abs=1)

    def test_a_pace_of_tokens_counts_the_texts(self) -> None:
        port, state = ScriptedPort(repeat(honest)), State()
        options: dict[str, Any] = {
            "tokens_per_minute": 10, "count_tokens": len, "timeout": 200,
        }  # fmt: skip
        embed(port, ["12345678"], state, **options)
        embed(port, ["123"], state, **options)
        assert port.sent[1].at - port.sent[0].at == pytest.approx(60, abs=1)


class TestUsage:
    def test_what_the_server_reports_is_added_up(self) -> None:
        port, state = ScriptedPort([using(total_tokens=7), using(prompt_tokens=5)]), State()
        embed(port, ["a", "b"], state, max_texts_per_request=1, prices={"e5-large-v2": 0.5})
        usage = state.total_usage.sum
        assert (usage.total_tokens, usage.tokens_estimated) == (12, False)
        assert (usage.requests, usage.models) == (2, ("e5-large-v2",))
        assert usage.cost == pytest.approx(12 * 0.5 / 1e6)

    def test_without_a_price_the_cost_is_unknown(self) -> None:
        state = State()
        embed(ScriptedPort([using(total_tokens=7)]), ["a"], state)
        assert state.total_usage.sum.cost is None

    def test_what_is_not_reported_is_estimated(self) -> None:
        from assisters_rerank import estimate_tokens

        state, texts = State(), ["how do plants eat", "photosynthesis"]
        embed(ScriptedPort([honest]), texts, state)
        usage = state.total_usage.sum
        assert usage.tokens_estimated
        assert usage.total_tokens == sum(map(estimate_tokens, texts))

    def test_or_counted_as_the_user_says(self) -> None:
        state = State()
        embed(
            ScriptedPort([honest]),
            ["aa", "bbb"],
            state,
            count_tokens=len,
            prices={"m": 1},
            model="m",
        )
        assert state.total_usage.sum.total_tokens == 5
        assert state.total_usage.sum.cost == pytest.approx(5 / 1e6)

    @pytest.mark.parametrize("given", ["3", -1, 1.5, None])
    def test_a_count_that_is_none_is_refused(self, given: object) -> None:
        with pytest.raises(ConfigurationError, match="count_tokens"):
            embed(ScriptedPort([honest]), ["a"], count_tokens=lambda _: given)

    def test_an_own_count_is_not_asked_for_nothing(self) -> None:
        counted: list[str] = []

        def count(text: str) -> int:
            counted.append(text)
            return 1

        embed(ScriptedPort([using(total_tokens=7)]), ["a"], count_tokens=count)
        assert counted == []

    def test_a_batch_that_succeeded_counts_though_the_call_failed(self) -> None:
        state = State()
        with pytest.raises(AuthenticationError):
            embed(
                ScriptedPort([using(total_tokens=7), refused(401)]),
                ["a", "b"],
                state,
                max_texts_per_request=1,
            )
        assert state.total_usage.sum.total_tokens == 7


def test_advice_names_this_calls_own_settings() -> None:
    with pytest.raises(InvalidRequestError) as caught:
        embed(ScriptedPort([refused(413)]), ["a"])
    assert "max_texts_per_request" in str(caught.value)
    with pytest.raises(InvalidRequestError) as caught:
        embed(ScriptedPort([refused(400)]), ["a"])
    assert "query" not in str(caught.value)


def bodies(port: ScriptedPort) -> Iterator[dict[str, Any]]:
    return (json.loads(sent.request.body) for sent in port.sent)


def test_nothing_but_the_contracts_fields_goes_out() -> None:
    port = ScriptedPort([honest])
    embed(port, ["a"])
    assert {field for body in bodies(port) for field in body} == {
        "model",
        "input",
        "encoding_format",
    }
