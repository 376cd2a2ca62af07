"""Other people's clients get right answers: the service's own SDK and Cohere's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from assisters_rerank.local import LocalServer, RateLimits

MODEL = "bge-reranker-v2"
QUERY = "how do I capture the output of a command"
TEXTS = ["csv.reader: read tables", "subprocess.run: capture a command's output", "os.walk: visit"]


@pytest.fixture(params=[1, 2, 3])
def server(request: pytest.FixtureRequest) -> Iterator[LocalServer]:
    with LocalServer(api_key="ask_x", generation=request.param, limits="startup") as server:
        yield server


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")


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
