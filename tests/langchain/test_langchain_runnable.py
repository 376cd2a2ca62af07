"""The compressor and the retriever as Runnables: schemas, configuration, batches, streams."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import httpx
import pytest
from langchain_core.documents import Document
from langchain_core.runnables import ConfigurableField, Runnable, RunnableLambda
from pydantic import ValidationError

from assisters_rerank import AuthenticationError, ConfigurationError, RerankOptions
from assisters_rerank.local import LocalServer
from langchain_assisters import AssistersRerank, RerankRetriever

from ..plugins.cases import KEY, QUERY, REFUSED, TEXTS

BestFirst = Callable[..., list[str]]
Answering = Callable[..., AssistersRerank]


def texts_of(documents: Sequence[Document]) -> list[str]:
    return [document.page_content for document in documents]


async def run(
    colour: str, runnable: Runnable[Any, Any], given: Any, config: Any = None, **options: Any
) -> Any:
    if colour == "sync":
        return runnable.invoke(given, config, **options)
    return await runnable.ainvoke(given, config, **options)


@pytest.fixture
def given(documents: list[Document]) -> dict[str, Any]:
    return {"query": QUERY, "documents": documents}


async def test_invoke_takes_top_n(
    colour: str, compressor: AssistersRerank, given: dict[str, Any], best_first: BestFirst
) -> None:
    expected = best_first()
    assert texts_of(await run(colour, compressor, given)) == expected
    assert texts_of(await run(colour, compressor, given, top_n=2)) == expected[:2]


async def test_a_mistyped_keyword_is_refused_before_a_request(
    colour: str,
    compressor: AssistersRerank,
    given: dict[str, Any],
    no_request: Callable[[], AbstractContextManager[None]],
) -> None:
    with no_request(), pytest.raises(ConfigurationError, match="top_k"):
        await run(colour, compressor, given, top_k=2)


async def test_batch_keeps_the_order_of_its_inputs(
    colour: str, compressor: AssistersRerank, documents: list[Document], server: LocalServer
) -> None:
    inputs: list[Any] = [{"query": text, "documents": documents} for text in TEXTS]
    before = len(server.requests)
    if colour == "sync":
        found = compressor.batch(inputs, {"max_concurrency": 4}, top_n=1)
    else:
        found = await compressor.abatch(inputs, {"max_concurrency": 4}, top_n=1)
    assert [texts_of(best) for best in found] == [[text] for text in TEXTS]
    assert len(server.requests) - before == len(TEXTS)


async def test_batch_can_return_exceptions(
    colour: str, compressor: AssistersRerank, given: dict[str, Any]
) -> None:
    inputs: list[Any] = [given, {**given, "query": ""}]
    if colour == "sync":
        good, bad = compressor.batch(inputs, return_exceptions=True)
    else:
        good, bad = await compressor.abatch(inputs, return_exceptions=True)
    assert len(good) == len(TEXTS)
    assert isinstance(bad, ConfigurationError)


async def test_stream_gives_the_whole_ranking_once(
    colour: str, compressor: AssistersRerank, given: dict[str, Any], best_first: BestFirst
) -> None:
    expected = best_first()
    if colour == "sync":
        chunks = list(compressor.stream(given))
    else:
        chunks = [chunk async for chunk in compressor.astream(given)]
    assert [texts_of(chunk) for chunk in chunks] == [expected]


async def test_a_configurable_top_n(
    colour: str, compressor: AssistersRerank, given: dict[str, Any], best_first: BestFirst
) -> None:
    expected = best_first()
    configurable = compressor.configurable_fields(top_n=ConfigurableField(id="top_n"))
    assert texts_of(await run(colour, configurable, given)) == expected
    config = {"configurable": {"top_n": 2}}
    assert texts_of(await run(colour, configurable, given, config)) == expected[:2]
    with pytest.raises(ConfigurationError, match="top_n"):
        await run(colour, configurable, given, {"configurable": {"top_n": -2}})


async def test_configurable_top_n_of_the_retriever(
    colour: str, compressor: AssistersRerank, documents: list[Document], best_first: BestFirst
) -> None:
    expected = best_first()
    retriever = RerankRetriever(
        base_retriever=RunnableLambda(lambda query: documents), reranker=compressor
    ).configurable_fields(top_n=ConfigurableField(id="how_many"))
    config = {"configurable": {"how_many": 3}}
    assert texts_of(await run(colour, retriever, QUERY, config)) == expected[:3]


async def test_alternatives(
    colour: str,
    compressor: AssistersRerank,
    given: dict[str, Any],
    answering: Answering,
    best_first: BestFirst,
) -> None:
    expected = best_first()
    either = compressor.configurable_alternatives(
        ConfigurableField(id="which"), default_key="local", refusing=answering(*REFUSED)
    )
    assert texts_of(await run(colour, either, given)) == expected
    with pytest.raises(AuthenticationError):
        await run(colour, either, given, {"configurable": {"which": "refusing"}})


async def test_fallbacks(
    colour: str,
    compressor: AssistersRerank,
    given: dict[str, Any],
    answering: Answering,
    best_first: BestFirst,
) -> None:
    expected = best_first()
    safe = answering(*REFUSED).with_fallbacks([compressor])
    assert texts_of(await run(colour, safe, given)) == expected


async def test_langchains_retry_around_it(colour: str, given: dict[str, Any]) -> None:
    attempts = []

    def refuse_twice(request: httpx.Request) -> httpx.Response:
        attempts.append(request)
        answer = {"results": [{"index": n, "relevance_score": 0.5} for n in range(len(TEXTS))]}
        return httpx.Response(401 if len(attempts) < 3 else 200, json=answer)

    transport = httpx.MockTransport(refuse_twice)
    compressor = AssistersRerank(
        base_url="http://127.0.0.1:9/v1",
        http_client=httpx.Client(transport=transport),
        async_http_client=httpx.AsyncClient(transport=transport),
    )
    patient = compressor.with_retry(
        retry_if_exception_type=(AuthenticationError,),
        stop_after_attempt=3,
        wait_exponential_jitter=False,
    )
    assert texts_of(await run(colour, patient, given)) == list(TEXTS)
    assert len(attempts) == 3


async def test_as_a_tool(
    colour: str, compressor: AssistersRerank, given: dict[str, Any], best_first: BestFirst
) -> None:
    expected = best_first()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as_tool is in beta
        tool = compressor.as_tool(name="rerank", description="Sorts documents.")
    assert tool.args.keys() == {"query", "documents"}
    assert texts_of(await run(colour, tool, given)) == expected


def test_schemas_describe_query_and_documents(compressor: AssistersRerank) -> None:
    whole = compressor.get_input_jsonschema()
    assert whole["$ref"] == "#/$defs/RerankInput"
    schema = whole["$defs"]["RerankInput"]
    assert schema["required"] == ["query", "documents"]
    assert schema["properties"]["query"]["type"] == "string"
    assert schema["properties"]["documents"]["type"] == "array"
    checked = compressor.get_input_schema()
    checked.model_validate({"query": QUERY, "documents": [Document(page_content="a")]})
    with pytest.raises(ValidationError):
        checked.model_validate({"query": QUERY})
    assert compressor.get_output_jsonschema()["type"] == "array"
    assert compressor.InputType.__name__ == "RerankInput"


def test_graph_shows_it_between_input_and_output(compressor: AssistersRerank) -> None:
    chain = RunnableLambda(lambda query: {"query": query, "documents": []}) | compressor
    assert "AssistersRerank" in chain.get_graph().draw_mermaid()
    assert compressor.get_name() == "AssistersRerank"


def test_config_specs_hold_what_was_made_configurable(compressor: AssistersRerank) -> None:
    configurable = compressor.configurable_fields(
        top_n=ConfigurableField(id="top_n", description="How many.")
    )
    assert [spec.id for spec in configurable.config_specs] == ["top_n"]


@pytest.mark.parametrize("kind", [AssistersRerank, RerankRetriever])
def test_an_unknown_option_is_refused_without_its_value(kind: type[Any]) -> None:
    needed = {} if kind is AssistersRerank else {"base_retriever": RunnableLambda(lambda q: [])}
    with pytest.raises(ValueError, match="top_k") as raised:
        kind(**needed, top_k=KEY)
    assert KEY not in f"{raised.value} {raised.value!r}"
    assert KEY not in f"{raised.value.__cause__!r} {raised.value.__context__!r}"


def test_an_impossible_top_n_of_the_retriever_is_refused() -> None:
    retriever = RerankRetriever(
        base_retriever=RunnableLambda(lambda query: []), reranker=AssistersRerank(api_key=KEY)
    )
    with pytest.raises(ValueError, match="top_n"):
        RerankRetriever(base_retriever=retriever.base_retriever, top_n=-1)
    with pytest.raises(ValueError, match="top_n"):
        retriever.top_n = -1


@pytest.mark.parametrize(
    "options",
    [
        {"top_n": -1},
        {"score_threshold": float("nan")},
        {"base_url": "api.assisters.dev"},
        {"timeout": 0},
        {"on_error": "ignore"},
        {"text": "title"},
        {"http_client": "client"},
        {"model": ""},
    ],
)
def test_an_impossible_option_is_refused_by_name(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(options))) as raised:
        AssistersRerank(api_key=KEY, **options)
    assert KEY not in f"{raised.value!r}"
    compressor = AssistersRerank(api_key=KEY)
    [(name, value)] = options.items()
    with pytest.raises(ConfigurationError, match=name):
        setattr(compressor, name, value)


def test_a_key_in_the_wrong_place_is_not_shown() -> None:
    for wrong in ({"apikey": KEY}, {"timeout": KEY}, {"base_url": KEY}, {"max_retries": KEY}):
        with pytest.raises(ConfigurationError) as raised:
            AssistersRerank(**wrong)
        assert KEY not in f"{raised.value!r}"


def test_every_option_is_described_in_the_json_schema() -> None:
    properties = AssistersRerank.model_json_schema()["properties"]
    shared = RerankOptions.model_json_schema()["properties"]
    assert properties.items() >= shared.items()
    assert {"model", "top_n", "api_key", "base_url", "on_error"} <= properties.keys()
    own = properties.keys() - {"name"}  # every Runnable has one
    assert not [name for name in own if "description" not in properties[name]]
    assert AssistersRerank.__doc__
