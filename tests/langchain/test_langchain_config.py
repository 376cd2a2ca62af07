"""The config of a call reaches both stages, and the options of a call are heard in all ways."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any
from uuid import uuid4

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.documents import Document
from langchain_core.embeddings import DeterministicFakeEmbedding
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import ConfigurableField, Runnable, RunnableConfig, RunnableLambda
from langchain_core.tracers.run_collector import RunCollectorCallbackHandler
from langchain_core.vectorstores import InMemoryVectorStore

from assisters_rerank import ConfigurationError
from langchain_assisters import AssistersEmbeddings, AssistersRerank, RerankRetriever

from ..plugins.cases import QUERY, TEXTS

OF_ALICE = {
    "configurable": {
        "search_kwargs": {"k": 10, "filter": lambda found: found.metadata["tenant"] == "alice"}
    }
}


async def invoked(
    colour: str, runnable: Runnable[Any, Any], given: Any, *more: Any, **kw: Any
) -> Any:
    if colour == "sync":
        return runnable.invoke(given, *more, **kw)
    return await runnable.ainvoke(given, *more, **kw)


async def batched(colour: str, runnable: Runnable[Any, Any], given: Any, config: Any) -> Any:
    if colour == "sync":
        return runnable.batch([given], config)[0]
    return (await runnable.abatch([given], config))[0]


async def streamed(colour: str, runnable: Runnable[Any, Any], given: Any, config: Any) -> Any:
    if colour == "sync":
        (found,) = list(runnable.stream(given, config))
    else:
        (found,) = [part async for part in runnable.astream(given, config)]
    return found


async def with_config(colour: str, runnable: Runnable[Any, Any], given: Any, config: Any) -> Any:
    return await invoked(colour, runnable.with_config(config), given)


async def in_a_chain(colour: str, runnable: Runnable[Any, Any], given: Any, config: Any) -> Any:
    return await invoked(colour, RunnableLambda(lambda query: query) | runnable, given, config)


@pytest.fixture
def by_tenant(compressor: AssistersRerank) -> RerankRetriever:
    documents = [
        Document(page_content=f"{tenant} {place}", metadata={"tenant": tenant})
        for tenant in ("alice", "bob")
        for place in range(3)
    ]
    store = InMemoryVectorStore.from_documents(documents, DeterministicFakeEmbedding(size=8))
    return RerankRetriever(
        base_retriever=store.as_retriever(search_kwargs={"k": 10}).configurable_fields(
            search_kwargs=ConfigurableField(id="search_kwargs")
        ),
        reranker=compressor,
    )


@pytest.mark.parametrize("way", [invoked, batched, streamed, with_config, in_a_chain])
async def test_a_filter_of_the_call_reaches_the_store(
    way: Any, colour: str, by_tenant: RerankRetriever
) -> None:
    found = await way(colour, by_tenant, "alice 1", OF_ALICE)
    assert [document.metadata["tenant"] for document in found] == ["alice"] * 3
    everything = await invoked(colour, by_tenant, "alice 1")
    assert len(everything) == 6


@pytest.mark.parametrize("way", [invoked, batched, with_config, in_a_chain])
async def test_the_first_stage_sees_the_config_but_not_the_parents_name(
    way: Any, colour: str, compressor: AssistersRerank, documents: list[Document]
) -> None:
    seen: list[RunnableConfig] = []

    def first_stage(query: str, config: RunnableConfig) -> list[Document]:
        seen.append(config)
        return documents

    retriever = RerankRetriever(base_retriever=RunnableLambda(first_stage), reranker=compressor)
    runs = RunCollectorCallbackHandler()
    config: dict[str, Any] = {
        "configurable": {"user_id": "alice"},
        "metadata": {"m": 1},
        "tags": ["t"],
        "max_concurrency": 3,
        "callbacks": [runs],
        "run_name": "mine",
    }
    if way is invoked:
        config["run_id"] = uuid4()
    await way(colour, retriever, QUERY, config)
    (config_seen,) = seen
    assert config_seen["configurable"]["user_id"] == "alice"
    assert config_seen["metadata"]["m"] == 1
    assert "t" in config_seen["tags"]
    assert config_seen["max_concurrency"] == 3
    (run,) = runs.traced_runs
    assert run.name == "mine"
    if way is invoked:
        assert run.id == config["run_id"]
    inner = run if way is not in_a_chain else run.child_runs[-1]
    assert [child.name for child in inner.child_runs] == ["first_stage", "AssistersRerank"]
    assert len({run.id, *(child.id for child in inner.child_runs)}) == 3


async def test_a_configurable_reranker_is_configured_by_the_call(
    colour: str, compressor: AssistersRerank, documents: list[Document]
) -> None:
    retriever = RerankRetriever(
        base_retriever=RunnableLambda(lambda _: documents),
        reranker=compressor.configurable_fields(top_n=ConfigurableField(id="most")),
    )
    assert [spec.id for spec in retriever.config_specs] == ["most"]
    assert len(await invoked(colour, retriever, QUERY)) == len(TEXTS)
    assert len(await invoked(colour, retriever, QUERY, {"configurable": {"most": 2}})) == 2


MOST = ConfigurableField(id="most")
WRAPPED: dict[str, Callable[[AssistersRerank], Runnable[Any, Any]]] = {
    "with_config": lambda reranker: reranker.with_config(tags=["t"]),
    "bind": lambda reranker: reranker.bind(top_n=5),
    "with_retry": lambda reranker: reranker.with_retry(),
    "with_listeners": lambda reranker: reranker.with_listeners(on_end=lambda run: None),
    "with_fallbacks": lambda reranker: AssistersRerank(
        base_url="http://127.0.0.1:9/v1", max_retries=0
    ).with_fallbacks([reranker]),
    "alternatives": lambda reranker: reranker.configurable_alternatives(
        ConfigurableField(id="which"), other=reranker
    ),
    "fields, alternatives": lambda reranker: reranker.configurable_fields(
        top_n=MOST
    ).configurable_alternatives(ConfigurableField(id="which"), other=reranker),
    "fields, retry, config": lambda reranker: (
        reranker.configurable_fields(top_n=MOST).with_retry().with_config(tags=["t"])
    ),
}


@pytest.mark.parametrize("way", WRAPPED)
async def test_whatever_langchains_methods_make_of_a_reranker_is_one(
    way: str, colour: str, compressor: AssistersRerank, documents: list[Document]
) -> None:
    wrapped: Any = WRAPPED[way](compressor)
    retriever = RerankRetriever(
        base_retriever=RunnableLambda(lambda _: documents), reranker=wrapped
    )
    assert retriever.reranker is wrapped
    found = await invoked(colour, retriever, QUERY, top_n=3)
    assert found == compressor.compress_documents(documents, QUERY)[:3]
    whole = await invoked(colour, retriever, QUERY)
    assert len(whole) == (5 if way == "bind" else len(TEXTS))
    assert await invoked(colour, copy.deepcopy(retriever), QUERY) == whole


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        (RunnableLambda(str), "RunnableLambda"),
        (RunnableLambda(str).bind(), "RunnableBinding"),
        (str, "the class str"),
        (AssistersRerank, "the class AssistersRerank"),
    ],
)
def test_something_else_is_not_taken_for_a_reranker(wrong: Any, named: str) -> None:
    with pytest.raises(
        ConfigurationError, match=f"reranker: give an AssistersRerank.* not {named}$"
    ):
        RerankRetriever(base_retriever=RunnableLambda(str), reranker=wrong)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        (InMemoryVectorStore(DeterministicFakeEmbedding(size=3)), "InMemoryVectorStore"),
        (RerankRetriever, "the class RerankRetriever"),
        (print, "builtin_function_or_method"),
    ],
)
def test_something_else_is_not_taken_for_a_first_stage(wrong: Any, named: str) -> None:
    with pytest.raises(ConfigurationError, match=f"as_retriever.* not {named}$"):
        RerankRetriever(base_retriever=wrong)


class Keywords(BaseRetriever):
    """A first stage that notes what keywords reach it."""

    documents: list[Document]
    seen: list[dict[str, Any]]

    def _get_relevant_documents(
        self, query: str, *, run_manager: Any, **keywords: Any
    ) -> list[Document]:
        self.seen.append(keywords)
        return self.documents

    async def _aget_relevant_documents(
        self, query: str, *, run_manager: Any, **keywords: Any
    ) -> list[Document]:
        return self._get_relevant_documents(query, run_manager=run_manager, **keywords)


async def test_score_threshold_of_one_call(
    colour: str, compressor: AssistersRerank, documents: list[Document]
) -> None:
    given = {"query": QUERY, "documents": documents}
    scores = [d.metadata["relevance_score"] for d in compressor.invoke(given)]
    between = (scores[0] + scores[1]) / 2
    first_stage = Keywords(documents=documents, seen=[])
    retriever = RerankRetriever(base_retriever=first_stage, reranker=compressor)
    assert len(await invoked(colour, compressor, given, score_threshold=between)) == 1
    assert len(await invoked(colour, retriever, QUERY, score_threshold=between)) == 1
    assert len(await invoked(colour, compressor.bind(score_threshold=between), given)) == 1
    retriever.score_threshold = between
    assert len(await invoked(colour, retriever, QUERY)) == 1
    assert len(await invoked(colour, retriever, QUERY, score_threshold=None)) == len(TEXTS)
    if colour == "sync":
        found = compressor.compress_documents(documents, QUERY, score_threshold=between)
    else:
        found = await compressor.acompress_documents(documents, QUERY, score_threshold=between)
    assert len(found) == 1
    assert first_stage.seen == [{}, {}, {}]


@pytest.mark.parametrize("value", ["a", True, float("nan")])
async def test_an_impossible_threshold_of_a_call_is_named(
    value: Any, colour: str, compressor: AssistersRerank, documents: list[Document]
) -> None:
    with pytest.raises(ConfigurationError, match="score_threshold"):
        await invoked(
            colour, compressor, {"query": QUERY, "documents": documents}, score_threshold=value
        )


class Doubling(AssistersRerank):
    """A user's subclass with a step of its own before the rerank."""

    def compress_documents(
        self, documents: Sequence[Document], query: str, callbacks: Any = None, **options: Any
    ) -> list[Document]:
        return super().compress_documents([*documents, *documents], query, callbacks, **options)

    async def acompress_documents(
        self, documents: Sequence[Document], query: str, callbacks: Any = None, **options: Any
    ) -> list[Document]:
        doubled = [*documents, *documents]
        return await super().acompress_documents(doubled, query, callbacks, **options)


class Noting(BaseCallbackHandler):
    def __init__(self) -> None:
        self.starts: list[dict[str, Any]] = []

    def on_retriever_start(self, serialized: Any, query: str, **about: Any) -> None:
        self.starts.append(about)


async def test_a_subclass_is_heard_by_invoke(
    colour: str, compressor: AssistersRerank, documents: list[Document]
) -> None:
    doubling = Doubling(**dict(compressor))
    noting, run_id = Noting(), uuid4()
    config: RunnableConfig = {
        "callbacks": [noting],
        "run_name": "doubled",
        "run_id": run_id,
        "tags": ["t"],
        "metadata": {"m": 1},
    }
    found = await invoked(
        colour, doubling, {"query": QUERY, "documents": documents}, config, top_n=9
    )
    assert len(found) == min(9, 2 * len(TEXTS))
    (start,) = noting.starts
    assert (start["name"], start["run_id"], start["tags"]) == ("doubled", run_id, ["t"])
    assert start["metadata"]["m"] == 1


async def test_the_config_of_an_invoke_is_used_once(
    colour: str, compressor: AssistersRerank, documents: list[Document]
) -> None:
    """A rerank inside the choice of a document's text is a run of its own."""
    inside: Callable[[Document], str] = lambda document: (  # noqa: E731
        compressor.compress_documents([document], QUERY)[0].page_content
    )
    outer = AssistersRerank(**{**dict(compressor), "text": inside})
    noting = Noting()
    config: RunnableConfig = {"callbacks": [noting], "run_name": "outer"}
    await invoked(colour, outer, {"query": QUERY, "documents": documents[:2]}, config)
    assert [start["name"] for start in noting.starts].count("outer") == 1


@pytest.mark.parametrize(
    ("wrong", "advice"),
    [
        (lambda: RerankRetriever(RunnableLambda(str)), "RerankRetriever takes named options"),
        (lambda: AssistersRerank("bge-reranker-v2"), "AssistersRerank takes named options"),
        (
            lambda: RerankRetriever(base_retriever=RunnableLambda(str), base_compressor=1),
            "Unknown option base_compressor; did you mean reranker?",
        ),
        (lambda: AssistersRerank(assisters_api_key="k"), "did you mean api_key?"),
        (lambda: AssistersRerank(model_name="m"), "did you mean model?"),
        (lambda: AssistersRerank(k=3), "did you mean top_n?"),
        (lambda: AssistersRerank(rank_fields=["title"]), "did you mean text?"),
        (lambda: AssistersRerank(max_batch_size=3), "did you mean max_documents_per_request?"),
        (lambda: AssistersRerank(truncate="END"), "did you mean long_documents?"),
        (lambda: AssistersRerank(api_base="http://a/v1"), "did you mean base_url?"),
        (lambda: AssistersEmbeddings(chunk_size=3), "did you mean max_texts_per_request?"),
    ],
)
def test_a_mistaken_constructor_says_what_to_write(
    wrong: Callable[[], object], advice: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        wrong()
    assert advice in str(caught.value)


async def test_a_reranker_behind_a_pipe_names_the_retriever(
    colour: str, compressor: AssistersRerank, documents: list[Document]
) -> None:
    chain: Runnable[Any, Any] = RunnableLambda(lambda _: documents) | compressor
    with pytest.raises(ConfigurationError, match="RerankRetriever\\(base_retriever="):
        await invoked(colour, chain, QUERY)
