"""`check_server` tells right servers from wrong ones, and says what each of them is."""

from __future__ import annotations

import asyncio
import json
import logging
import math
import random
from collections.abc import Callable
from typing import Any

import pytest
import trio

from assisters_rerank import (
    ConfigurationError,
    Dialect,
    MemoryCache,
    Reranker,
    ServerReport,
    acheck_server,
    check_server,
)
from assisters_rerank.checking import checked_server
from assisters_rerank.checking.labelled_questions import EASY, HARD
from assisters_rerank.local import LocalServer, load_scorer
from assisters_rerank.wire.dialects import ASSISTERS_DIALECT, DIALECTS

from ..servers.standins import (
    KEY,
    MODEL,
    SHAPES,
    Answer,
    Scorer,
    Shape,
    StandIn,
    answering,
    lexical,
    standing_in,
)
from ..servers.test_dialects import NIM, PATHS, nim

PROBABLY = "probably loaded wrongly"


def checked(shape: Shape, path: str = "/v1", **options: Any) -> tuple[ServerReport, StandIn]:
    with standing_in(shape) as server:
        options = {"model": MODEL, **options}
        with Reranker(base_url=server.url + path, **options) as reranker:
            report = check_server(reranker)
        assert len(server.seen) == report.requests <= 100
    return report, server


# --- right ones ---


def test_a_right_server() -> None:
    report, server = checked(answering(most=100, window=512))
    assert report.is_right, report.problems
    assert (report.dialect, report.key, report.reachable) == ("assisters", "not needed", True)
    assert report.ranking is not None
    assert (report.ranking.verdict, report.ranking.easy_right) == ("right", 8)
    assert any("compare words" in note for note in report.notes)
    assert report.scores is not None
    assert report.scores.kind == "0…1"
    assert report.company is not None
    assert (report.company.deterministic, report.company.listwise) == (True, False)
    assert report.sizes is not None
    assert (report.sizes.most, report.sizes.refused) == (100, 101)
    assert report.timings is not None
    assert list(report.timings.median_ms) == [1, 10, 50]
    assert report.reported is not None
    assert report.reported.tokens
    assert report.line == (
        f'Reranker(base_url="{server.url}/v1", model="{MODEL}", max_tokens='
        f"{report.options['max_tokens']})"
    )


@pytest.mark.parametrize("name", sorted(DIALECTS.keys() - {ASSISTERS_DIALECT}))
def test_the_dialect_and_the_address_are_found(name: str) -> None:
    # Where they are not: with /v1 where there is none, and without.
    report, server = checked(SHAPES[name], "" if name in PATHS else "/v1", api_key=KEY)
    assert report.is_right, report.problems
    assert report.dialect == name
    assert report.options["dialect"] == f'"{name}"'
    assert report.options["base_url"] == f'"{server.url}{PATHS.get(name, "")}"'
    assert report.sizes is not None
    most = {"tei": 32, "pinecone": 100}.get(name)
    assert report.sizes.most == (most or 1000)
    line = str(report.line).replace("…", KEY)
    assert eval(line, {"Reranker": Reranker}).dialect == name


def test_a_dialect_of_ones_own_is_tried_first() -> None:
    report, server = checked(nim, dialect=NIM)
    assert report.dialect == "your own"
    assert len(report.attempts) == 1
    line = str(report.line).replace(server.url, "http://127.0.0.1:9")
    assert eval(line, {"Reranker": Reranker, "Dialect": Dialect}).dialect == NIM
    assert report.scores is not None
    assert report.scores.kind == "logits"
    assert report.options["score_activation"] == '"sigmoid"'


def test_the_local_servers_scorers_are_right() -> None:
    with LocalServer(scorer=load_scorer("lexical"), max_tokens=512) as server:
        report = check_server(Reranker(base_url=server.base_url))
    assert report.is_right, report.problems
    assert report.lengths is not None
    assert report.lengths.outcome == "cut"
    assert "max_tokens" not in report.options  # the catalogue has it
    assert report.reported is not None
    assert report.reported.requests_per_minute


# --- wrong ones ---


def chance(query: str, texts: list[str]) -> list[float]:
    return [random.random() for _ in texts]


def of_random_weights(query: str, texts: list[str]) -> list[float]:
    return [random.Random(f"{query}{text}").random() for text in texts]


def by_length(query: str, texts: list[str]) -> list[float]:
    return [len(text) / 100_000 for text in texts]


def by_shortness(query: str, texts: list[str]) -> list[float]:
    return [-len(text) for text in texts]


def constant(query: str, texts: list[str]) -> list[float]:
    return [0.5] * len(texts)


def distances(query: str, texts: list[str]) -> list[float]:
    return [1 - found for found in lexical(query, texts)]


def to_the_best(query: str, texts: list[str]) -> list[float]:
    found = lexical(query, texts)
    return [each / max(found) for each in found]


def softmax(query: str, texts: list[str]) -> list[float]:
    powers = [math.exp(5 * each) for each in lexical(query, texts)]
    return [power / sum(powers) for power in powers]


def by_place(query: str, texts: list[str]) -> list[float]:
    return [1 - place / 2000 for place in range(len(texts))]


@pytest.mark.parametrize(
    ("scorer", "said"),
    [
        (constant, "All scores are alike"),
        (of_random_weights, PROBABLY),
        (by_length, PROBABLY),
        (by_shortness, PROBABLY),
        (by_place, PROBABLY),
        (chance, "other scores each time"),
        (distances, "low scores are the good ones"),
        (to_the_best, "List-wise"),
        (softmax, "List-wise"),
        (by_place, "List-wise"),
    ],
)
def test_a_wrong_scorer_is_found_out(scorer: Scorer, said: str) -> None:
    report, _ = checked(answering(scorer, most=20, window=100))
    assert not report.is_right
    assert said in " ".join(report.problems)


@pytest.mark.parametrize("place", range(4))
def test_no_place_is_right_often(place: int) -> None:
    for questions in (EASY, HARD):
        assert sum(question.right == place for question in questions) == 2


def test_a_batchs_noise_is_no_list_wise_model() -> None:
    def noisy(query: str, texts: list[str]) -> list[float]:
        return [each + random.uniform(0, 0.003) for each in lexical(query, texts)]

    report, _ = checked(answering(noisy, most=20, window=80))
    assert report.is_right, report.problems
    assert report.company is not None
    assert report.company.repeated > 0
    assert report.company.listwise is False


def test_a_list_wise_server_needs_all_in_one_request() -> None:
    report, _ = checked(answering(to_the_best, most=250, window=300))
    assert report.options["max_documents_per_request"] == "250"
    assert report.options["listwise"] == "True"
    assert report.lengths is not None
    assert report.lengths.outcome == "cut"


def test_a_list_wise_server_is_right_once_that_is_said() -> None:
    report, _ = checked(answering(to_the_best, most=20, window=80), listwise=True)
    assert report.is_right, report.problems
    report, _ = checked(answering(most=20, window=80), listwise=True)
    assert report.company is not None
    assert report.company.listwise is False
    assert "listwise" not in report.options


# --- keys ---


def test_a_key_that_is_needed_and_right() -> None:
    report, _ = checked(answering(key=KEY, most=20, window=80), api_key=KEY)
    assert (report.is_right, report.key) == (True, "needed")
    assert report.options["api_key"] == '"…"'
    assert KEY not in str(report)


@pytest.mark.parametrize(("given", "key"), [(None, "missing"), ("ask_another", "wrong")])
def test_a_key_that_is_not(given: str | None, key: str) -> None:
    report, _ = checked(answering(key=KEY), api_key=given)
    assert not report.is_right
    assert (report.reachable, report.dialect, report.key) == (True, None, key)
    assert "Invalid API key" in report.problems[0]


def test_a_key_that_nobody_looks_at() -> None:
    report, _ = checked(answering(most=20, window=80), api_key=KEY)
    assert report.key == "not needed"
    assert "api_key" not in report.options


# --- long documents, many documents ---


@pytest.mark.parametrize("window", [60, 500, 3000])
@pytest.mark.parametrize("cuts", [True, False])
def test_the_window_is_found(window: int, cuts: bool) -> None:
    report, _ = checked(answering(window=window, cuts=cuts))
    found = report.lengths
    assert found is not None
    assert found.outcome == ("cut" if cuts else "refused")
    assert found.status == (None if cuts else 400)
    reranker = eval(str(report.line), {"Reranker": Reranker})
    assert (reranker.long_documents == "truncate") == (not cuts)
    # The stand-in counts words, of which the texts have three for four estimated tokens.
    assert 0.9 * window < found.tokens * 0.86 < 1.1 * window


def test_a_500_for_a_long_document_is_a_refusal() -> None:
    def llama_cpp(tokens: int) -> Answer:
        message = f"input ({tokens} tokens) is too large to process. increase the physical batch"
        return 500, {"error": {"code": 500, "message": message, "type": "server_error"}}

    report, _ = checked(answering(window=128, cuts=False, refusal=llama_cpp))
    assert report.lengths is not None
    assert (report.lengths.outcome, report.lengths.status) == ("refused", 500)


def test_rounding_in_a_batch_does_not_look_like_reading() -> None:
    def rounded(query: str, texts: list[str]) -> list[float]:
        # Equal each time, but not in another place of a batch, as real servers' scores are.
        return [each + 1e-4 * place for place, each in enumerate(lexical(query, texts))]

    report, _ = checked(answering(rounded, window=200, most=20))
    assert report.is_right, report.problems
    assert report.company is not None
    assert (report.company.repeated, report.company.listwise) == (0, False)
    assert report.lengths is not None
    assert report.lengths.outcome == "cut"
    assert report.lengths.tokens < 300


def test_documents_that_are_read_whole() -> None:
    report, _ = checked(answering())
    assert report.lengths is not None
    assert report.lengths.outcome == "read"
    assert report.lengths.tokens > 8000
    assert "max_tokens" not in report.options


@pytest.mark.parametrize("most", [1, 7, 32, 99, 640])
def test_the_most_documents_are_found(most: int) -> None:
    report, _ = checked(answering(most=most, window=100))
    assert report.is_right == (most >= 4)  # as many as a question has
    assert report.sizes is not None
    assert (report.sizes.most, report.sizes.refused) == (most, most + 1)
    assert report.options.get("max_documents_per_request") == (str(most) if most < 100 else None)


def test_results_that_are_left_out_count_as_refused() -> None:
    def of_ten(path: str, body: dict[str, Any], headers: Any) -> Answer:
        body = {**body, "top_n": 10}
        return answering(window=100)(path, body, headers)

    report, _ = checked(of_ten)
    assert report.sizes is not None
    assert (report.sizes.most, report.sizes.refused) == (10, 11)


# --- no answer ---


def test_nobody_listens() -> None:
    report = check_server(Reranker(base_url="http://127.0.0.1:9/v1", model=MODEL, max_retries=0))
    assert (report.reachable, report.requests, report.line) == (False, 1, None)
    assert "No answer from http://127.0.0.1:9/v1" in report.problems[0]


def test_a_server_of_something_else() -> None:
    report, _ = checked(lambda *_: (404, "<html><title>Welcome</title></html>"))
    assert report.reachable
    assert report.dialect is None
    assert len(report.attempts) == 2 * len(DIALECTS)
    assert "none of the dialects" in report.problems[0]


def test_the_words_about_a_wrong_model_come_first() -> None:
    def unknown(path: str, body: dict[str, Any], headers: Any) -> Answer:
        if path != "/v1/rerank":
            return 404, {"detail": "Not Found"}
        return 400, {"error": {"message": f"Invalid model name passed in model={body['model']}"}}

    report, _ = checked(unknown, "")
    assert "Invalid model name" in report.problems[0]


def test_a_404_about_the_model_comes_before_what_is_said_of_other_dialects_fields() -> None:
    def vllm(path: str, body: dict[str, Any], headers: Any) -> Answer:  # as 0.32 says it
        if path != "/v1/rerank":
            return 404, {"detail": "Not Found"}
        if "documents" not in body:
            return 400, {"error": {"message": "1 validation error: body.documents missing"}}
        return 404, {"error": {"message": f"The model `{body['model']}` does not exist."}}

    report, _ = checked(vllm, model="127")  # as a part of the address, too
    assert "The model `127` does not exist" in report.problems[0]


# --- bounds ---


def test_the_cost_is_bounded() -> None:
    with standing_in(answering()) as server:
        options = {"base_url": f"{server.url}/v1", "model": MODEL}
        reranker = Reranker(prices={MODEL: 100.0}, **options)
        report = check_server(reranker, max_cost=0.01)
        assert report.cost is not None
        assert 0 < report.cost <= 0.01
        assert "more than $0.01" in str(report.stopped)
        with pytest.raises(ConfigurationError, match=f"max_cost: the price of '{MODEL}'"):
            check_server(Reranker(**options), max_cost=1)
        assert check_server(reranker, max_cost=0).requests == 0
    with pytest.raises(ConfigurationError, match="max_cost"):
        check_server(reranker, max_cost=math.nan)


def test_what_the_server_says_that_a_call_cost_bounds_it_too() -> None:
    def priced(path: str, body: dict[str, Any], headers: Any) -> Answer:
        status, content = answering()(path, body, headers)
        assert isinstance(content, dict)
        content["usage"]["cost"] = 1e-4 * content["usage"]["total_tokens"]
        return status, content

    with standing_in(priced) as server:
        report = check_server(Reranker(base_url=f"{server.url}/v1", model=MODEL), max_cost=0.2)
    assert report.cost is not None
    assert report.cost <= 0.25
    assert report.stopped


@pytest.mark.parametrize("most", [1, 5, 30])
def test_the_requests_are_bounded(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checked_server, "MOST_REQUESTS", most)
    report, server = checked(answering(most=2, window=100))
    assert len(server.seen) == most
    assert report.stopped == f"after {most} requests"
    assert report.notes[-1].startswith(f"The check ended early, after {most} requests")


def test_the_longest_way_is_within_the_bound() -> None:
    """The last dialect, list-wise, with limits that are found late, and a key."""

    def pinecone(path: str, body: dict[str, Any], headers: Any) -> Answer:
        if headers.get("api-key") != KEY:
            return 401, "Invalid API Key"
        if path != "/rerank":
            return 404, ""
        texts = [each["text"] for each in body["documents"]]
        shape = answering(to_the_best, most=998, window=6000, cuts=True)
        status, content = shape("/v1/rerank", {**body, "documents": texts}, headers)
        if status == 200:
            assert isinstance(content, dict)
            content["data"] = [
                {"index": each["index"], "score": each["relevance_score"]}
                for each in content.pop("results")
            ]
        return status, content

    report, _ = checked(pinecone, api_key=KEY)
    assert report.dialect == "pinecone"
    assert report.stopped is None
    assert report.timings is not None
    assert list(report.timings.median_ms) == [1, 10, 50]


# --- the object that is checked ---


def test_the_reranker_stays_as_it_was() -> None:
    with standing_in(answering(most=20, window=80)) as server:
        cache = MemoryCache()
        reranker = Reranker(
            base_url=f"{server.url}/v1", model=MODEL, cache=cache, top_n=1, score_threshold=0.9,
            on_error="passthrough", score_activation="sigmoid",
        )  # fmt: skip
        before = dict(reranker)
        report = check_server(reranker)
        assert report.is_right, report.problems
        assert dict(reranker) == before
        assert len(cache) == 0
        assert reranker.total_usage.total_tokens == report.total_tokens


def test_what_the_reranker_makes_of_answers_is_left_aside() -> None:
    plain, _ = checked(answering(most=20, window=80))
    report, _ = checked(
        answering(most=20, window=80),
        long_documents="split",
        max_tokens=512,
        max_passage_tokens=64,
        max_context_tokens=20,
        token_margin=0.5,
        score_threshold=0.9,
        top_n=1,
    )
    assert report.is_right, report.problems
    assert report.ranking == plain.ranking
    assert (report.sizes.most, report.sizes.refused) == (plain.sizes.most, plain.sizes.refused)


def test_its_own_long_documents_are_not_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    report, _ = checked(answering(window=2000), model="bge-reranker-v2")
    assert report.lengths is not None
    assert report.lengths.outcome == "cut"
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.mark.parametrize("run", [asyncio.run, trio.run], ids=["asyncio", "trio"])
def test_async_finds_the_same(run: Callable[..., Any]) -> None:
    with standing_in(answering(window=300, most=40)) as server:
        options: dict[str, Any] = {"base_url": f"{server.url}/v1", "model": MODEL}

        async def main() -> ServerReport:
            async with Reranker(**options) as reranker:
                return await acheck_server(reranker)

        found = main if run is trio.run else main()
        report = run(found)
        with Reranker(**options) as reranker:
            other = check_server(reranker)
    parts = ("dialect", "ranking", "scores", "company", "sizes", "lengths", "options", "requests")
    assert [getattr(report, part) for part in parts] == [getattr(other, part) for part in parts]


def test_the_report_is_json() -> None:
    report, _ = checked(answering(most=10))
    again = json.loads(json.dumps(report.to_dict()))
    assert again["is_right"] is True
    assert again["company"]["listwise"] is False
    assert again["ranking"]["verdict"] == "right"
    assert again["line"] == report.line


def test_no_value_of_a_query_string_is_shown() -> None:
    report, _ = checked(answering(most=20, window=80), "/v1?subscription-key=hidden-one")
    assert report.is_right
    assert "hidden-one" not in str(report) + json.dumps(report.to_dict())
