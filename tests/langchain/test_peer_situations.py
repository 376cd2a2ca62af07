"""The situations that the tests of other rerankers for LangChain check, for our classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import httpx
import pytest
from langchain_classic.retrievers import ContextualCompressionRetriever
from langchain_classic.retrievers.document_compressors import DocumentCompressorPipeline
from langchain_core.documents import BaseDocumentCompressor, Document
from langchain_core.runnables import Runnable, RunnableLambda, RunnablePassthrough

from assisters_rerank import AssistersError, AuthenticationError, ConfigurationError, TransportError
from assisters_rerank.local import LocalServer
from langchain_assisters import AssistersRerank, RerankRetriever

from ..plugins.cases import KEY, QUERY, TEXTS
from ..plugins.fixtures import Requests
from ..plugins.situations import (
    ADDRESSES,
    BATCHES,
    QUERIES,
    SPLITS_OF,
    TRANSIENT,
    UNUSUAL,
    WRONG_ADDRESSES,
    answering_after,
)


async def reranked(
    colour: str,
    compressor: BaseDocumentCompressor,
    documents: Sequence[Document],
    query: str = QUERY,
    **options: Any,
) -> list[Document]:
    if colour == "sync":
        return list(compressor.compress_documents(documents, query, **options))
    return list(await compressor.acompress_documents(documents, query, **options))


async def invoked(colour: str, runnable: Runnable[Any, Any], given: Any, **options: Any) -> Any:
    if colour == "sync":
        return runnable.invoke(given, **options)
    return await runnable.ainvoke(given, **options)


def scores_of(documents: Sequence[Document]) -> list[float]:
    return [document.metadata["relevance_score"] for document in documents]


def of_texts(texts: Sequence[str]) -> list[Document]:
    return [Document(page_content=text, id=str(n)) for n, text in enumerate(texts)]


def test_it_is_what_langchain_takes_for_a_compressor_and_a_runnable() -> None:
    assert issubclass(AssistersRerank, BaseDocumentCompressor)
    assert issubclass(AssistersRerank, Runnable)


class TestHowMany:
    @pytest.mark.parametrize("place", ["constructor", "assigned", "call", "bound", "retriever"])
    @pytest.mark.parametrize("top_n", [0, 1, len(TEXTS), 2 * len(TEXTS), None])
    async def test_top_n(
        self,
        colour: str,
        place: str,
        top_n: int | None,
        server: LocalServer,
        documents: list[Document],
    ) -> None:
        options = {"top_n": top_n} if place == "constructor" else {}
        compressor = AssistersRerank(base_url=server.base_url, **options)
        whole = compressor.compress_documents(documents, QUERY, top_n=None)
        given = {"query": QUERY, "documents": documents}
        if place == "assigned":
            compressor.top_n = top_n
        if place == "bound":
            found = await invoked(colour, compressor.bind(top_n=top_n), given)
        elif place == "retriever":
            first_stage = RunnableLambda(lambda _: documents)
            retriever = RerankRetriever(
                base_retriever=first_stage, reranker=compressor, top_n=top_n
            )
            found = await invoked(colour, retriever, QUERY)
        else:
            call = {"top_n": top_n} if place == "call" else {}
            found = await reranked(colour, compressor, documents, **call)
        assert found == whole[: len(whole) if top_n is None else top_n]

    @pytest.mark.parametrize("wrong", [-10, 1.5, "x"])
    def test_an_impossible_number_is_refused_at_once(self, wrong: Any) -> None:
        compressor = AssistersRerank(api_key=KEY, top_n=2, max_documents_per_request=5)
        for name in ("top_n", "max_documents_per_request"):
            with pytest.raises(ConfigurationError, match=name):
                setattr(compressor, name, wrong)
        with pytest.raises(ValueError, match="max_documents_per_request"):
            compressor.max_documents_per_request = 0
        assert (compressor.top_n, compressor.max_documents_per_request) == (2, 5)

    @pytest.mark.parametrize(("size", "top_n"), BATCHES)
    async def test_requests_of_any_size_give_the_same_best_documents(
        self, colour: str, size: int, top_n: int, server: LocalServer
    ) -> None:
        documents = of_texts([f"{text} {n}" for n in range(3) for text in TEXTS])
        whole = AssistersRerank(base_url=server.base_url).compress_documents(documents, QUERY)
        before = len(server.requests)
        compressor = AssistersRerank(base_url=server.base_url, max_documents_per_request=size)
        found = await reranked(colour, compressor, documents, top_n=top_n)
        assert found == whole[:top_n]
        assert len(server.requests) - before == -(-len(documents) // size)


class TestTexts:
    @pytest.mark.parametrize("text", UNUSUAL.values(), ids=UNUSUAL.keys())
    async def test_unusual_texts_come_back_as_they_were(
        self, colour: str, text: str, compressor: AssistersRerank
    ) -> None:
        documents = of_texts([text, *TEXTS])
        found = await reranked(colour, compressor, documents)
        assert {document.id: document.page_content for document in found} == {
            document.id: document.page_content for document in documents
        }
        assert scores_of(found) == sorted(scores_of(found), reverse=True)

    @pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES.keys())
    async def test_unusual_queries_reach_the_server(
        self, colour: str, query: str, compressor: AssistersRerank, server: LocalServer
    ) -> None:
        assert len(await reranked(colour, compressor, of_texts(TEXTS), query)) == len(TEXTS)
        assert server.requests[-1].query == query

    async def test_one_document_gets_a_score_of_its_own(
        self, colour: str, compressor: AssistersRerank
    ) -> None:
        [found] = await reranked(colour, compressor, of_texts([QUERY]), QUERY)
        assert type(found.metadata["relevance_score"]) is float

    async def test_the_document_that_says_what_is_asked_is_first(
        self, colour: str, compressor: AssistersRerank
    ) -> None:
        documents = of_texts(["A harbour in winter.", "Bread from rye.", "How bees find flowers."])
        found = await reranked(colour, compressor, documents, "How do bees find flowers?")
        assert found[0].id == "2"

    @pytest.mark.parametrize(("chosen", "first"), [("body", "0"), ("title", "1")])
    async def test_fields_to_rank_by_are_chosen_by_a_function(
        self, colour: str, chosen: str, first: str, server: LocalServer
    ) -> None:
        documents = [
            Document(page_content="", id="0", metadata={"title": "Ships", "body": "Bees at work"}),
            Document(page_content="", id="1", metadata={"title": "Bees", "body": "A ship at sea"}),
        ]
        compressor = AssistersRerank(
            base_url=server.base_url, text=lambda document: document.metadata[chosen]
        )
        found = await reranked(colour, compressor, documents, "bees")
        assert found[0].id == first
        assert set(server.requests[-1].documents) == {d.metadata[chosen] for d in documents}

    async def test_pictures_in_the_metadata_are_not_sent(
        self, colour: str, compressor: AssistersRerank, server: LocalServer
    ) -> None:
        picture = "data:image/png;base64,iVBORw0KGgo="
        documents = [
            Document(page_content="A cat.", metadata={"image": picture}),
            Document(page_content="", metadata={"image": picture}),
        ]
        found = await reranked(colour, compressor, documents, "cats")
        assert server.requests[-1].documents == ("A cat.",)
        assert [document.metadata["image"] for document in found] == [picture, picture]

    @pytest.mark.parametrize(("long_documents", "requests"), SPLITS_OF)
    async def test_what_happens_to_long_documents_can_be_chosen(
        self, colour: str, long_documents: Any, requests: int, server: LocalServer
    ) -> None:
        documents = of_texts(["word " * 3000, "word " * 30])
        compressor = AssistersRerank(base_url=server.base_url, long_documents=long_documents)
        before = len(server.requests)
        if long_documents == "error":
            with pytest.raises(AssistersError, match="documents"):
                await reranked(colour, compressor, documents)
        else:
            assert len(await reranked(colour, compressor, documents)) == 2
        assert len(server.requests) - before == requests


class TestKeyAddressModel:
    async def test_a_given_key_wins_over_the_environments(
        self, colour: str, server: LocalServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("ASSISTERS_API_KEY", "ask_environment")
        monkeypatch.setenv("ASSISTERS_BASE_URL", server.base_url)
        for options, key in ({}, "ask_environment"), ({"api_key": "ask_given"}, "ask_given"):
            await reranked(colour, AssistersRerank(**options), of_texts(["a"]))  # type: ignore[arg-type]
            assert server.requests[-1].headers["authorization"] == f"Bearer {key}"

    async def test_a_wrong_key_is_an_authentication_error(self, colour: str) -> None:
        with LocalServer(api_key="ask_right") as strict:
            compressor = AssistersRerank(base_url=strict.base_url, api_key="ask_wrong")
            with pytest.raises(AuthenticationError, match="401") as raised:
                await reranked(colour, compressor, of_texts(["a"]))
            assert "ask_wrong" not in str(raised.value)
            right = compressor.with_options(api_key="ask_right")
            assert len(await reranked(colour, right, of_texts(["a"]))) == 1

    @pytest.mark.parametrize("url", WRONG_ADDRESSES)
    def test_what_is_no_address_is_refused(self, url: str) -> None:
        with pytest.raises(ConfigurationError, match="base_url"):
            AssistersRerank(base_url=url)

    @pytest.mark.parametrize("url", ADDRESSES)
    def test_any_address_of_a_server_is_taken(self, url: str) -> None:
        assert AssistersRerank(base_url=url).base_url == url.rstrip("/")

    async def test_the_model_of_the_constructor_is_asked_for(
        self, colour: str, server: LocalServer
    ) -> None:
        for model in ("bge-reranker-v2", "jina-reranker"):
            compressor = AssistersRerank(base_url=server.base_url, model=model)
            await reranked(colour, compressor, of_texts(["a"]))
            assert server.requests[-1].model == model

    async def test_another_server_for_a_copy_leaves_the_first_as_it_was(
        self, colour: str, compressor: AssistersRerank, dead_url: str
    ) -> None:
        other = compressor.with_options(base_url=dead_url, model="jina-reranker", max_retries=0)
        with pytest.raises(TransportError):
            await reranked(colour, other, of_texts(["a"]))
        assert (compressor.model, other.model) == ("bge-reranker-v2", "jina-reranker")
        assert len(await reranked(colour, compressor, of_texts(["a"]))) == 1


class TestAnswers:
    @pytest.mark.parametrize("status", TRANSIENT)
    async def test_what_passes_is_tried_again(self, colour: str, status: int) -> None:
        options, statuses = answering_after(status)
        compressor = AssistersRerank(max_retries=1, **options)
        assert len(await reranked(colour, compressor, of_texts("ab"))) == 2
        assert statuses == [status, 200]
        options, statuses = answering_after(status)
        with pytest.raises(AssistersError, match=str(status)):
            await reranked(colour, AssistersRerank(max_retries=0, **options), of_texts("ab"))
        assert statuses == [status]

    async def test_whole_numbers_negative_ones_and_equal_ones_are_scores(
        self, colour: str, answering: Any
    ) -> None:
        scores = [1, -3, 1, 7]  # logits, of other servers
        results = [{"index": n, "relevance_score": score} for n, score in enumerate(scores)]
        found = await reranked(colour, answering(200, {"results": results}), of_texts("abcd"))
        assert [document.id for document in found] == ["3", "0", "2", "1"]
        assert [repr(score) for score in scores_of(found)] == ["7.0", "1.0", "1.0", "-3.0"]

    @pytest.mark.parametrize("echo", ["other", {"text": "other"}, None])
    async def test_the_document_is_the_callers_whatever_the_server_echoes(
        self, colour: str, echo: Any, answering: Any
    ) -> None:
        answer = {"results": [{"index": 0, "relevance_score": 0.5, "document": echo}]}
        [found] = await reranked(colour, answering(200, answer), of_texts(["mine"]))
        assert found.page_content == "mine"

    async def test_a_client_of_another_kind_is_refused(self) -> None:
        for wrong in (object(), httpx.AsyncClient()):
            with pytest.raises(ConfigurationError, match="http_client"):
                AssistersRerank(http_client=wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("around", ["compression", "pipeline", "chain", "retriever"])
class TestInOtherParts:
    def inside(self, around: str, compressor: AssistersRerank, found: list[Document]) -> Any:
        first_stage: Any = RunnableLambda(lambda _: found)
        if around == "chain":
            return {"query": RunnablePassthrough(), "documents": first_stage} | compressor
        if around == "retriever":
            return RerankRetriever(base_retriever=first_stage, reranker=compressor)
        base: Any = compressor
        if around == "pipeline":
            base = DocumentCompressorPipeline(transformers=[compressor, compressor])
        return ContextualCompressionRetriever(base_compressor=base, base_retriever=first_stage)

    async def test_ids_metadata_and_order(
        self,
        colour: str,
        around: str,
        compressor: AssistersRerank,
        documents: list[Document],
    ) -> None:
        expected = compressor.compress_documents(documents, QUERY, top_n=3)
        compressor.top_n = 3
        assert await invoked(colour, self.inside(around, compressor, documents), QUERY) == expected
        assert all("relevance_score" not in document.metadata for document in documents)

    async def test_nothing_found_asks_nobody(
        self, colour: str, around: str, compressor: AssistersRerank, no_request: Requests
    ) -> None:
        with no_request():
            assert await invoked(colour, self.inside(around, compressor, []), QUERY) == []

    async def test_an_empty_query_is_refused(
        self, colour: str, around: str, compressor: AssistersRerank, documents: list[Document]
    ) -> None:
        with pytest.raises(ConfigurationError, match="query"):
            await invoked(colour, self.inside(around, compressor, documents), "")
