"""`Embedder`: the options, with `embed_documents`, `embed_query` and their async twins."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .call import embedding_flow
from .connected import Connected
from .errors import ConfigurationError
from .net import run_blocking
from .options.embedding_options import EmbeddingOptions
from .settings import STRICT, given_list


class Embedder(EmbeddingOptions, Connected):
    """Turns texts into vectors with the service's `/embeddings`, for the first stage of a search.

    One object serves any number of threads and event loops. Its options are listed in
    `EmbeddingOptions`.

    Examples:
        >>> from assisters_rerank import Embedder
        >>> embedder = Embedder(model="e5-large-v2")
        >>> query = embedder.embed_query("how do plants eat?")
        >>> documents = embedder.embed_documents(["Photosynthesis feeds plants.", "Rain."])
    """

    model_config = STRICT

    def embed_documents(self, texts: Iterable[str]) -> list[list[float]]:
        """A vector for each text, in their order, blocking the thread.

        Args:
            texts: strings, none of them blank; `passage_prefix` is put before each.

        Raises:
            AssistersError: see the tree in `assisters_rerank.errors`.
        """
        return self._blocking(_checked(texts, self.prefix_of_passages()))

    def embed_query(self, text: str) -> list[float]:
        """The vector of a query; `query_prefix` is put before it."""
        (vector,) = self._blocking(_checked_query(text, self.prefix_of_queries()))
        return vector

    async def aembed_documents(self, texts: Iterable[str]) -> list[list[float]]:
        """`embed_documents` for asyncio and trio."""
        return await self._evented(_checked(texts, self.prefix_of_passages()))

    async def aembed_query(self, text: str) -> list[float]:
        """`embed_query` for asyncio and trio."""
        (vector,) = await self._evented(_checked_query(text, self.prefix_of_queries()))
        return vector

    def _blocking(self, texts: Sequence[str]) -> list[list[float]]:
        port = self._blocking_port()
        return run_blocking(embedding_flow.embed(port, self, self._state, texts))

    async def _evented(self, texts: Sequence[str]) -> list[list[float]]:
        port = await self._evented_port()
        return await embedding_flow.embed(port, self, self._state, texts)


def _checked(texts: object, prefix: str) -> list[str]:
    listed = given_list(texts, "texts", "strings")
    return [_one(text, prefix, f"texts[{place}]") for place, text in enumerate(listed)]


def _checked_query(text: object, prefix: str) -> list[str]:
    return [_one(text, prefix, "text")]


def _one(text: object, prefix: str, name: str) -> str:
    if not isinstance(text, str):
        raise ConfigurationError(f"{name}: give a string, not {type(text).__name__}.")
    if not text or text.isspace():
        raise ConfigurationError(f"{name}: it is blank and cannot be embedded; leave it out.")
    return prefix + text
