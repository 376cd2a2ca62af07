"""Answers of all three generations are read, and every breach of the contract is told."""

from __future__ import annotations

import json

import httpx
import pytest
from pydantic import SecretStr

from assisters_rerank.errors import ContractError
from assisters_rerank.wire import rerank_contract
from assisters_rerank.wire.billing import Billing
from assisters_rerank.wire.dialects import Dialect
from assisters_rerank.wire.messages import Answer, Request

RIGHT = [{"index": 1, "relevance_score": 0.9}, {"index": 0, "relevance_score": 0.1}]


def decoded(
    body: bytes | str, documents: int = 2, at_least: int = 2, status: int = 200, **headers: str
) -> rerank_contract.Scores:
    data = body.encode() if isinstance(body, str) else body
    request = Request("https://host.test/v1/rerank", {}, b"", SecretStr("SECRET"))
    named = httpx.Headers({name.replace("_", "-"): value for name, value in headers.items()})
    return rerank_contract.decode(
        Answer(status, named, data), request, Dialect(), documents, at_least
    )


def of(results: object, **more: object) -> str:
    return json.dumps({"results": results, **more})


FIRST = {
    "id": "rerank-abc123",
    "model": "bge-reranker-v2",
    "results": [{**result, "document": {"text": "a text"}} for result in RIGHT],
    "usage": {"prompt_tokens": 17, "total_tokens": 19},
}
SECOND = {**FIRST, "results": RIGHT}
THIRD = {
    "id": "rerank-abc123",
    "results": [{**result, "document": "a text"} for result in RIGHT],
    "meta": {"api_version": {"version": "2"}, "billed_units": {"search_units": 3}},
}


@pytest.mark.parametrize(
    ("content", "model", "total", "units"),
    [
        (FIRST, "bge-reranker-v2", 19, None),
        (SECOND, "bge-reranker-v2", 19, None),
        (THIRD, None, None, 3),
    ],
    ids=["first", "second", "third"],
)
def test_each_generation(
    content: object, model: str | None, total: int | None, units: int | None
) -> None:
    scores = decoded(json.dumps(content))
    assert scores.by_index == {0: 0.1, 1: 0.9}
    assert (scores.model, scores.billing.total_tokens) == (model, total)
    assert scores.billing.search_units == units
    assert scores.request_id == "rerank-abc123"


@pytest.mark.parametrize(
    ("usage", "total"),
    [
        ({"prompt_tokens": 17}, 17),
        ({"prompt_tokens": 17, "total_tokens": 0}, 17),
        ({"prompt_tokens": 17, "total_tokens": None}, 17),
        ({"prompt_tokens": 17, "total_tokens": "19"}, 17),
        ({"total_tokens": 19}, 19),
        ({"total_tokens": 19.0}, 19),
        ({"total_tokens": 10**400}, None),
    ],
)
def test_the_prompts_tokens_stand_in_for_a_missing_total(usage: object, total: int | None) -> None:
    assert decoded(of(RIGHT, usage=usage)).billing.total_tokens == total


def test_the_request_id_header_wins_over_the_answers_id() -> None:
    assert decoded(of(RIGHT, id="body"), x_request_id="header").request_id == "header"
    assert decoded(of(RIGHT)).request_id is None


@pytest.mark.parametrize("status", [200, 201, 203])
def test_any_success_status_will_do(status: int) -> None:
    assert decoded(of(RIGHT), status=status).by_index == {0: 0.1, 1: 0.9}


@pytest.mark.parametrize(
    "more",
    [
        {"surprise": {"deep": [1]}}, {"error": None}, {"error": ""}, {"usage": "free"},
        {"usage": {"prompt_tokens": "17", "total_tokens": -1}}, {"usage": {"total_tokens": True}},
        {"meta": None}, {"meta": {"billed_units": [3]}}, {"model": 7}, {"model": ""}, {"id": 5},
    ],
)  # fmt: skip
def test_odd_fields_beside_the_scores_do_no_harm(more: dict[str, object]) -> None:
    scores = decoded(of(RIGHT, **more))
    assert scores.by_index == {0: 0.1, 1: 0.9}
    assert scores.billing == Billing()
    assert scores.model is scores.request_id is None


@pytest.mark.parametrize("score", [0, 1, -3, 12.5, 1e-300, -0.0, 2**200])
def test_every_finite_number_is_a_score_as_it_is(score: float) -> None:
    results = [{"index": 0, "relevance_score": score}]
    (got,) = decoded(of(results), 1, 1).by_index.values()
    assert got == score
    assert type(got) is float


def test_a_server_may_ignore_top_n_or_keep_to_it() -> None:
    assert len(decoded(of(RIGHT), 2, 1).by_index) == 2
    assert len(decoded(of(RIGHT[:1]), 2, 1).by_index) == 1


def one(**result: object) -> str:
    return of([{"index": 0, "relevance_score": 0.5, **result}, RIGHT[0]])


BREACHES: dict[str, tuple[bytes | str, str]] = {
    "empty": ("", "the body is empty"),
    "html": ("<html><body>Hello</body></html>", "not JSON"),
    "cut-off": (of(RIGHT)[:-9], "not JSON"),
    "no-utf8": (b'{"results": "\xff\xfe"}', "not JSON"),
    "too-deep": ("[" * 100_000, "not JSON"),
    "huge-number": ("9" * 5000, "not JSON"),
    "trailing": (of(RIGHT) + "x", "not JSON"),
    "null": ("null", "missing or null instead of an object"),
    "list": (json.dumps(RIGHT), "a list instead of an object"),
    "string": ('"ok"', "a string instead of an object"),
    "number": ("7", "an integer instead of an object"),
    "true": ("true", "a bool instead of an object"),
    "error-object": (of(RIGHT, error={"message": "overloaded"}), "overloaded"),
    "error-string": (of(RIGHT, error="overloaded"), "overloaded"),
    "error-alone": ('{"error": {"code": "x"}}', "reports an error"),
    "no-results": ("{}", "`results` is missing"),
    "null-results": (of(None), "`results` is missing or null"),
    "object-results": (of({"0": 0.5}), "`results` is an object"),
    "string-results": (of("none"), "`results` is a string"),
    "no-result-object": (of([0.5, 0.4]), r"results\[0\] is a fraction"),
    "null-result": (of([RIGHT[0], None]), r"results\[1\] is missing or null"),
    "empty-results": (of([]), "`results` has scores for 0 of 2 documents"),
    "short": (of(RIGHT[:1]), "`results` has scores for 1 of 2 documents"),
    "repeated": (of([RIGHT[0], RIGHT[0]]), "scored twice"),
    "repeated-otherwise": (of([*RIGHT, {"index": 1, "relevance_score": 0.2}]), "scored twice"),
    "out-of-range": (one(index=2), "index is 2, outside the 2 documents sent"),
    "negative": (one(index=-1), "index is -1, outside the 2 documents sent"),
    "huge-index": (one(index=10**30), "outside the 2 documents sent"),
    "string-index": (one(index="0"), "index is a string"),
    "bool-index": (one(index=False), "index is a bool"),
    "float-index": (one(index=0.0), "index is a fraction"),
    "null-index": (one(index=None), "index is missing"),
    "no-index": (of([{"relevance_score": 0.5}, RIGHT[0]]), "index is missing"),
    "nan": (one(relevance_score=float("nan")), "relevance_score is nan"),
    "infinite": (one(relevance_score=float("-inf")), "relevance_score is -inf"),
    "too-large": (of([{"index": 0}, RIGHT[0]]).replace("0}", '0, "relevance_score": 1e999}', 1),
                  "relevance_score is inf"),
    "too-large-integer": (one(relevance_score=10**400),
                          "relevance_score is an integer that is too large"),
    "null-score": (one(relevance_score=None), "relevance_score is missing"),
    "no-score": (of([{"index": 0}, RIGHT[0]]), "relevance_score is missing"),
    "other-name": (of([{"index": 0, "score": 0.5}, RIGHT[0]]), "relevance_score is missing"),
    "numeric-string": (one(relevance_score="0.5"), "relevance_score is a string"),
    "word": (one(relevance_score="high"), "relevance_score is a string"),
    "bool-score": (one(relevance_score=True), "relevance_score is a bool"),
    "list-score": (one(relevance_score=[0.5]), "relevance_score is a list"),
}  # fmt: skip


@pytest.mark.parametrize(("body", "told"), BREACHES.values(), ids=BREACHES)
def test_every_breach_is_a_contract_error(body: bytes | str, told: str) -> None:
    with pytest.raises(ContractError, match=told) as caught:
        decoded(body, x_request_id="req-77")
    assert "https://host.test/v1/rerank" in str(caught.value)
    assert "req-77" in str(caught.value)
    assert caught.value.__cause__ is None


def test_what_the_answer_quotes_is_one_line_without_the_key() -> None:
    with pytest.raises(ContractError) as caught:
        decoded("Bearer SECRET\r\n\x1b[31m failed", x_request_id="SECRET")
    assert "SECRET" not in str(caught.value)
    assert str(caught.value).isprintable()


def test_no_piece_of_the_key_is_left_where_the_quote_is_cut() -> None:
    for filler in range(230):  # a quote is cut at 200 characters, wherever that is in the body
        with pytest.raises(ContractError) as caught:
            decoded("x" * filler + " SECRET")
        assert "x S" not in str(caught.value)


def test_the_key_is_taken_out_of_what_a_ranking_keeps() -> None:
    scores = decoded(of(RIGHT, id="x SECRET", model="m SECRET"))
    assert "SECRET" not in f"{scores.request_id}{scores!r}"
    assert scores.model == "m SECRET"  # to be compared and kept; it is redacted when it is shown


def test_the_request_id_survives_a_long_complaint() -> None:
    with pytest.raises(ContractError, match="req-77"):
        decoded(of(RIGHT, error={"message": "long " * 200}), x_request_id="req-77")
