"""Other people's clients get right answers: the service's own SDK, OpenAI's and Cohere's; ours too.

What they get of embeddings is compared with what ours get, in all their worlds.
"""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest
import trio

from assisters_rerank import Embedder
from assisters_rerank.local import LocalServer, RateLimits, load_encoder

MODEL = "bge-reranker-v2"
QUERY = "how do I capture the output of a command"
TEXTS = ["csv.reader: read tables", "subprocess.run: capture a command's output", "os.walk: visit"]


EMBEDDING_MODEL = "bge-base-en"


def embedder(server: LocalServer) -> Embedder:
    return Embedder(base_url=server.base_url, api_key="ask_x", model=EMBEDDING_MODEL)


def on_trio(coroutine: Coroutine[Any, Any, None]) -> None:
    async def main() -> None:
        await coroutine

    trio.run(main)


@pytest.fixture(params=[1, 2, 3])
def server(request: pytest.FixtureRequest) -> Iterator[LocalServer]:
    with LocalServer(api_key="ask_x", generation=request.param, limits="startup") as server:
        yield server


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def vectors() -> list[list[float]]:
    """What comes over the wire, in 32 bits, of what the encoder makes of each text alone."""
    encode = load_encoder().encode
    return [array("f", encode(text)).tolist() for text in TEXTS]


class TestAssisters:
    """`assisters` 0.1.0, the service's SDK."""

    def test_rerank(self, server: LocalServer) -> None:
        assisters = pytest.importorskip("assisters")
        with assisters.Assisters("ask_x", base_url=server.base_url) as client:
            answer = client.rerank(
                model=MODEL, query=QUERY, documents=TEXTS, top_n=2, return_documents=True
            )
        assert len(answer["results"]) == 2
        assert answer["results"][0]["index"] == 1
        assert answer["results"][0]["document"]["text"] == TEXTS[1]
        assert answer["results"][0]["relevance_score"] > answer["results"][1]["relevance_score"]

    def test_embeddings(self, server: LocalServer, vectors: list[list[float]]) -> None:
        assisters = pytest.importorskip("assisters")
        with assisters.Assisters("ask_x", base_url=server.base_url) as client:
            answer = client.embeddings.create(model=EMBEDDING_MODEL, input=TEXTS)
            alone = client.embeddings.create(model=EMBEDDING_MODEL, input=TEXTS[0])
        assert [entry["embedding"] for entry in answer["data"]] == vectors
        assert alone["data"][0]["embedding"] == vectors[0]

    def test_the_catalogue_and_the_window(self, server: LocalServer) -> None:
        assisters = pytest.importorskip("assisters")
        with assisters.Assisters("ask_x", base_url=server.base_url) as client:
            assert MODEL in [model["id"] for model in client.models.list()["data"]]
            assert client.models.retrieve(MODEL)["limits"]["max_tokens"] == 512
            with pytest.raises(assisters.NotFoundError):
                client.models.retrieve("no/such model")
            assert client.get_rate_limit()["requests"]["remaining"] == 500 - 3

    def test_its_errors(self) -> None:
        assisters = pytest.importorskip("assisters")
        limits = RateLimits(requests_per_minute=1)
        with (
            LocalServer(api_key="ask_x", limits=limits) as server,
            assisters.Assisters("ask_x", base_url=server.base_url) as client,
            assisters.Assisters("wrong", base_url=server.base_url) as stranger,
        ):
            with pytest.raises(assisters.AuthError):
                stranger.rerank(model=MODEL, query=QUERY, documents=TEXTS)
            with pytest.raises(assisters.AssistersAPIError, match="gpt") as caught:
                client.rerank(model="gpt", query=QUERY, documents=TEXTS)
            assert (caught.value.status, caught.value.type) == (400, "invalid_request_error")
            with pytest.raises(assisters.RateLimitError) as limited:
                client.rerank(model=MODEL, query=QUERY, documents=TEXTS)
            assert limited.value.type == "rate_limit_error"


class TestOpenAI:
    """`openai`, which asks for base64 unless it is told otherwise."""

    @pytest.mark.parametrize("encoding", [{}, {"encoding_format": "float"}])
    def test_embeddings(
        self, server: LocalServer, vectors: list[list[float]], encoding: dict[str, str]
    ) -> None:
        openai = pytest.importorskip("openai")
        with openai.OpenAI(api_key="ask_x", base_url=server.base_url) as client:
            answer = client.embeddings.create(model=EMBEDDING_MODEL, input=TEXTS, **encoding)
            alone = client.embeddings.create(model=EMBEDDING_MODEL, input=TEXTS[0], **encoding)
        assert [entry.embedding for entry in answer.data] == vectors
        assert alone.data[0].embedding == vectors[0]
        assert answer.model == "local-static"
        assert answer.usage.total_tokens > 10
        asked = [request.encoding_format for request in server.embedding_requests]
        assert asked[-2:] == [encoding.get("encoding_format", "base64")] * 2

    async def test_embeddings_async(self, server: LocalServer, vectors: list[list[float]]) -> None:
        openai = pytest.importorskip("openai")
        async with openai.AsyncOpenAI(api_key="ask_x", base_url=server.base_url) as client:
            answer = await client.embeddings.create(model=EMBEDDING_MODEL, input=TEXTS)
        assert [entry.embedding for entry in answer.data] == vectors

    def test_models_and_errors(self) -> None:
        openai = pytest.importorskip("openai")
        limits = RateLimits(requests_per_minute=4)
        with LocalServer(api_key="ask_x", limits=limits) as server:
            client = openai.OpenAI(api_key="ask_x", base_url=server.base_url, max_retries=0)
            stranger = client.with_options(api_key="wrong")
            assert EMBEDDING_MODEL in [model.id for model in client.models.list()]
            assert client.models.retrieve(EMBEDDING_MODEL).id == EMBEDDING_MODEL
            with pytest.raises(openai.AuthenticationError):
                stranger.embeddings.create(model=EMBEDDING_MODEL, input=TEXTS)
            with pytest.raises(openai.BadRequestError, match="token ids") as caught:
                client.embeddings.create(model=EMBEDDING_MODEL, input=[1, 2, 3])
            assert (caught.value.code, caught.value.param) == ("invalid_parameter", "input")
            with pytest.raises(openai.BadRequestError) as caught:
                client.embeddings.create(model="text-embedding-3-small", input=TEXTS)
            assert caught.value.code == "invalid_model"
            with pytest.raises(openai.RateLimitError) as limited:
                client.embeddings.create(model=EMBEDDING_MODEL, input=TEXTS)
            assert limited.value.type == "rate_limit_error"


class TestOurs:
    def test_sync(self, server: LocalServer, vectors: list[list[float]]) -> None:
        with embedder(server) as ours:
            assert ours.embed_documents(TEXTS) == vectors
            assert ours.embed_query(TEXTS[0]) == vectors[0]
            assert ours.total_usage.requests == 2
            assert not ours.total_usage.tokens_estimated

    @pytest.mark.parametrize("run", [asyncio.run, on_trio], ids=["asyncio", "trio"])
    def test_async(
        self, server: LocalServer, vectors: list[list[float]], run: Callable[..., None]
    ) -> None:
        async def main() -> None:
            async with embedder(server) as ours:
                assert await ours.aembed_documents(TEXTS) == vectors
                assert await ours.aembed_query(TEXTS[0]) == vectors[0]

        run(main())


class TestCohere:
    """Cohere's client: v1 of its API is the same dialect, v2 the same at another path."""

    def test_v1(self, server: LocalServer) -> None:
        cohere = pytest.importorskip("cohere")
        client = cohere.Client("ask_x", base_url=server.base_url.removesuffix("/v1"))
        documents = [{"text": text} for text in TEXTS]
        answer = client.rerank(
            model=MODEL, query=QUERY, documents=documents, top_n=2, return_documents=True
        )
        assert answer.results[0].index == 1
        assert len(answer.results) == 2
        assert answer.results[0].document.text == TEXTS[1]
        assert answer.results[0].relevance_score > 0.5
        assert answer.id.startswith("rerank-")

    def test_v2(self, server: LocalServer) -> None:
        cohere = pytest.importorskip("cohere")
        client = cohere.ClientV2("ask_x", base_url=server.base_url.removesuffix("/v1"))
        answer = client.rerank(model=MODEL, query=QUERY, documents=TEXTS, max_tokens_per_doc=4096)
        plain = cohere.Client("ask_x", base_url=server.base_url.removesuffix("/v1")).rerank(
            model=MODEL, query=QUERY, documents=TEXTS, return_documents=False
        )
        scores = [(result.index, result.relevance_score) for result in answer.results]
        assert scores == [(result.index, result.relevance_score) for result in plain.results]
        assert scores[0][0] == 1

    async def test_v2_async(self, server: LocalServer) -> None:
        cohere = pytest.importorskip("cohere")
        async with cohere.AsyncClientV2(
            "ask_x", base_url=server.base_url.removesuffix("/v1")
        ) as client:
            answer = await client.rerank(model=MODEL, query=QUERY, documents=TEXTS, top_n=1)
        assert [result.index for result in answer.results] == [1]

    def test_search_units_and_refusals(self) -> None:
        cohere = pytest.importorskip("cohere")
        with LocalServer(api_key="ask_x", generation=3) as server:
            address = server.base_url.removesuffix("/v1")
            client = cohere.ClientV2("ask_x", base_url=address)
            answer = client.rerank(model="rerank-v1", query=QUERY, documents=TEXTS * 50)
            assert answer.meta.billed_units.search_units == 2
            with pytest.raises(cohere.UnauthorizedError):
                cohere.ClientV2("wrong", base_url=address).rerank(
                    model=MODEL, query=QUERY, documents=TEXTS
                )
            with pytest.raises(cohere.BadRequestError) as caught:
                client.rerank(model="rerank-v3.5", query=QUERY, documents=TEXTS)
            assert caught.value.body["error"]["code"] == "invalid_model"
