"""`compress_documents` and `acompress_documents`: what becomes of the documents."""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import pytest
from langchain_core.callbacks import BaseCallbackHandler, Callbacks
from langchain_core.documents import BaseDocumentCompressor, Document
from langchain_core.runnables import RunnableLambda

from assisters_rerank import (
    AssistersError,
    AuthenticationError,
    ConfigurationError,
    ContractError,
    TransportError,
)
from assisters_rerank.local import LocalServer
from langchain_assisters import AssistersRerank, RerankRetriever, as_table

from ..plugins.cases import BROKEN, KEY, QUERY, REFUSED, TEXTS
from ..plugins.gate import gate

OneRerank = Callable[[], AbstractContextManager[None]]
BestFirst = Callable[..., list[str]]
Answering = Callable[..., AssistersRerank]


class Page(Document):
    """A user's own kind of document."""

    number: int


async def compressed(
    colour: str,
    compressor: BaseDocumentCompressor,
    documents: Sequence[Document],
    query: str = QUERY,
    **options: Any,
) -> list[Document]:
    """The same call, sync or async, which must leave its input as it was."""
    before = copy.deepcopy(list(documents))
    try:
        if colour == "sync":
            return list(compressor.compress_documents(documents, query, **options))
        return list(await compressor.acompress_documents(documents, query, **options))
    finally:
        assert list(documents) == before


def texts_of(documents: Sequence[Document]) -> list[str]:
    return [document.page_content for document in documents]


def scores_of(documents: Sequence[Document]) -> list[float]:
    return [document.metadata["relevance_score"] for document in documents]


async def test_all_documents_come_back_in_the_servers_order_with_its_scores(
    colour: str, compressor: AssistersRerank, documents: list[Document], best_first: BestFirst
) -> None:
    expected = best_first()
    found = await compressed(colour, compressor, documents)
    assert texts_of(found) == expected
    assert scores_of(found) == sorted(scores_of(found), reverse=True)
    assert all(type(score) is float for score in scores_of(found))


async def test_only_texts_leave_the_machine_in_one_request(
    colour: str,
    compressor: AssistersRerank,
    documents: list[Document],
    server: LocalServer,
    one_rerank: OneRerank,
) -> None:
    with one_rerank():
        await compressed(colour, compressor, documents)
    assert server.requests[-1].query == QUERY
    assert list(server.requests[-1].documents) == list(TEXTS)


async def test_id_and_metadata_survive_on_copies(
    colour: str, compressor: AssistersRerank, documents: list[Document]
) -> None:
    found = await compressed(colour, compressor, documents)
    assert len(found) == len(documents)
    for ranked in found:
        first = documents[ranked.metadata["place"]]
        assert ranked is not first
        assert ranked.metadata is not first.metadata
        assert (ranked.id, ranked.page_content) == (first.id, first.page_content)
        score = ranked.metadata["relevance_score"]
        assert ranked.metadata == {**first.metadata, "relevance_score": score}


async def test_subclass_and_its_fields_survive(colour: str, compressor: AssistersRerank) -> None:
    pages = [Page(page_content=text, number=n) for n, text in enumerate(TEXTS)]
    found = await compressed(colour, compressor, pages)
    assert {type(page) for page in found} == {Page}
    assert sorted(page.number for page in found) == list(range(len(TEXTS)))
    assert all(TEXTS[page.number] == page.page_content for page in found)


async def test_marks_of_an_earlier_pass_are_replaced(
    colour: str, compressor: AssistersRerank
) -> None:
    stale = {"relevance_score": 77.0, "rerank_degraded": True, "kept": 1}
    [found] = await compressed(
        colour, compressor, [Document(page_content=TEXTS[2], metadata=stale)]
    )
    assert found.metadata.keys() == {"relevance_score", "kept"}
    assert found.metadata["relevance_score"] <= 1.0


async def test_top_n_of_the_call_wins_over_the_option(
    colour: str, server: LocalServer, documents: list[Document], best_first: BestFirst
) -> None:
    expected = best_first()
    compressor = AssistersRerank(base_url=server.base_url, top_n=3)
    assert texts_of(await compressed(colour, compressor, documents)) == expected[:3]
    assert texts_of(await compressed(colour, compressor, documents, top_n=1)) == expected[:1]
    assert texts_of(await compressed(colour, compressor, documents, top_n=None)) == expected
    assert compressor.top_n == 3


@pytest.mark.parametrize("wrong", [-1, True, "many"])
async def test_an_impossible_top_n_of_the_call_is_refused_without_a_request(
    colour: str,
    wrong: object,
    compressor: AssistersRerank,
    documents: list[Document],
    no_request: OneRerank,
) -> None:
    with no_request(), pytest.raises(ConfigurationError, match="top_n"):
        await compressed(colour, compressor, documents, top_n=wrong)


async def test_threshold_keeps_what_reaches_it_before_top_n(
    colour: str, compressor: AssistersRerank, documents: list[Document]
) -> None:
    scores = scores_of(await compressed(colour, compressor, documents))
    assert scores[1] > scores[2]
    compressor.score_threshold = scores[1]
    assert scores_of(await compressed(colour, compressor, documents)) == scores[:2]
    assert scores_of(await compressed(colour, compressor, documents, top_n=1)) == scores[:1]
    assert scores_of(await compressed(colour, compressor, documents, top_n=5)) == scores[:2]


async def test_text_chooses_what_is_sent(
    colour: str, server: LocalServer, documents: list[Document]
) -> None:
    compressor = AssistersRerank(
        base_url=server.base_url, text=lambda document: f"{document.id}: {document.page_content}"
    )
    found = await compressed(colour, compressor, documents)
    assert list(server.requests[-1].documents) == [f"doc-{n}: {t}" for n, t in enumerate(TEXTS)]
    assert sorted(texts_of(found)) == sorted(TEXTS)


async def chosen_later(document: Document) -> str:
    return document.page_content


@pytest.mark.parametrize(
    ("text", "given"),
    [(lambda document: None, "NoneType"), (chosen_later, "coroutine"), (dict, "dict")],
)
async def test_text_has_to_give_a_string(
    colour: str, server: LocalServer, no_request: OneRerank, text: Any, given: str
) -> None:
    compressor = AssistersRerank(base_url=server.base_url, text=text)
    documents = [Document(page_content="a")]
    with no_request(), pytest.raises(ConfigurationError, match=rf"text: it gave {given} for doc"):
        await compressed(colour, compressor, documents)


@pytest.mark.parametrize("top_n", [0, None])
async def test_an_empty_list_sends_nothing(
    colour: str, compressor: AssistersRerank, no_request: OneRerank, top_n: int | None
) -> None:
    with no_request():
        assert await compressed(colour, compressor, [], top_n=top_n) == []


async def test_top_n_0_sends_nothing(
    colour: str, compressor: AssistersRerank, documents: list[Document], no_request: OneRerank
) -> None:
    with no_request():
        assert await compressed(colour, compressor, documents, top_n=0) == []


async def test_blank_documents_come_last_and_equal_ones_are_sent_once(
    colour: str, compressor: AssistersRerank, server: LocalServer
) -> None:
    documents = [Document(page_content=text, id=str(n)) for n, text in enumerate(["", " ", *TEXTS])]
    documents.append(Document(page_content=TEXTS[0], id="again"))
    found = await compressed(colour, compressor, documents)
    assert list(server.requests[-1].documents) == list(TEXTS)
    assert len(found) == len(documents)
    assert [document.id for document in found[-2:]] == ["0", "1"]
    scores = {document.id: document.metadata["relevance_score"] for document in found}
    assert scores["again"] == scores["2"]


async def test_long_lists_are_split_and_merged(
    colour: str, server: LocalServer, documents: list[Document], best_first: BestFirst
) -> None:
    expected = best_first()
    compressor = AssistersRerank(base_url=server.base_url, max_documents_per_request=3)
    before = len(server.requests)
    assert texts_of(await compressed(colour, compressor, documents)) == expected
    assert len(server.requests) - before == 3


async def test_passthrough_marks_the_first_order_cut_to_top_n(
    colour: str, documents: list[Document], dead_url: str
) -> None:
    compressor = AssistersRerank(
        base_url=dead_url, on_error="passthrough", max_retries=0, top_n=3, score_threshold=0.9
    )
    documents[0].metadata["relevance_score"] = 0.123  # of an earlier pass
    found = await compressed(colour, compressor, documents)
    assert [document.id for document in found] == ["doc-0", "doc-1", "doc-2"]
    assert all(document.metadata["rerank_degraded"] is True for document in found)
    assert not any("relevance_score" in document.metadata for document in found)
    json.dumps([document.metadata for document in found])  # still plain data


async def test_without_passthrough_a_dead_server_raises(
    colour: str, documents: list[Document], dead_url: str
) -> None:
    compressor = AssistersRerank(base_url=dead_url, max_retries=0)
    with pytest.raises(TransportError):
        await compressed(colour, compressor, documents)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (REFUSED, AuthenticationError),
        (BROKEN, ContractError),
    ],
)
@pytest.mark.parametrize("on_error", ["raise", "passthrough"])
async def test_a_refusal_or_a_broken_answer_is_never_passed_through(
    colour: str,
    on_error: str,
    answer: tuple[int, object],
    error: type[AssistersError],
    documents: list[Document],
    answering: Answering,
) -> None:
    with pytest.raises(error) as raised:
        await compressed(colour, answering(*answer, on_error=on_error), documents)
    assert KEY not in f"{raised.value!r} {raised.value}"


async def test_an_overloaded_server_is_passed_through(
    colour: str, documents: list[Document], answering: Answering
) -> None:
    compressor = answering(503, {}, on_error="passthrough", max_retries=0)
    found = await compressed(colour, compressor, documents)
    assert [document.id for document in found] == [document.id for document in documents]


@pytest.mark.parametrize("blank", ["", "  \n"])
async def test_a_blank_query_is_refused_without_a_request(
    colour: str,
    blank: str,
    compressor: AssistersRerank,
    documents: list[Document],
    no_request: OneRerank,
) -> None:
    with no_request(), pytest.raises(ConfigurationError, match="query"):
        await compressed(colour, compressor, documents, blank)


async def test_without_a_key_the_service_is_not_called(
    colour: str, documents: list[Document]
) -> None:
    with pytest.raises(ConfigurationError, match=r"api_key.*ASSISTERS_API_KEY"):
        await compressed(colour, AssistersRerank(), documents)


async def test_sync_works_inside_a_running_loop(
    compressor: AssistersRerank, documents: list[Document], best_first: BestFirst
) -> None:
    expected = best_first()
    assert texts_of(compressor.compress_documents(documents, QUERY)) == expected


async def test_plain_strings_can_be_reranked_as_well(
    compressor: AssistersRerank, best_first: BestFirst
) -> None:
    expected = best_first()
    assert [ranked.text for ranked in compressor.rerank(QUERY, TEXTS)] == expected
    assert [ranked.text for ranked in await compressor.arerank(QUERY, TEXTS)] == expected


async def test_the_callers_list_may_change_while_the_service_is_at_work(
    documents: list[Document],
) -> None:
    with gate(2) as held:
        compressor = AssistersRerank(base_url=held.base_url, api_key=KEY, timeout=10)
        running = asyncio.create_task(compressor.acompress_documents(documents, QUERY))
        await asyncio.to_thread(held.arrived.acquire)
        first = documents[0].page_content
        documents.reverse()
        documents.pop()
        await compressor.acompress_documents([Document(page_content="other")], QUERY)
        ranked = await running
        await compressor.aclose()
    assert len(ranked) == len(TEXTS)
    assert ranked[0].page_content == first
    assert ranked[0].metadata["relevance_score"] == 1.0


async def test_an_iterator_of_documents_is_ranked_whole(
    colour: str, compressor: AssistersRerank, documents: list[Document], best_first: BestFirst
) -> None:
    if colour == "sync":
        ranked = compressor.compress_documents(iter(documents), QUERY)  # type: ignore[arg-type]
    else:
        ranked = await compressor.acompress_documents(iter(documents), QUERY)  # type: ignore[arg-type]
    assert texts_of(ranked) == best_first()


@pytest.mark.parametrize(
    ("documents", "told"),
    [
        (None, "documents: give a list"),
        ("", "documents: give a list, not str"),
        (QUERY, "documents: give a list, not str"),  # the two in the wrong order
        (b"", "documents: give a list, not bytes"),
        ({}, "documents: give a list, not dict"),
        (Document("a"), "documents: give a list, not Document"),
        (["a"], r"documents\[0\]: give a LangChain Document"),
        ([{"text": "a"}], r"documents\[0\]: give a LangChain Document, not dict"),
    ],
)
async def test_what_is_no_list_of_documents_is_refused(
    colour: str, compressor: AssistersRerank, documents: Any, told: str
) -> None:
    call = (
        asyncio.to_thread(compressor.compress_documents, documents, QUERY)
        if colour == "sync"
        else compressor.acompress_documents(documents, QUERY)
    )
    with pytest.raises(ConfigurationError, match=told):
        await call


async def test_documents_given_to_rerank_are_shown_their_method(
    colour: str, compressor: AssistersRerank, documents: list[Document]
) -> None:
    given: Any = documents
    call = (
        asyncio.to_thread(compressor.rerank, QUERY, given)
        if colour == "sync"
        else compressor.arerank(QUERY, given)
    )
    with pytest.raises(ConfigurationError, match=r"compress_documents\(.*\) takes these"):
        await call


@pytest.mark.parametrize(
    ("wrong", "named"), [(3, "int"), ("x", "str"), (BaseCallbackHandler(), "BaseCallbackHandler")]
)
async def test_what_stands_in_the_place_of_callbacks_is_refused(
    colour: str,
    compressor: AssistersRerank,
    documents: list[Document],
    no_request: OneRerank,
    wrong: Any,
    named: str,
) -> None:
    with no_request(), pytest.raises(ConfigurationError, match=f"callbacks: .* not {named};"):
        await compressed(colour, compressor, documents, callbacks=wrong)


@pytest.mark.parametrize(("field", "value"), [("page_content", None), ("metadata", ["page 1"])])
async def test_a_document_that_was_spoilt_is_named_before_a_request(
    colour: str,
    compressor: AssistersRerank,
    documents: list[Document],
    no_request: OneRerank,
    field: str,
    value: Any,
) -> None:
    setattr(documents[1], field, value)  # LangChain checks fields only in the constructor
    with no_request(), pytest.raises(ConfigurationError, match=r"documents\[1\]: page_content has"):
        await compressed(colour, compressor, documents)


async def test_a_document_whose_metadata_were_taken_away_is_ranked(
    colour: str, compressor: AssistersRerank, documents: list[Document]
) -> None:
    for document in documents:
        document.metadata = None  # type: ignore[assignment]
    found = await compressed(colour, compressor, documents)
    assert all(document.metadata.keys() == {"relevance_score"} for document in found)
    assert documents[0].metadata is None
    assert len(as_table(documents).rows) == len(documents)


@pytest.mark.parametrize("given", ["a query", {"query": QUERY}, None])
def test_an_input_without_its_parts_is_refused(compressor: AssistersRerank, given: Any) -> None:
    with pytest.raises(ConfigurationError, match="'query' and 'documents'"):
        compressor.invoke(given)


class OnlyTheFirst(AssistersRerank):
    """As users override it: with the signature of LangChain's own base class."""

    def compress_documents(  # type: ignore[override]
        self, documents: Sequence[Document], query: str, callbacks: Callbacks = None
    ) -> list[Document]:
        return list(documents)[:1]

    async def acompress_documents(  # type: ignore[override]
        self, documents: Sequence[Document], query: str, callbacks: Callbacks = None
    ) -> list[Document]:
        return list(documents)[:1]


async def test_a_retriever_takes_a_subclass_with_langchains_own_signature(
    colour: str, documents: list[Document]
) -> None:
    retriever = RerankRetriever(
        base_retriever=RunnableLambda(lambda query: documents), reranker=OnlyTheFirst()
    )
    found = retriever.invoke(QUERY) if colour == "sync" else await retriever.ainvoke(QUERY)
    assert found == documents[:1]
