"""What users write. Never run: it only has to type-check, with mypy --strict and pyright."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, assert_type

import httpx
from langchain.agents import create_agent
from langchain.agents.middleware import ModelRetryMiddleware, SummarizationMiddleware
from langchain_core.documents import BaseDocumentCompressor, Document
from langchain_core.embeddings import Embeddings
from langchain_core.language_models import BaseChatModel
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import (
    ConfigurableField,
    Runnable,
    RunnableLambda,
    RunnableParallel,
    RunnablePassthrough,
)
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.schema import BaseNode, MetadataMode, NodeWithScore, TextNode

from assisters_rerank import (
    AssistersError,
    CachedScore,
    Embedder,
    MemoryCache,
    Passage,
    RankedDocument,
    Ranking,
    RateLimitError,
    Reranker,
    ScoreCache,
    ScoredPassage,
    SqliteCache,
    StatusError,
    Usage,
    arerank,
    estimate_tokens,
    rerank,
)
from assisters_rerank.local import LocalServer
from langchain_assisters import (
    AssistersEmbeddings,
    AssistersRerank,
    RerankInput,
    RerankRetriever,
    RerankToolSelectorMiddleware,
    as_table,
)
from llama_index_assisters import AssistersEmbedding
from llama_index_assisters import AssistersRerank as LlamaIndexRerank
from llama_index_assisters import as_table as nodes_as_table


def plain() -> None:
    reranker = Reranker(
        model="jina-reranker",
        top_n=5,
        score_threshold=0.5,
        timeout=10,
        on_error="passthrough",
        http_client=httpx.Client(),
    )
    ranking = reranker.rerank("q", ["a", {"text": "b", "id": 1}], top_n=None, score_threshold=None)
    assert_type(ranking, Ranking)
    assert_type(ranking[0], RankedDocument)
    assert_type(ranking[:2], tuple[RankedDocument, ...])
    assert_type([r.document.text for r in ranking], list[str])
    assert_type(ranking[0].relevance_score, float | None)
    good = [r for r in ranking if r.relevance_score is not None and r.relevance_score > 0.7]
    assert_type(good, list[RankedDocument])
    assert_type(ranking.usage, Usage)
    assert_type(ranking.usage.total_tokens, int)
    assert_type(ranking.usage.search_units, int | None)
    assert_type(ranking.usage.cost, float | None)
    assert_type(rerank(model="m", query="q", documents=["a"], top_n=2), Ranking)
    reranker.top_n = 3
    with reranker as same:
        assert_type(same, Reranker)
    assert_type(reranker.model_copy(update={"top_n": 1}), Reranker)


class DictCache:
    """A cache of one's own derives from nothing."""

    def __init__(self) -> None:
        self.scores: dict[str, CachedScore] = {}

    def get_many(self, keys: Sequence[str]) -> dict[str, CachedScore]:
        return {key: self.scores[key] for key in keys if key in self.scores}

    def set_many(self, scores: Mapping[str, CachedScore]) -> None:
        self.scores.update(scores)


class TupleCache:
    """What comes from elsewhere are plain tuples."""

    def get_many(self, keys: Sequence[str]) -> Mapping[str, tuple[float, str | None]]:
        return dict.fromkeys(keys, (0.5, None))

    def set_many(self, scores: Mapping[str, CachedScore]) -> None:
        for key, entry in scores.items():
            assert_type(key, str)
            assert_type(entry.score, float)
            assert_type(entry.model, str | None)


class ReadOnly:
    def get_many(self, keys: Sequence[str]) -> dict[str, CachedScore]:
        return {}


class Tokenizer:
    def __call__(self, text: str) -> int:
        return len(text)


def caches(path: Path) -> None:
    with SqliteCache(path, max_entries=1_000_000) as sqlite, Reranker(cache=sqlite) as reranker:
        assert_type(sqlite, SqliteCache)
        reranker.cache = MemoryCache(max_entries=1000)
        reranker.cache = SqliteCache("scores.db")
        reranker.cache = DictCache()
        reranker.cache = None
    anything: list[ScoreCache] = [MemoryCache(), sqlite, DictCache(), TupleCache()]
    for cache in anything:
        Reranker(cache=cache)


def long_documents() -> None:
    reranker = Reranker(model="auto", long_documents="split", count_tokens=estimate_tokens)
    reranker.count_tokens = Tokenizer()
    reranker.count_tokens = lambda text: len(text.split())
    reranker.count_tokens = None
    reranker.long_documents = "error"
    ranking = reranker.rerank("q", ["a"])
    assert_type(ranking[0].passage, Passage | None)
    assert_type(ranking[0].passage_text, str)
    assert_type(ranking.truncated, int | None)
    for ranked in ranking:
        if ranked.passage is not None:
            start, end = ranked.passage
            assert_type((start, ranked.passage.end), tuple[int, int])
            assert_type(ranked.text[start:end], str)
        assert_type(ranked.passages, tuple[ScoredPassage, ...])
        for begin, stop, score in ranked.passages:
            assert_type((ranked.text[begin:stop], score), tuple[str, float])
        assert_type(ranked.context, str)
    reranker.max_passage_tokens = 64
    reranker.max_context_tokens = 1500
    reranker.count_context_tokens = Tokenizer()
    assert_type(ranking.context_tokens, int | None)


def costs() -> None:
    reranker = Reranker(
        model="my-own",
        max_tokens=1024,
        prices={"my-own": 0.02, "jina-reranker": 1},
        requests_per_minute=100,
        tokens_per_minute=None,
    )
    before = reranker.total_usage
    assert_type(before, Usage)
    assert_type(before + reranker.rerank("q", ["a"]).usage, Usage)
    total = sum([before, reranker.total_usage], Usage())
    assert_type(total, Usage)
    assert_type(total.models, tuple[str, ...])
    assert_type(total.tokens_estimated, bool)
    assert_type(total.figures(), dict[str, object])


async def asynchronous() -> None:
    async with Reranker(api_key="ask_key") as reranker:
        assert_type(await reranker.arerank("q", ["a"]), Ranking)
    assert_type(await arerank("q", ["a"]), Ranking)


def errors() -> None:
    try:
        rerank("q", ["a"])
    except RateLimitError as error:
        assert_type(error.retry_after, float | None)
    except StatusError as error:
        assert_type(error.status, int)
    except AssistersError as error:
        assert_type(error.transient, bool)


def mistakes() -> None:
    # Each of these has to be refused; the checkers complain of an ignore that hides nothing.
    Reranker(top_k=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Reranker(top_n="three")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Reranker(on_error="ignore")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Reranker(long_documents="cut")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Reranker(cache="scores.db")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Reranker(cache=ReadOnly())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Reranker(count_tokens=str.split)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Reranker(prices={"m": "free"})  # type: ignore[dict-item]  # pyright: ignore[reportArgumentType]
    Reranker().total_usage = Usage()  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    AssistersRerank(top_k=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    LlamaIndexRerank(top_k=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def langchain(base: BaseRetriever, documents: Sequence[Document]) -> None:
    compressor = AssistersRerank(
        top_n=3, text=lambda document: f"{document.metadata['title']}\n{document.page_content}"
    )
    compressor = AssistersRerank(
        content="passages", passage_threshold=0.5, long_documents="split", cache=MemoryCache()
    )
    assert_type(compressor.total_usage, Usage)
    assert_type(as_table(documents)._repr_html_(), str)
    as_compressor: BaseDocumentCompressor = compressor
    as_runnable: Runnable[RerankInput, list[Document]] = compressor
    some_dict: dict[str, Any] = {"query": "q", "documents": documents}
    assert_type(compressor.invoke(some_dict), list[Document])
    question = RunnablePassthrough[Any]()
    chains: list[Runnable[Any, list[Document]]] = [
        RunnableParallel(query=question, documents=base) | compressor,
        {"query": question, "documents": base} | compressor,
        RunnableLambda(lambda q: {"query": q, "documents": documents}) | compressor,
        RunnableParallel(query=question, documents=base) | compressor.bind(top_n=1),
    ]
    assert_type(compressor.compress_documents(documents, "q"), list[Document])
    assert_type(as_runnable.invoke({"query": "q", "documents": documents}), list[Document])
    retriever = RerankRetriever(base_retriever=base, reranker=compressor, top_n=3)
    for wrapped in (
        compressor.with_retry(),
        compressor.with_config(tags=["t"]),
        compressor.bind(top_n=1),
        compressor.with_fallbacks([compressor]),
        compressor.configurable_fields(top_n=ConfigurableField(id="n")),
    ):
        RerankRetriever(base_retriever=base, reranker=wrapped)
    as_retriever: BaseRetriever = retriever
    assert_type(retriever.invoke("q", top_n=1), list[Document])
    del as_compressor, as_retriever, chains


def llama_index(nodes: list[NodeWithScore]) -> None:
    postprocessor = LlamaIndexRerank(
        top_n=3, metadata_mode=MetadataMode.NONE, keep_retrieval_score=True
    )
    postprocessor = LlamaIndexRerank(
        content="passages", passage_threshold=0.5, long_documents="split", prices={"m": 1}
    )
    assert_type(postprocessor.total_usage, Usage)
    assert_type(nodes_as_table(nodes)._repr_html_(), str)
    cut = postprocessor.postprocess_nodes(nodes, query_str="q", top_n=None, score_threshold=0.5)
    assert_type(cut, list[NodeWithScore])
    postprocessor.postprocess_nodes(nodes, query_str="q", topn=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    as_postprocessor: BaseNodePostprocessor = postprocessor
    assert_type(as_postprocessor.postprocess_nodes(nodes, query_str="q"), list[NodeWithScore])


def agents(compressor: AssistersRerank, model: BaseChatModel) -> None:
    selector = RerankToolSelectorMiddleware(
        compressor, max_tools=5, query=lambda messages: messages[-1].text
    )
    create_agent(model, [], middleware=[selector])
    create_agent(model, [], middleware=[selector, SummarizationMiddleware(model)])
    create_agent(model, [], middleware=[ModelRetryMiddleware(), selector])


def embeddings(nodes: list[TextNode]) -> None:
    embedder = Embedder(model="e5-large-v2", query_prefix="", max_texts_per_request=50)
    assert_type(embedder.embed_documents(iter(["a"])), list[list[float]])
    assert_type(embedder.embed_query("q"), list[float])
    of_langchain: Embeddings = AssistersEmbeddings(model="bge-base-en", passage_prefix=None)
    assert_type(of_langchain.embed_documents(["a"]), list[list[float]])
    assert_type(AssistersEmbeddings().total_usage, Usage)
    of_llama_index: BaseEmbedding = AssistersEmbedding(model_name="bge-base-en", num_workers=4)
    assert_type(of_llama_index.get_text_embedding_batch(["a"]), list[list[float]])
    assert_type(AssistersEmbedding(embed_batch_size=10)(nodes), Sequence[BaseNode])


def local() -> None:
    with LocalServer() as server:
        assert_type(server.base_url, str)


def names_are_known_and_no_others() -> None:
    import assisters_rerank
    from assisters_rerank import Document as OurDocument
    from assisters_rerank.local import LocalServer

    assert_type(OurDocument("a", "a").text, str)
    assert_type(LocalServer().base_url, str)
    assert_type(assisters_rerank.Embedder().embed_query("a"), list[float])
    _ = assisters_rerank.AssistersRerank  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
