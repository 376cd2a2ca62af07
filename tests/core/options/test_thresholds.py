"""`score_threshold` by model: which mappings are taken, which number holds, what is warned of."""

from __future__ import annotations

import copy
import logging
import pickle
from collections.abc import Awaitable, Callable
from types import MappingProxyType
from typing import Any

import pytest

import assisters_rerank
from assisters_rerank import ConfigurationError, Ranking, Reranker, RerankOptions

from ...plugins.scales import BGE, BOTH, JINA, LONG, SHORT

Called = Callable[..., Awaitable[Ranking]]


@pytest.fixture(params=["sync", "async"])
def called(request: pytest.FixtureRequest) -> Called:
    async def call(reranker: Reranker, documents: list[str], **options: Any) -> Ranking:
        if request.param == "sync":
            return reranker.rerank("cats", documents, **options)
        return await reranker.arerank("cats", documents, **options)

    return call


LACKS = (
    rf"there is no number for {JINA}, which may answer with model='auto'; give "
    rf"score_threshold={{'{BGE}': …, '{JINA}': …}}$"
)
UNKNOWN = rf"bge-rerankr-v2 is not in the catalogue .*; did you mean {BGE}\?$"
REFUSED: list[tuple[str, Any, str]] = [
    ("auto", {BGE: 0.5}, LACKS),
    ("auto", {}, f"no number for {BGE} and {JINA}, which"),
    ("auto", {**BOTH, "auto": 0.3}, "auto is not in the catalogue and cannot answer"),
    ("auto", {**BOTH, "bge-rerankr-v2": 0.3}, UNKNOWN),
    (BGE, {JINA: 0.5}, f"no number for {BGE}, which may answer"),
    (BGE, {BGE: 0.5, "bge-rerankr-v2": 0.3}, UNKNOWN),
    ("mine", {"other": 0.1}, "no number for mine, which"),
    ("mine", {"mine": 0.1, "other": 0.1}, "other is not in the catalogue"),
    ("auto", {**BOTH, JINA: "SECRET"}, "should be a valid number"),
    ("auto", {**BOTH, JINA: True}, "give a number, not a bool"),
    ("auto", {**BOTH, JINA: float("nan")}, "should be a finite number"),
    ("auto", {**BOTH, JINA: None}, "should be a valid number"),
    ("auto", {**BOTH, 3: 0.5}, "should be a valid string"),
]


@pytest.mark.parametrize(("model", "threshold", "told"), REFUSED)
async def test_a_mapping_that_cannot_be_used_is_refused_in_every_way_in(
    model: str, threshold: Any, told: str, called: Called
) -> None:
    plain = Reranker(model=model, base_url="http://127.0.0.1:9/v1", max_retries=0)
    for way in (
        lambda: RerankOptions(model=model, score_threshold=threshold),
        lambda: Reranker(score_threshold=threshold, model=model),
        lambda: setattr(plain, "score_threshold", threshold),
        lambda: plain.with_options(score_threshold=threshold),
        lambda: Reranker().with_options(score_threshold=threshold, model=model),
        lambda: Reranker().with_options(model=model, score_threshold=threshold),
        lambda: Reranker.model_validate_json(plain.model_dump_json()).model_copy(
            update={"score_threshold": threshold}, deep=True
        ),
    ):
        with pytest.raises(ConfigurationError, match=f"^score_threshold: .*{told}") as caught:
            way()
        assert "SECRET" not in str(caught.value)
        assert caught.value.__context__ is None
    assert plain.score_threshold is None
    for documents in ([], SHORT):
        with pytest.raises(ConfigurationError, match=f"^score_threshold: .*{told}") as caught:
            await called(plain, documents, score_threshold=threshold)
        assert caught.value.__context__ is None


def test_a_model_whose_number_is_missing_is_refused_later_too() -> None:
    reranker = Reranker(score_threshold={BGE: 0.5})
    for way in (
        lambda: setattr(reranker, "model", "auto"),
        lambda: reranker.with_options(model="auto"),
    ):
        with pytest.raises(ConfigurationError, match=f"^model: there is no number for {JINA}"):
            way()
    assert (reranker.model, reranker.score_threshold) == (BGE, {BGE: 0.5})


@pytest.mark.parametrize("turned", [False, True])
def test_a_model_and_its_number_change_together(turned: bool) -> None:
    reranker = Reranker(model="mine", score_threshold={"mine": 0.5}, top_n=2)
    changes: dict[str, Any] = {"model": "auto", "score_threshold": BOTH, "top_n": 3}
    if turned:
        changes = dict(reversed(changes.items()))
    changed = reranker.with_options(**changes)
    assert (changed.model, changed.score_threshold, changed.top_n) == ("auto", BOTH, 3)
    assert (reranker.model, reranker.score_threshold) == ("mine", {"mine": 0.5})
    assert changed.total_usage is not None


@pytest.mark.parametrize("given_in", ["options", "call"])
async def test_the_number_of_the_model_that_is_asked_holds(
    given_in: str, scales: str, called: Called, caplog: pytest.LogCaptureFixture
) -> None:
    thresholds = MappingProxyType({BGE: 0.5, JINA: 0.1})
    in_options = {"score_threshold": dict(thresholds)} if given_in == "options" else {}
    in_call = {"score_threshold": thresholds} if given_in == "call" else {}
    with Reranker(base_url=scales, model="auto", **in_options) as reranker:
        assert len(await called(reranker, SHORT, **in_call)) == 1
        assert len(await called(reranker, LONG, **in_call)) == 2
        assert len(await called(reranker, LONG, score_threshold={BGE: 0.1, JINA: 0.5})) == 0
        only_bge = reranker.with_options(model=BGE, long_documents="split")
        assert len(await called(only_bge, SHORT, score_threshold={BGE: 0.7, JINA: 0.1})) == 0
        assert len(await called(only_bge, SHORT, score_threshold={BGE: 0.6})) == 1
        await reranker.aclose()
    assert not caplog.records


async def test_one_number_for_two_models_is_warned_of_once(
    scales: str, called: Called, caplog: pytest.LogCaptureFixture
) -> None:
    with Reranker(base_url=scales, model="auto", score_threshold=0.5) as reranker:
        for documents in (SHORT, LONG):
            await called(reranker, documents)
        await called(reranker.with_options(top_n=1), SHORT, score_threshold=0)
        await reranker.aclose()
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert f"score_threshold={{'{BGE}': 0.5, '{JINA}': …}}" in record.getMessage()


async def test_one_number_in_a_call_is_warned_of_too(
    scales: str, called: Called, caplog: pytest.LogCaptureFixture
) -> None:
    with Reranker(base_url=scales, model="auto") as reranker:
        await called(reranker, SHORT)
        assert not caplog.records
        for _ in range(2):
            await called(reranker, SHORT, score_threshold=0)
        await reranker.aclose()
    assert [record.getMessage().partition(" is one number")[0] for record in caplog.records] == [
        "score_threshold"
    ]


async def test_one_number_for_one_model_is_no_matter_for_a_warning(
    scales: str, called: Called, caplog: pytest.LogCaptureFixture
) -> None:
    with Reranker(base_url=scales, score_threshold=0.5) as reranker:
        await called(reranker, SHORT)
        await called(reranker.with_options(model="auto"), SHORT, score_threshold=None)
        await reranker.aclose()
    assert not caplog.records


async def test_the_functions_take_a_mapping(monkeypatch: pytest.MonkeyPatch, scales: str) -> None:
    monkeypatch.setenv("ASSISTERS_BASE_URL", scales)
    given: dict[str, Any] = {"model": "auto", "score_threshold": BOTH}
    assert len(assisters_rerank.rerank("cats", LONG, **given)) == 2
    assert len(await assisters_rerank.arerank("cats", LONG, **given)) == 2


@pytest.mark.parametrize(
    "through",
    [
        copy.copy,
        copy.deepcopy,
        lambda it: it.model_copy(deep=True),
        lambda it: it.with_options(top_n=2),
        lambda it: pickle.loads(pickle.dumps(it)),
        lambda it: Reranker.model_validate_json(it.model_dump_json()),
        lambda it: Reranker(**it.model_dump()),
    ],
)
def test_it_comes_through_copies_and_dumps(through: Callable[[Reranker], Reranker]) -> None:
    first = Reranker(score_threshold=BOTH, model="auto")
    assert through(first).score_threshold == BOTH


def test_the_mapping_is_ones_own_copy() -> None:
    given = dict(BOTH)
    reranker = Reranker(model="auto", score_threshold=given)
    given[BGE] = 9
    assert reranker.score_threshold == BOTH


async def test_a_number_that_was_taken_out_of_the_mapping_is_missed_before_a_request(
    called: Called,
) -> None:
    reranker = Reranker(base_url="http://127.0.0.1:9/v1", score_threshold=dict(BOTH))
    assert isinstance(reranker.score_threshold, dict)
    del reranker.score_threshold[BGE]
    with pytest.raises(ConfigurationError, match=f"score_threshold: there is no number for {BGE}"):
        await called(reranker, SHORT)


def test_the_schema_offers_both() -> None:
    offered = Reranker.model_json_schema()["properties"]["score_threshold"]
    assert "number" in str(offered)
    assert "additionalProperties" in str(offered)
