"""`AssistersEmbedding`: vectors for LlamaIndex's indices."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Self

from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.schema import BaseNode, MetadataMode
from llama_index_instrumentation import get_dispatcher
from pydantic import Field, model_validator

from assisters_rerank import ConfigurationError, Embedder, EmbeddingOptions
from assisters_rerank.plugins import STRICT, only_sync_is_overridden

from .components import Component, has_handlers

dispatcher = get_dispatcher(__name__)


class AssistersEmbedding(Embedder, Component, BaseEmbedding):
    """Embeds texts and queries with the service, for the first stage of a search.

    For `Settings.embed_model`, `VectorStoreIndex(embed_model=…)` and ingestion pipelines. The
    options are those of `assisters_rerank.EmbeddingOptions`; E5 models get their prefixes without
    being told.

    Examples:
        >>> from llama_index_assisters import AssistersEmbedding
        >>> index = VectorStoreIndex.from_documents(documents, embed_model=AssistersEmbedding())
    """

    model_config = STRICT

    model_name: str = Field(
        default=EmbeddingOptions.model_fields["model"].default,
        min_length=1,
        description="LlamaIndex's name for `model`; give either, they are the same.",
    )
    embed_batch_size: int = Field(
        default=1000,
        gt=0,
        le=2048,
        description=(
            "Texts that LlamaIndex hands over at once; of these, requests of "
            "`max_texts_per_request` go out side by side."
        ),
    )
    embeddings_cache: Any | None = Field(
        default=None,
        exclude=True,
        repr=False,
        description=(
            "LlamaIndex's cache, a BaseKVStore. It finds vectors only by their texts: give each "
            "model a store of its own. A query that equals a text gets that text's vector."
        ),
    )

    @model_validator(mode="before")
    @classmethod
    def _one_model(cls, data: object) -> object:
        if not isinstance(data, dict):
            return data
        given = [data[name] for name in ("model", "model_name") if name in data]
        if len(given) == 2 and given[0] != given[1]:
            raise ValueError("model and model_name are the same; give one of them")
        model = given[0] if given else cls.model_fields["model"].default
        return {**data, "model": model, "model_name": model}

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in ("model", "model_name"):
            super().__setattr__(name, value)
            return
        before = self.model
        vars(self).update(model=value, model_name=value)
        try:
            super().__setattr__(name, value)
        except ConfigurationError:
            vars(self).update(model=before, model_name=before)
            raise

    def _is_given(self, name: str) -> bool:
        if name == "callback_manager":
            return has_handlers(self.callback_manager)
        return super()._is_given(name)

    def with_options(self, **changes: Any) -> Self:
        """The core's own; `model` and `model_name` stay the same."""
        if changes.keys() >= {"model", "model_name"} and changes["model"] != changes["model_name"]:
            raise ConfigurationError("model and model_name are the same; give one of them")
        return super().with_options(**changes)

    @classmethod
    def class_name(cls) -> str:
        """The name in `to_dict` and in traces."""
        return "AssistersEmbedding"

    def __call__(self, nodes: Sequence[BaseNode], **kwargs: Any) -> Sequence[BaseNode]:
        """Gives each node its vector, in place; for ingestion pipelines.

        Raises:
            AssistersError: see the tree in `assisters_rerank.errors`; a ConfigurationError names
                a node that has nothing to embed, before anything is sent.
        """
        vectors = self.get_text_embedding_batch(_contents(nodes), **kwargs)
        return _with_vectors(nodes, vectors)

    async def acall(self, nodes: Sequence[BaseNode], **kwargs: Any) -> Sequence[BaseNode]:
        """`__call__` for asyncio."""
        vectors = await self.aget_text_embedding_batch(_contents(nodes), **kwargs)
        return _with_vectors(nodes, vectors)

    def _get_query_embedding(self, query: str) -> list[float]:
        return self.embed_query(query)

    async def _aget_query_embedding(self, query: str) -> list[float]:
        if only_sync_is_overridden(self, "_get_query_embedding", "_aget_query_embedding"):
            return await asyncio.to_thread(self._get_query_embedding, query)
        return await self.aembed_query(query)

    def _get_text_embedding(self, text: str) -> list[float]:
        return self.embed_documents([text])[0]

    @dispatcher.span  # the mixin decorates abstract methods only, and this one has a default
    async def _aget_text_embedding(self, text: str) -> list[float]:
        if only_sync_is_overridden(self, "_get_text_embedding", "_aget_text_embedding"):
            return await asyncio.to_thread(self._get_text_embedding, text)
        return (await self.aembed_documents([text]))[0]

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        return self.embed_documents(texts)

    async def _aget_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        if only_sync_is_overridden(self, "_get_text_embeddings", "_aget_text_embeddings"):
            return await asyncio.to_thread(self._get_text_embeddings, texts)
        return await self.aembed_documents(texts)


def _contents(nodes: Sequence[BaseNode]) -> list[str]:
    contents = [node.get_content(metadata_mode=MetadataMode.EMBED) for node in nodes]
    for place, content in enumerate(contents):
        if not content or content.isspace():
            raise ConfigurationError(
                f"nodes[{place}] (id {nodes[place].node_id}): it is blank and cannot be embedded; "
                "leave it out."
            )
    return contents


def _with_vectors(nodes: Sequence[BaseNode], vectors: Sequence[list[float]]) -> Sequence[BaseNode]:
    for node, vector in zip(nodes, vectors, strict=True):
        node.embedding = vector
    return nodes
