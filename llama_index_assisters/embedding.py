"""`AssistersEmbedding`: vectors for LlamaIndex's indices."""

from __future__ import annotations

from typing import Any

from llama_index.core.base.embeddings.base import BaseEmbedding
from pydantic import Field, model_validator

from assisters_rerank import ConfigurationError, Embedder
from assisters_rerank.settings import STRICT

from .components import Component


class AssistersEmbedding(Embedder, Component, BaseEmbedding):
    """Embeds texts and queries with the service, for the first stage of a search.

    For `Settings.embed_model`, `VectorStoreIndex(embed_model=…)` and ingestion pipelines. The
    options are those of `assisters_rerank.EmbeddingOptions`; E5 models get their prefixes without
    being told.

    Example:
        >>> from llama_index_assisters import AssistersEmbedding
        >>> index = VectorStoreIndex.from_documents(documents, embed_model=AssistersEmbedding())
    """

    model_config = STRICT

    model_name: str = Field(
        default="", description="LlamaIndex's name for `model`; give either, they are the same."
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

    @model_validator(mode="before")
    @classmethod
    def _one_model(cls, data: object) -> object:
        if not isinstance(data, dict):
            return data
        given = {data[name] for name in ("model", "model_name") if data.get(name)}
        if len(given) > 1:
            raise ValueError("model and model_name are the same; give one of them")
        model = next(iter(given), cls.model_fields["model"].default)
        return {**data, "model": model, "model_name": model}

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in ("model", "model_name"):
            super().__setattr__(name, value)
            return
        before = self.model
        self.__dict__.update(model=value, model_name=value)
        try:
            super().__setattr__(name, value)
        except ConfigurationError:
            self.__dict__.update(model=before, model_name=before)
            raise

    @classmethod
    def class_name(cls) -> str:
        """The name in `to_dict` and in traces."""
        return "AssistersEmbedding"

    def _get_query_embedding(self, query: str) -> list[float]:
        return self.embed_query(query)

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return await self.aembed_query(query)

    def _get_text_embedding(self, text: str) -> list[float]:
        return self.embed_documents([text])[0]

    async def _aget_text_embedding(self, text: str) -> list[float]:
        return (await self.aembed_documents([text]))[0]

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        return self.embed_documents(texts)

    async def _aget_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        return await self.aembed_documents(texts)
