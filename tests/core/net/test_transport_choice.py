"""Which transport async calls go over: option, variable, and what cannot be obeyed is refused."""

from __future__ import annotations

import asyncio
import json
import pickle
from collections.abc import Callable, Coroutine
from typing import Any

import httpx
import pytest
import trio
from langchain_core.documents import Document
from llama_index.core.schema import NodeWithScore, TextNode

import langchain_assisters
import llama_index_assisters
from assisters_rerank import ConfigurationError, Embedder, Reranker

from ..answers import scored
from ..embeddings import embedded
from ..fresh_interpreter import must_run

VARIABLE = "ASSISTERS_ASYNC_TRANSPORT"
NOWHERE = "http://127.0.0.1:9/v1"
OVER_HTTPX = "httpx"
OVER_AIOHTTP = "aiohttp"

Made = Callable[..., Any]
Call = Callable[[Any], Coroutine[Any, Any, object]]

CLASSES: dict[str, tuple[Made, Call]] = {
    "Reranker": (Reranker, lambda one: one.arerank("q", ["a", "b"])),
    "Embedder": (Embedder, lambda one: one.aembed_documents(["a", "b"])),
    "LangChain's reranker": (
        langchain_assisters.AssistersRerank,
        lambda one: one.acompress_documents([Document("a"), Document("b")], "q"),
    ),
    "LangChain's embeddings": (
        langchain_assisters.AssistersEmbeddings,
        lambda one: one.aembed_documents(["a", "b"]),
    ),
    "LlamaIndex's reranker": (
        llama_index_assisters.AssistersRerank,
        lambda one: one.apostprocess_nodes([NodeWithScore(node=TextNode(text="a"))], query_str="q"),
    ),
    "LlamaIndex's embedding": (
        llama_index_assisters.AssistersEmbedding,
        lambda one: one.aget_text_embedding_batch(["a", "b"]),
    ),
}
each_class = pytest.mark.parametrize(("made", "call"), CLASSES.values(), ids=CLASSES)


@pytest.fixture
def gone_over(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Answers every request where respx, pytest-httpx and others do; says which way each went."""
    aiohttp = pytest.importorskip("httpx_aiohttp")
    gone: list[str] = []

    def answering(way: str) -> Callable[..., Coroutine[Any, Any, httpx.Response]]:
        async def answer(_: object, request: httpx.Request) -> httpx.Response:
            gone.append(way)
            asked = json.loads(request.content)
            return httpx.Response(200, json=(scored if "documents" in asked else embedded)(asked))

        return answer

    ways = {OVER_AIOHTTP: aiohttp.AiohttpTransport, OVER_HTTPX: httpx.AsyncHTTPTransport}
    for way, kind in ways.items():
        monkeypatch.setattr(kind, "handle_async_request", answering(way))
    return gone


def made(**options: Any) -> Reranker:
    return Reranker(**{"base_url": NOWHERE, "max_retries": 0, **options})


@each_class
@pytest.mark.parametrize(
    ("option", "variable", "way"),
    [
        (None, None, OVER_AIOHTTP),
        ("auto", None, OVER_AIOHTTP),
        ("httpx", None, OVER_HTTPX),
        ("aiohttp", None, OVER_AIOHTTP),
        (None, "httpx", OVER_HTTPX),
        (None, " HTTPX\n", OVER_HTTPX),
        ("auto", "httpx", OVER_HTTPX),
        (None, "aiohttp", OVER_AIOHTTP),
        (None, "auto", OVER_AIOHTTP),
        (None, " ", OVER_AIOHTTP),
        ("httpx", "aiohttp", OVER_HTTPX),
        ("aiohttp", "httpx", OVER_AIOHTTP),
    ],
)
def test_every_class_takes_the_option_and_the_variable(
    made: Made,
    call: Call,
    option: str | None,
    variable: str | None,
    way: str,
    gone_over: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one = made(base_url=NOWHERE, **({} if option is None else {"async_transport": option}))
    if variable is not None:  # a conftest may come later than the program's own objects
        monkeypatch.setenv(VARIABLE, variable)
    asyncio.run(call(one))
    assert gone_over == [way]


def test_the_variable_is_heard_between_two_calls_of_one_loop(
    gone_over: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        reranker = made()
        await reranker.arerank("q", ["a"])
        monkeypatch.setenv(VARIABLE, "httpx")
        await reranker.arerank("q", ["b"])
        await reranker.with_options(async_transport="aiohttp").arerank("q", ["c"])

    asyncio.run(main())
    assert gone_over == [OVER_AIOHTTP, OVER_HTTPX, OVER_AIOHTTP]


@pytest.mark.parametrize("setting", ["auto", "httpx"])
def test_trio_has_httpx(setting: str, gone_over: list[str]) -> None:
    trio.run(made(async_transport=setting).arerank, "q", ["a"])
    assert gone_over == [OVER_HTTPX]


def on_asyncio(reranker: Reranker) -> object:
    return asyncio.run(reranker.arerank("q", ["a"]))


def on_trio(reranker: Reranker) -> object:
    return trio.run(reranker.arerank, "q", ["a"])


def refusal(run: Callable[[Reranker], object], reranker: Reranker) -> str:
    with pytest.raises(ConfigurationError) as refused:
        run(reranker)
    return str(refused.value)


@pytest.mark.parametrize("by", ["option", "variable"])
@pytest.mark.parametrize("on_error", ["raise", "passthrough"])
def test_aiohttp_is_refused_where_it_cannot_be_used(
    by: str, on_error: str, gone_over: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    options: dict[str, Any] = {"on_error": on_error}
    if by == "option":
        options["async_transport"] = "aiohttp"
        source = "async_transport: "
    else:
        monkeypatch.setenv(VARIABLE, "aiohttp")
        source = f"the variable {VARIABLE}: "
    pickled = pickle.dumps(made(**options))

    said = refusal(on_trio, made(**options))
    assert said.startswith(source)
    assert "trio" in said
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    said = refusal(on_asyncio, made(**options, base_url="http://scripted.test/v1"))
    assert said.startswith(source)
    assert "proxy" in said
    monkeypatch.delenv("HTTP_PROXY")
    monkeypatch.setattr("assisters_rerank.net.transport_choice.HAS_AIOHTTP", False)
    said = refusal(on_asyncio, pickle.loads(pickled))
    assert said.startswith(source)
    assert 'pip install "assisters-rerank[aiohttp]"' in said
    assert gone_over == []


@each_class
def test_without_the_extra_no_object_is_made_for_it(
    made: Made, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assisters_rerank.net.transport_choice.HAS_AIOHTTP", False)
    with pytest.raises(ConfigurationError, match=r"async_transport: .*assisters-rerank\[aiohttp\]"):
        made(async_transport="aiohttp")
    one = made(async_transport="auto")
    with pytest.raises(ConfigurationError, match=r"async_transport: .*assisters-rerank\[aiohttp\]"):
        one.with_options(async_transport="aiohttp")
    assert one.async_transport == "auto"


def test_a_wrong_value_of_the_variable_is_one_error_that_names_it(
    gone_over: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "requests")
    said = refusal(on_asyncio, made())
    assert said == f"the variable {VARIABLE}: give one of auto, httpx, aiohttp"
    assert refusal(on_trio, made(max_documents_per_request=1)) == said
    with pytest.raises(ConfigurationError, match=r"^async_transport: .*'auto', 'httpx' or"):
        made(async_transport="requests")
    assert gone_over == []


def test_a_client_of_ones_own_and_aiohttp_are_not_for_the_same_calls(
    gone_over: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=scored(json.loads(request.content)))

    own = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    said = refusal(on_asyncio, made(async_transport="aiohttp", async_http_client=own))
    assert said.startswith("async_transport: ")
    monkeypatch.setenv(VARIABLE, "aiohttp")  # for all that has no client of its own
    assert len(asyncio.run(made(async_http_client=own).arerank("q", ["a"]))) == 1
    assert gone_over == []


def test_sync_calls_do_not_load_aiohttp() -> None:
    script = f"""
    import sys
    from assisters_rerank import AssistersError, Reranker
    try:
        Reranker(base_url="{NOWHERE}", max_retries=0).rerank("q", ["a"])
    except AssistersError:
        print("aiohttp" in sys.modules)
    """
    assert must_run(script) == "False"
