"""Every way to call the reranker, brought to one shape: texts and options in, `Got` out."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, Protocol

import anyio
import anyio.to_thread
import httpx
import pytest
from langchain_core.documents import Document
from llama_index.core.schema import NodeWithScore, TextNode

import langchain_assisters
import llama_index_assisters
from assisters_rerank import Reranker

QUERY = "What is it worth?"


@dataclass(frozen=True)
class Got:
    """What a call gave back: texts in their order, a score for each, and the mark of failure."""

    texts: list[str]
    scores: list[float | None]
    degraded: bool

    @property
    def ranking(self) -> list[tuple[str, float | None]]:
        """Texts with their scores."""
        return list(zip(self.texts, self.scores, strict=True))


class Kind(Protocol):
    """One of the three classes: how it is made, what goes in, and how to read what comes out."""

    def make(self, options: dict[str, Any]) -> Any: ...
    def call(self, reranker: Any, texts: Sequence[str]) -> Any: ...
    async def acall(self, reranker: Any, texts: Sequence[str]) -> Any: ...
    def read(self, result: Any) -> Got: ...
    def first_scores(self, texts: Sequence[str]) -> list[float | None]:
        """The scores of candidates that were passed through."""
        ...


class Plain:
    """`assisters_rerank.Reranker` on strings."""

    def make(self, options: dict[str, Any]) -> Any:
        return Reranker(**options)

    def call(self, reranker: Any, texts: Sequence[str]) -> Any:
        return reranker.rerank(QUERY, list(texts))

    async def acall(self, reranker: Any, texts: Sequence[str]) -> Any:
        return await reranker.arerank(QUERY, list(texts))

    def read(self, result: Any) -> Got:
        return Got(
            [ranked.document.text for ranked in result],
            [ranked.relevance_score for ranked in result],
            result.degraded,
        )

    def first_scores(self, texts: Sequence[str]) -> list[float | None]:
        return [None] * len(texts)


class PlainOverHttpx(Plain):
    """The same with httpx's own transport on asyncio, as without the extra `aiohttp`."""

    def make(self, options: dict[str, Any]) -> Any:
        return Reranker(**options, async_http_client=httpx.AsyncClient(verify=authorities()))


@cache
def authorities() -> ssl.SSLContext:
    """As a client makes it for itself, which takes it 40 ms."""
    return httpx.create_ssl_context()


class LangChain:
    """The LangChain document compressor on documents."""

    def make(self, options: dict[str, Any]) -> Any:
        return langchain_assisters.AssistersRerank(**options)

    def _documents(self, texts: Sequence[str]) -> list[Any]:
        return [Document(page_content=text, id=str(i)) for i, text in enumerate(texts)]

    def call(self, reranker: Any, texts: Sequence[str]) -> Any:
        return reranker.compress_documents(self._documents(texts), QUERY)

    async def acall(self, reranker: Any, texts: Sequence[str]) -> Any:
        return await reranker.acompress_documents(self._documents(texts), QUERY)

    def read(self, result: Any) -> Got:
        return Got(
            [document.page_content for document in result],
            [document.metadata.get("relevance_score") for document in result],
            any(document.metadata.get("rerank_degraded") is True for document in result),
        )

    def first_scores(self, texts: Sequence[str]) -> list[float | None]:
        return [None] * len(texts)


class LlamaIndex:
    """The LlamaIndex node postprocessor on nodes that already have a retrieval score."""

    def make(self, options: dict[str, Any]) -> Any:
        return llama_index_assisters.AssistersRerank(**options)

    def _nodes(self, texts: Sequence[str]) -> list[Any]:
        return [
            NodeWithScore(node=TextNode(text=text), score=score)
            for text, score in zip(texts, self.first_scores(texts), strict=True)
        ]

    def call(self, reranker: Any, texts: Sequence[str]) -> Any:
        return reranker.postprocess_nodes(self._nodes(texts), query_str=QUERY)

    async def acall(self, reranker: Any, texts: Sequence[str]) -> Any:
        return await reranker.apostprocess_nodes(self._nodes(texts), query_str=QUERY)

    def read(self, result: Any) -> Got:
        return Got(
            [scored.node.text for scored in result],
            [scored.score for scored in result],
            any(scored.node.metadata.get("rerank_degraded") is True for scored in result),
        )

    def first_scores(self, texts: Sequence[str]) -> list[float | None]:
        return [100.0 - place for place in range(len(texts))]


Run = Callable[[Callable[[], Coroutine[Any, Any, Got]]], Got]
"""Runs an async function in a fresh event loop."""


@dataclass(frozen=True)
class Face:
    """One class in one colour: sync, or async in the loop that `loop` starts."""

    name: str
    kind: Kind
    loop: Run | None

    def run(
        self,
        options: dict[str, Any],
        texts: Sequence[str],
        before: Sequence[type[Exception] | None] = (),
        between: Callable[[], None] = lambda: None,
    ) -> Got:
        """Calls one reranker once for each outcome in `before`, and then for the result.

        `between` runs after every call but the last.
        """
        if self.loop is not None:
            return self.loop(partial(self._arun, options, texts, before, between))
        reranker = self.kind.make(options)
        try:
            for outcome in before:
                with expected(outcome):
                    self.kind.call(reranker, texts)
                between()
            return self.kind.read(self.kind.call(reranker, texts))
        finally:
            reranker.close()

    async def _arun(
        self,
        options: dict[str, Any],
        texts: Sequence[str],
        before: Sequence[type[Exception] | None],
        between: Callable[[], None],
    ) -> Got:
        reranker = self.kind.make(options)
        try:
            for outcome in before:
                with expected(outcome):
                    await self.kind.acall(reranker, texts)
                await anyio.to_thread.run_sync(between)
            return self.kind.read(await self.kind.acall(reranker, texts))
        finally:
            await reranker.aclose()
            if reranker.async_http_client is not None:
                await reranker.async_http_client.aclose()


def expected(error: type[Exception] | None) -> AbstractContextManager[object]:
    """Passes if exactly this error is raised, or none for None."""
    return nullcontext() if error is None else pytest.raises(error)


KINDS: dict[str, Kind] = {
    "reranker": Plain(),
    "langchain": LangChain(),
    "llamaindex": LlamaIndex(),
}
ASYNCIO: Run = partial(anyio.run, backend="asyncio")
TRIO: Run = partial(anyio.run, backend="trio")

SIX_FACES = [
    *(Face(f"{name}-sync", kind, None) for name, kind in KINDS.items()),
    *(Face(f"{name}-async", kind, ASYNCIO) for name, kind in KINDS.items()),
]
# The frameworks need asyncio; the reranker alone does not.
FACES = [
    *SIX_FACES,
    Face("reranker-httpx", PlainOverHttpx(), ASYNCIO),
    Face("reranker-trio", Plain(), TRIO),
]
