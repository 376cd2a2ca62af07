"""`score_threshold` by model: in the compressor, the retriever, a call, a config and a dump."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.documents import Document
from langchain_core.load import dumps, loads
from langchain_core.runnables import ConfigurableField, Runnable, RunnableLambda
from langchain_core.tracers.run_collector import RunCollectorCallbackHandler

from assisters_rerank import ConfigurationError
from langchain_assisters import AssistersRerank, RerankRetriever

from ..plugins.scales import BGE, BOTH, JINA, LONG, SHORT
from .test_langchain_serialisation import trusting

pytestmark = pytest.mark.filterwarnings("ignore:The function .loads?. is in beta")


def given(texts: list[str]) -> dict[str, Any]:
    return {"query": "cats", "documents": [Document(page_content=text) for text in texts]}


@pytest.fixture
def auto(scales: str) -> AssistersRerank:
    return AssistersRerank(base_url=scales, model="auto")


async def length(colour: str, runnable: Runnable[Any, Any], *given: Any, **options: Any) -> int:
    if colour == "sync":
        return len(runnable.invoke(*given, **options))
    return len(await runnable.ainvoke(*given, **options))


def retriever(texts: list[str], reranker: Any, **options: Any) -> RerankRetriever:
    documents = given(texts)["documents"]
    first_stage = RunnableLambda(lambda _: documents)
    return RerankRetriever(base_retriever=first_stage, reranker=reranker, **options)


async def test_each_models_number_holds(
    colour: str, auto: AssistersRerank, caplog: pytest.LogCaptureFixture
) -> None:
    own = auto.with_options(score_threshold=BOTH)
    for texts in (SHORT, LONG):
        for runnable, options in [
            (own, {}),
            (auto, {"score_threshold": BOTH}),
            (auto.bind(score_threshold=BOTH), {}),
        ]:
            assert await length(colour, runnable, given(texts), **options) == len(texts)
        for runnable, options in [
            (retriever(texts, auto, score_threshold=BOTH), {}),
            (retriever(texts, auto), {"score_threshold": BOTH}),
            (retriever(texts, own), {}),
        ]:
            assert await length(colour, runnable, "cats", **options) == len(texts)
    assert not caplog.records
    assert await length(colour, auto, given(LONG), score_threshold=0.5) == 0
    (record,) = caplog.records
    assert "score_threshold is one number" in record.getMessage()


async def test_a_config_may_give_them(colour: str, auto: AssistersRerank) -> None:
    fields = {name: ConfigurableField(id=name) for name in ("model", "score_threshold")}
    configurable = auto.configurable_fields(**fields)
    config = {"configurable": {"score_threshold": BOTH}}
    assert await length(colour, configurable, given(LONG), config) == 2
    assert await length(colour, retriever(LONG, configurable), "cats", config) == 2
    config = {"configurable": {"score_threshold": {BGE: 0.5}}}
    with pytest.raises(ConfigurationError, match=f"score_threshold: .* no number for {JINA}"):
        await length(colour, configurable, given(SHORT), config)
    config["configurable"]["model"] = BGE
    assert await length(colour, configurable, given(SHORT), config) == 1
    # A retriever's own mapping is held to the model that a call has configured.
    held = retriever(SHORT, configurable, score_threshold={BGE: 0.5})
    with pytest.raises(ConfigurationError, match=f"score_threshold: .* no number for {JINA}"):
        await length(colour, held, "cats")
    assert await length(colour, held, "cats", {"configurable": {"model": BGE}}) == 1


@pytest.mark.parametrize(
    ("threshold", "told"),
    [({BGE: 0.5}, f"no number for {JINA}"), ({**BOTH, "bge": 1.0}, "bge is not in the catalogue")],
)
async def test_what_cannot_be_used_is_refused_at_once(
    threshold: dict[str, float], told: str, colour: str, auto: AssistersRerank
) -> None:
    plain = retriever(SHORT, auto)
    for way in (
        lambda: AssistersRerank(model="auto", score_threshold=threshold),
        lambda: retriever(SHORT, auto, score_threshold=threshold),
        lambda: setattr(plain, "score_threshold", threshold),
    ):
        with pytest.raises(ConfigurationError, match=f"^score_threshold: .*{told}"):
            way()
    for runnable, question in ((auto, given(SHORT)), (plain, "cats")):
        with pytest.raises(ConfigurationError, match=f"^score_threshold: .*{told}"):
            await length(colour, runnable, question, score_threshold=threshold)


def test_a_retrievers_numbers_are_held_to_another_reranker_too() -> None:
    held = retriever(SHORT, AssistersRerank(), score_threshold={BGE: 0.5})
    with pytest.raises(ConfigurationError, match=f"^reranker: there is no number for {JINA}"):
        held.reranker = AssistersRerank(model="auto")
    assert isinstance(held.reranker, AssistersRerank)
    assert held.reranker.model == BGE


@pytest.mark.parametrize(
    "through",
    [
        lambda it: loads(dumps(it), **trusting()),
        lambda it: pickle.loads(pickle.dumps(it)),
        copy.deepcopy,
        lambda it: type(it).model_validate_json(it.model_dump_json()),
    ],
)
def test_it_comes_through_dumps_and_copies(through: Callable[[Any], Any]) -> None:
    assert through(AssistersRerank(model="auto", score_threshold=BOTH)).score_threshold == BOTH


async def test_the_run_tells_what_holds(colour: str, auto: AssistersRerank) -> None:
    for reranker, told in ((auto, BOTH), (auto.with_options(model=BGE), BOTH[BGE])):
        runs = RunCollectorCallbackHandler()
        config = {"callbacks": [runs]}
        await length(colour, reranker, given(SHORT), config, score_threshold=BOTH)
        (run,) = runs.traced_runs
        assert run.extra is not None
        assert run.extra["metadata"]["score_threshold"] == told
