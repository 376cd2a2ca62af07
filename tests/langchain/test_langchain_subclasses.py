"""What users' subclasses override is heard, and the config of the call reaches what they call."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import pytest
from langchain_core.callbacks import Callbacks
from langchain_core.documents import Document
from langchain_core.embeddings import DeterministicFakeEmbedding
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import ConfigurableField, RunnableConfig, RunnableLambda
from langchain_core.vectorstores import InMemoryVectorStore
from pydantic import PrivateAttr

from assisters_rerank.local import LocalServer
from langchain_assisters import AssistersEmbeddings, AssistersRerank, RerankRetriever

from ..plugins.cases import KEY, QUERY, TEXTS
from ..plugins.vectors import Wire
from .recorder import BlockingRecorder, EventedRecorder

HALF = len(TEXTS) // 2


async def invoked(colour: str, runnable: Any, given: Any, *more: Any, **kw: Any) -> Any:
    if colour == "sync":
        return runnable.invoke(given, *more, **kw)
    return await runnable.ainvoke(given, *more, **kw)


class Own(RerankRetriever):
    """With LangChain's own signature, which has no place for more keywords."""

    def _get_relevant_documents(self, query: str, *, run_manager: Any) -> list[Document]:
        return super()._get_relevant_documents(query, run_manager=run_manager)

    async def _aget_relevant_documents(self, query: str, *, run_manager: Any) -> list[Document]:
        return await super()._aget_relevant_documents(query, run_manager=run_manager)


class OwnInSync(RerankRetriever):
    """Of which the async calls are LangChain's: the sync method in a thread."""

    def _get_relevant_documents(self, query: str, *, run_manager: Any) -> list[Document]:
        return super()._get_relevant_documents(query, run_manager=run_manager)[:2]


class Passing(RerankRetriever):
    """Hands all keywords on, as LangChain's signature allows."""

    def _get_relevant_documents(
        self, query: str, *, run_manager: Any, **keywords: Any
    ) -> list[Document]:
        assert keywords == {"k": 3}
        return self.base_retriever.invoke(query, **keywords)


@pytest.mark.parametrize(("kind", "found"), [(Own, 4), (OwnInSync, 2)])
async def test_a_filter_of_the_call_holds_in_a_subclass_of_the_retriever(
    colour: str,
    kind: type[RerankRetriever],
    found: int,
    compressor: AssistersRerank,
    documents: list[Document],
) -> None:
    store = InMemoryVectorStore.from_documents(documents, DeterministicFakeEmbedding(size=8))
    even = {"k": 10, "filter": lambda document: document.metadata["place"] % 2 == 0}
    retriever = kind(
        base_retriever=store.as_retriever(search_kwargs={"k": 10}).configurable_fields(
            search_kwargs=ConfigurableField(id="search")
        ),
        reranker=compressor,
    )
    result = await invoked(colour, retriever, QUERY, {"configurable": {"search": even}})
    assert len(result) == found
    assert all(document.metadata["place"] % 2 == 0 for document in result)


async def test_a_subclass_gets_only_the_users_own_keywords(
    colour: str, compressor: AssistersRerank, documents: list[Document]
) -> None:
    store = InMemoryVectorStore.from_documents(documents, DeterministicFakeEmbedding(size=8))
    retriever = Passing(base_retriever=store.as_retriever(), reranker=compressor)
    assert len(await invoked(colour, retriever, QUERY, k=3)) == 3


class FirstHalf(AssistersRerank):
    """Leaves documents out, in sync only; LangChain's base class runs that for async calls too."""

    def compress_documents(  # type: ignore[override]
        self, documents: Sequence[Document], query: str, callbacks: Callbacks = None
    ) -> list[Document]:
        return super().compress_documents(documents[:HALF], query, callbacks)


class FirstHalfWithOptions(AssistersRerank):
    def compress_documents(
        self, documents: Sequence[Document], query: str, callbacks: Any = None, **options: Any
    ) -> list[Document]:
        return super().compress_documents(documents[:HALF], query, callbacks, **options)


@pytest.mark.parametrize("way", ["invoke", "compress", "retriever"])
async def test_a_sync_override_is_heard_by_async_calls(
    way: str, colour: str, server: LocalServer, documents: list[Document]
) -> None:
    half = FirstHalf(base_url=server.base_url)
    if way == "compress":
        found = (
            half.compress_documents(documents, QUERY)
            if colour == "sync"
            else await half.acompress_documents(documents, QUERY)
        )
    elif way == "invoke":
        found = await invoked(colour, half, {"query": QUERY, "documents": documents})
    else:
        first_stage = RunnableLambda(lambda _: documents)
        found = await invoked(
            colour, RerankRetriever(base_retriever=first_stage, reranker=half), "q"
        )
    assert sorted(document.metadata["place"] for document in found) == list(range(HALF))


async def test_a_sync_override_gets_the_options_and_the_config(
    colour: str, server: LocalServer, documents: list[Document]
) -> None:
    recorder, run_id = BlockingRecorder(), uuid4()
    config: RunnableConfig = {"callbacks": [recorder], "run_name": "mine", "run_id": run_id}
    half = FirstHalfWithOptions(base_url=server.base_url)
    given = {"query": QUERY, "documents": documents}
    assert len(await invoked(colour, half, given, config, top_n=2)) == 2
    assert recorder.recorded.named("mine").id == run_id


class InTwoParts(AssistersRerank):
    """Calls what it overrides twice, in async both at once."""

    def compress_documents(  # type: ignore[override]
        self, documents: Sequence[Document], query: str, callbacks: Callbacks = None
    ) -> list[Document]:
        parts = documents[:HALF], documents[HALF:]
        return [
            found
            for part in parts
            for found in super(InTwoParts, self).compress_documents(part, query, callbacks)
        ]

    async def acompress_documents(  # type: ignore[override]
        self, documents: Sequence[Document], query: str, callbacks: Callbacks = None
    ) -> list[Document]:
        parts = documents[:HALF], documents[HALF:]
        ranked = await asyncio.gather(
            *(super(InTwoParts, self).acompress_documents(part, query, callbacks) for part in parts)
        )
        return [found for part in ranked for found in part]


async def test_two_runs_of_one_call_have_its_config_but_one_has_its_name_and_id(
    colour: str, server: LocalServer, documents: list[Document]
) -> None:
    recorder, run_id = BlockingRecorder(), uuid4()
    config: RunnableConfig = {
        "callbacks": [recorder],
        "run_name": "mine",
        "run_id": run_id,
        "tags": ["t"],
        "metadata": {"m": 1},
    }
    both = InTwoParts(base_url=server.base_url)
    await invoked(colour, both, {"query": QUERY, "documents": documents}, config)
    runs = recorder.recorded
    assert len(runs.runs) == 2
    assert runs.named("mine").id == run_id
    assert runs.named("InTwoParts").id != run_id
    assert all(run.tags == ["t"] and run.metadata["m"] == 1 for run in runs.runs.values())


class Cascade(AssistersRerank):
    """Asks another reranker first."""

    first: AssistersRerank

    def compress_documents(  # type: ignore[override]
        self, documents: Sequence[Document], query: str, callbacks: Callbacks = None
    ) -> list[Document]:
        best = self.first.compress_documents(documents, query)[:HALF]
        return super().compress_documents(best, query, callbacks)


async def test_another_reranker_inside_does_not_take_the_calls_name(
    colour: str, compressor: AssistersRerank, server: LocalServer, documents: list[Document]
) -> None:
    recorder, run_id = BlockingRecorder(), uuid4()
    config: RunnableConfig = {"callbacks": [recorder], "run_name": "mine", "run_id": run_id}
    cascade = Cascade(base_url=server.base_url, first=compressor)
    found = await invoked(colour, cascade, {"query": QUERY, "documents": documents}, config)
    assert len(found) == HALF
    run = recorder.recorded.named("mine")
    assert (run.id, run.documents) == (run_id, found)


class FirstStage(BaseRetriever):
    documents: list[Document]

    def _get_relevant_documents(self, query: str, *, run_manager: Any) -> list[Document]:
        return self.documents


class Stuck(AssistersRerank):
    """Waits for ever, with nothing of the network's that has to be closed."""

    _reached: asyncio.Event = PrivateAttr(default_factory=asyncio.Event)

    async def arerank(self, *_: Any, **__: Any) -> Any:
        self._reached.set()
        await asyncio.get_running_loop().create_future()


@pytest.mark.parametrize("kind", ["reranker", "retriever"])
async def test_a_call_that_is_thrown_away_ends_without_a_word(
    kind: str, documents: list[Document]
) -> None:
    """As when a loop ends with calls at work: they are closed in another context."""
    stuck, config = Stuck(api_key=KEY), RunnableConfig(callbacks=[EventedRecorder()])
    first_stage = FirstStage(documents=documents)
    call: Any = (
        RerankRetriever(base_retriever=first_stage, reranker=stuck).ainvoke(QUERY, config)
        if kind == "retriever"
        else stuck.ainvoke({"query": QUERY, "documents": documents}, config)
    )
    task = asyncio.create_task(call)
    await stuck._reached.wait()
    try:
        call.close()
    finally:
        task.cancel()
        with pytest.raises(RuntimeError, match="already awaited"):
            await task


class Lowered(AssistersEmbeddings):
    """Changes texts, in sync only."""

    def embed_documents(self, texts: Sequence[str]) -> list[list[float]]:
        return super().embed_documents([text.lower() for text in texts])

    def embed_query(self, text: str) -> list[float]:
        return super().embed_query(text.lower())


async def test_a_sync_override_of_the_embeddings_is_heard_by_async_calls(colour: str) -> None:
    wire = Wire()
    lowered = Lowered(api_key=KEY, **wire.options())
    if colour == "sync":
        lowered.embed_documents(["A"])
        lowered.embed_query("Q")
    else:
        await lowered.aembed_documents(["A"])
        await lowered.aembed_query("Q")
    assert wire.texts == ["passage: a", "query: q"]
