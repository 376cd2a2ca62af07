"""`AssistersRerank`: the document compressor, which is a Runnable too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import EllipsisType
from typing import Any

from langchain_core.callbacks import Callbacks
from langchain_core.documents import BaseDocumentCompressor, Document
from langchain_core.load.serializable import SerializedConstructor, SerializedNotImplemented
from langchain_core.runnables import RunnableConfig, RunnableSerializable
from langchain_core.runnables.config import run_in_executor
from langchain_core.runnables.utils import AnyConfigurableField
from pydantic import Field
from pydantic.json_schema import SkipJsonSchema
from typing_extensions import TypedDict  # pydantic needs it on Python 3.11

from assisters_rerank import ConfigurationError, Reranker
from assisters_rerank.plugins import (
    API_KEY_VARIABLE,
    STRICT,
    Content,
    Cutting,
    FrameworkDocument,
    LeastScore,
    PassageThreshold,
    call_options,
    checked_cut,
    given_text,
    only_sync_is_overridden,
)

from .call_config import called, config_of
from .documents import listed, scored, sent
from .tracing import atraced, traced


class RerankInput(TypedDict):
    """What the Runnable takes."""

    query: str
    documents: Sequence[Document]


# Chains are mostly typed as giving some dict or other: what is in it is checked in the call.
Input = RerankInput | dict[str, Any]


class AssistersRerank(
    Reranker, BaseDocumentCompressor, RunnableSerializable[Input, list[Document]]
):
    """Reranks documents and puts the score into `metadata["relevance_score"]` of copies.

    For `ContextualCompressionRetriever`, `DocumentCompressorPipeline`, `RerankRetriever`, and as
    a Runnable of `{"query": …, "documents": […]}`. The options are those of
    `assisters_rerank.RerankOptions`; `rerank` and `arerank` on plain strings are there as well.
    With `on_error="passthrough"`, documents that the service could not score carry
    `metadata["rerank_degraded"] = True` and no score.

    Examples:
        >>> from langchain_assisters import AssistersRerank
        >>> compressor = AssistersRerank(top_n=3)
        >>> compressor.compress_documents(documents, "which city is the capital?")
    """

    model_config = STRICT

    text: SkipJsonSchema[Callable[[Document], str] | None] = Field(
        default=None,
        description="Returns the text to send for a document; without it, page_content is sent.",
    )
    content: Content = Field(
        default="document",
        description=(
            "passages: a long document comes back cut down to its relevant passages, with their "
            "spans and scores in metadata['passages']; needs long_documents='split'."
        ),
    )
    passage_threshold: PassageThreshold = Field(
        default=None,
        description=(
            "With content='passages': keep the passages with a score >= this, and the best one in "
            "any case. Without it, the best one only."
        ),
    )

    def compress_documents(
        self,
        documents: Sequence[Document],
        query: str,
        callbacks: Callbacks | None = None,
        *,
        top_n: int | EllipsisType | None = ...,
        score_threshold: LeastScore | EllipsisType | None = ...,
    ) -> list[Document]:
        """Ranks the documents, the best first; the run shows up in traces as a retriever run.

        Args:
            documents: the candidates; they are not changed.
            query: what they should answer.
            callbacks: the parent run's callbacks; without them, those of the chain around.
            top_n: for this call instead of the option; None: all.
            score_threshold: for this call instead of the option: a number, or numbers by model
                id; None: no threshold.

        Raises:
            AssistersError: see the tree in `assisters_rerank.errors`.
        """
        with traced(self, query, config_of(self, callbacks), top_n, score_threshold) as trace:
            documents = listed(documents)
            cutting = checked_cut(self, self.content, self.passage_threshold)
            ranking = self.rerank(
                query, self._sent(documents, cutting), top_n=top_n, score_threshold=score_threshold
            )
            result = scored(documents, ranking, cutting)
            trace.finish(result, ranking)
        return result

    async def acompress_documents(
        self,
        documents: Sequence[Document],
        query: str,
        callbacks: Callbacks | None = None,
        *,
        top_n: int | EllipsisType | None = ...,
        score_threshold: LeastScore | EllipsisType | None = ...,
    ) -> list[Document]:
        """`compress_documents` without blocking the event loop."""
        if only_sync_is_overridden(self, "compress_documents", "acompress_documents"):
            options = {"top_n": top_n, "score_threshold": score_threshold}
            given: Any = {name: value for name, value in options.items() if value is not ...}
            return await run_in_executor(
                None, self.compress_documents, documents, query, callbacks, **given
            )
        async with atraced(
            self, query, config_of(self, callbacks), top_n, score_threshold
        ) as trace:
            documents = listed(documents)
            cutting = checked_cut(self, self.content, self.passage_threshold)
            ranking = await self.arerank(
                query, self._sent(documents, cutting), top_n=top_n, score_threshold=score_threshold
            )
            result = scored(documents, ranking, cutting)
            trace.finish(result, ranking)
        return result

    def invoke(
        self, input: Input, config: RunnableConfig | None = None, **kwargs: Any
    ) -> list[Document]:
        """`compress_documents` as a Runnable; the keywords are `top_n` and `score_threshold`."""
        documents, query = _parts(input)
        options = call_options(kwargs)
        with called(self, config):
            return self.compress_documents(documents, query, **options)

    async def ainvoke(
        self, input: Input, config: RunnableConfig | None = None, **kwargs: Any
    ) -> list[Document]:
        """`acompress_documents` as a Runnable; it takes the same keywords as `invoke`."""
        documents, query = _parts(input)
        options = call_options(kwargs)
        with called(self, config):
            return await self.acompress_documents(documents, query, **options)

    def configurable_fields(
        self, **kwargs: AnyConfigurableField
    ) -> RunnableSerializable[Input, list[Document]]:
        """LangChain's own; the calls share the connections, the pace and `total_usage`."""
        # Here, since it loads modules of LangChain that few programs need.
        from .configurable import ConfigurableRerank

        super().configurable_fields(**kwargs)  # which checks the names
        return ConfigurableRerank(default=self, fields=kwargs)

    def _sent(
        self, documents: Sequence[Document], cutting: Cutting | None
    ) -> Sequence[str | FrameworkDocument]:
        if self.text is None:
            texts = [document.page_content for document in documents]
        else:
            texts = [
                given_text(self.text(each), "text", f"documents[{place}]")
                for place, each in enumerate(documents)
            ]
        if cutting is None and self.max_context_tokens is None:
            return texts
        return sent(documents, texts, cutting)

    @property
    def InputType(self) -> type[RerankInput]:  # noqa: N802 - LangChain's name
        """What the input's schema is made of."""
        return RerankInput

    @classmethod
    def is_lc_serializable(cls) -> bool:
        """`dumps` and `loads` keep every JSON-able option."""
        return True

    @property
    def lc_secrets(self) -> dict[str, str]:
        """The key is dumped as the name of its environment variable."""
        return {"api_key": API_KEY_VARIABLE}

    def to_json(self) -> SerializedConstructor | SerializedNotImplemented:
        """LangChain's own, with our `Dialect` and `Price` as plain values, which `loads` takes."""
        self.refuse_keys_in_dumps()
        dumped = super().to_json()
        if dumped["type"] == "constructor":
            ours = {"dialect", "prices"} & dumped["kwargs"].keys()
            dumped["kwargs"] |= self.model_dump(mode="json", include=ours)
        return dumped


def _parts(given: Input) -> tuple[Sequence[Document], str]:
    try:
        return given["documents"], given["query"]
    except (KeyError, TypeError):
        problem = f"give a mapping with 'query' and 'documents', not {type(given).__name__}"
        if isinstance(given, list):  # `retriever | AssistersRerank()`
            problem += (
                ". To rerank what a retriever finds, write "
                "RerankRetriever(base_retriever=retriever, reranker=AssistersRerank())"
            )
        if isinstance(given, dict):
            problem = f"it needs 'query' and 'documents'; it has {sorted(map(str, given))}"
    raise ConfigurationError(f"input: {problem}.")
