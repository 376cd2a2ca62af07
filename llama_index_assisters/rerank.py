"""`AssistersRerank`: the node postprocessor."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import partial
from types import EllipsisType
from typing import Any, Unpack

from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.schema import MetadataMode, NodeWithScore, QueryBundle
from llama_index_instrumentation import get_dispatcher
from pydantic import Field

from assisters_rerank import ConfigurationError, Ranking, Reranker
from assisters_rerank.plugins import (
    STRICT,
    Content,
    Cutting,
    FrameworkDocument,
    LeastScore,
    PassageThreshold,
    call_options,
    checked_cut,
    checked_score_threshold,
    checked_top_n,
    only_sync_is_overridden,
    shown_threshold,
)

from .components import Component, has_handlers
from .events import CallOptions, GivenOptions, Report, reported
from .nodes import listed, scored, sent, text_of
from .spans import span_where_heard

dispatcher = get_dispatcher(__name__)

_QUERY = ("query_bundle", "query_str")


class AssistersRerank(Reranker, Component, BaseNodePostprocessor):
    """Reranks nodes; each `NodeWithScore` of the result carries the relevance score.

    For `as_query_engine(node_postprocessors=[…])`, chat engines, workflows, or by hand through
    `postprocess_nodes` and `apostprocess_nodes`, which take `top_n` and `score_threshold` for one
    call; engines never give any, so give them `with_options(top_n=…)`. The options are those of
    `assisters_rerank.RerankOptions`; `rerank` and `arerank` on plain strings are there as well.
    With `on_error="passthrough"`, nodes that the service could not score keep their first scores
    and carry `metadata["rerank_degraded"] = True`, hidden from prompts.

    Examples:
        >>> from llama_index_assisters import AssistersRerank
        >>> engine = index.as_query_engine(
        ...     similarity_top_k=50, node_postprocessors=[AssistersRerank(top_n=5)]
        ... )
    """

    model_config = STRICT

    metadata_mode: MetadataMode = Field(
        default=MetadataMode.EMBED,
        description="Which of a node's metadata is sent along with its text.",
    )
    keep_retrieval_score: bool = Field(
        default=False,
        description="Put the first stage's score into metadata['retrieval_score'] of a copy.",
    )
    content: Content = Field(
        default="document",
        description=(
            "passages: a long node comes back as a copy cut down to its relevant passages, with "
            "their spans and scores in metadata['passages']; needs long_documents='split'."
        ),
    )
    passage_threshold: PassageThreshold = Field(
        default=None,
        description=(
            "With content='passages': keep the passages with a score >= this, and the best one in "
            "any case. Without it, the best one only."
        ),
    )

    @classmethod
    def class_name(cls) -> str:
        """The name in `to_dict` and in traces."""
        return "AssistersRerank"

    def _is_given(self, name: str) -> bool:
        if name == "callback_manager":
            return has_handlers(self.callback_manager)
        return super()._is_given(name)

    def postprocess_nodes(
        self,
        nodes: list[NodeWithScore],
        query_bundle: QueryBundle | None = None,
        query_str: str | None = None,
        **options: Unpack[GivenOptions],
    ) -> list[NodeWithScore]:
        """Ranks the nodes, the best first; they are not changed.

        Args:
            nodes: the candidates.
            query_bundle: what they should answer.
            query_str: the same as text; give either.
            options: `top_n` and `score_threshold`, for this call instead of the options of these
                names; None: all, and no threshold.

        Raises:
            AssistersError: see the tree in `assisters_rerank.errors`.
        """
        query = _one_query(query_bundle, query_str)
        return self._postprocess_nodes(nodes, query, **call_options(options, _QUERY))

    async def apostprocess_nodes(
        self,
        nodes: list[NodeWithScore],
        query_bundle: QueryBundle | None = None,
        query_str: str | None = None,
        **options: Unpack[GivenOptions],
    ) -> list[NodeWithScore]:
        """`postprocess_nodes` without blocking the event loop."""
        query = _one_query(query_bundle, query_str)
        return await self._apostprocess_nodes(nodes, query, **call_options(options, _QUERY))

    @span_where_heard(dispatcher)
    def _postprocess_nodes(
        self,
        nodes: list[NodeWithScore],
        query_bundle: QueryBundle | None = None,
        *,
        top_n: int | EllipsisType | None = ...,
        score_threshold: LeastScore | EllipsisType | None = ...,
    ) -> list[NodeWithScore]:
        query, nodes = _query(query_bundle), listed(nodes)
        options = self._effective(top_n, score_threshold)
        with self._reported(query, nodes, options) as report:
            cutting = checked_cut(self, self.content, self.passage_threshold)
            ranking = self.rerank(query, self._sent(nodes, cutting), **options)
            return report(self._scored(nodes, ranking, cutting), ranking)

    @span_where_heard(dispatcher)
    async def _apostprocess_nodes(
        self,
        nodes: list[NodeWithScore],
        query_bundle: QueryBundle | None = None,
        *,
        top_n: int | EllipsisType | None = ...,
        score_threshold: LeastScore | EllipsisType | None = ...,
    ) -> list[NodeWithScore]:
        if only_sync_is_overridden(self, "_postprocess_nodes", "_apostprocess_nodes"):
            options = {"top_n": top_n, "score_threshold": score_threshold}
            given: Any = {name: value for name, value in options.items() if value is not ...}
            overridden = partial(self._postprocess_nodes, nodes, query_bundle, **given)
            return await asyncio.to_thread(overridden)
        query, nodes = _query(query_bundle), listed(nodes)
        effective = self._effective(top_n, score_threshold)
        with self._reported(query, nodes, effective) as report:
            cutting = checked_cut(self, self.content, self.passage_threshold)
            ranking = await self.arerank(query, self._sent(nodes, cutting), **effective)
            return report(self._scored(nodes, ranking, cutting), ranking)

    def _effective(
        self, top_n: int | EllipsisType | None, score_threshold: LeastScore | EllipsisType | None
    ) -> CallOptions:
        # Checked before the start event, which tells them.
        return {
            "top_n": self.top_n if top_n is ... else checked_top_n(top_n),
            "score_threshold": (
                self.score_threshold
                if score_threshold is ...
                else checked_score_threshold(score_threshold, self.model)
            ),
        }

    def _reported(
        self, query: str, nodes: list[NodeWithScore], options: CallOptions
    ) -> AbstractContextManager[Report]:
        told = shown_threshold(options["score_threshold"], self.model)
        shown: CallOptions = {**options, "score_threshold": told}
        return reported(dispatcher, self, query, nodes, model=self.model, options=shown)

    def _sent(
        self, nodes: list[NodeWithScore], cutting: Cutting | None
    ) -> Sequence[str | FrameworkDocument]:
        texts = [text_of(node, self.metadata_mode) for node in nodes]
        if cutting is None and self.max_context_tokens is None:
            return texts
        return sent(nodes, texts, cutting, keep_first=self.keep_retrieval_score)

    def _scored(
        self, nodes: list[NodeWithScore], ranking: Ranking, cutting: Cutting | None
    ) -> list[NodeWithScore]:
        return scored(nodes, ranking, cutting, keep_first=self.keep_retrieval_score)


def _one_query(bundle: QueryBundle | None, text: str | None) -> QueryBundle | None:
    if bundle is not None and text is not None:
        raise ConfigurationError("query_str and query_bundle are the same; give one of them.")
    return bundle if text is None else QueryBundle(text)


def _query(query_bundle: QueryBundle | None) -> str:
    if query_bundle is None:
        raise ConfigurationError("There is no query: give query_bundle or query_str.")
    if not isinstance(query_bundle, QueryBundle):
        given = type(query_bundle).__name__
        raise ConfigurationError(
            f"query_bundle: give a QueryBundle, or the text as query_str=…, not {given}."
        )
    if not isinstance(query_bundle.query_str, str):
        given = type(query_bundle.query_str).__name__
        raise ConfigurationError(f"query_str: give a string, not {given}.")
    return query_bundle.query_str
