"""`Reranker`: the options, with `rerank` and `arerank`."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from os import PathLike
from types import EllipsisType
from typing import Any, Self, TypeVar

from .call import rerank_flow
from .connected import Connected
from .errors import ConfigurationError
from .net import Blocking, Port, run_blocking
from .net.clients import Clients, HttpClient
from .options.rerank_options import RerankOptions, checked_top_n
from .options.settings_file import read_settings
from .options.thresholds import LeastScore, checked_score_threshold
from .ranking import Document, Ranking, Selection
from .settings import STRICT, given_list, given_text

T = TypeVar("T")

# What a framework's own documents have, and the plugins' method for them.
_FRAMEWORKS_OWN = (
    ("page_content", "compress_documents(documents, query)"),
    ("get_content", "postprocess_nodes(nodes, query_str=query)"),
)


class Reranker(RerankOptions, Connected):
    """Scores documents against a query with a hosted cross-encoder, and ranks them.

    One object serves any number of threads and event loops. Its options are listed in
    `RerankOptions`.

    Examples:
        >>> from assisters_rerank import Reranker
        >>> reranker = Reranker(model="bge-reranker-v2", top_n=5, score_threshold=0.5)
        >>> ranking = reranker.rerank("machine learning basics", ["ML is a subset of AI", "Rain"])
        >>> [(ranked.index, ranked.relevance_score) for ranked in ranking]
    """

    model_config = STRICT

    @classmethod
    def from_file(cls, path: str | PathLike[str], **options: Any) -> Self:
        """A reranker with the settings of a TOML file, as `eval --save-settings` writes it.

        Its table `[reranker]` has options by their names. It holds no key: that comes from the
        environment variable, or from `options`.

        Args:
            path: the file.
            options: further ones; they take the place of the file's.

        Raises:
            ConfigurationError: the file cannot be read, is not TOML, or has a table or an option
                that is unknown, impossible, or does not belong into a file.
        """
        settings = read_settings(path)
        try:
            return cls(**{**settings, **options})
        except ConfigurationError as error:
            raise ConfigurationError(f"{path}: [reranker] {error}") from None

    def rerank(
        self,
        query: str,
        documents: Iterable[str | Mapping[str, object]],
        *,
        top_n: int | EllipsisType | None = ...,
        score_threshold: LeastScore | EllipsisType | None = ...,
    ) -> Ranking:
        """Ranks the documents, blocking the thread. Works inside a running event loop too.

        Args:
            query: what the documents should answer; not blank.
            documents: strings, or mappings with a string under `text`. They are not changed.
            top_n: for this call instead of the option; None: all.
            score_threshold: for this call instead of the option: a number, or numbers by model
                id; None: no threshold.

        Raises:
            AssistersError: see the tree in `assisters_rerank.errors`.
        """
        return self._through(Blocking, query, documents, top_n, score_threshold)

    async def arerank(
        self,
        query: str,
        documents: Iterable[str | Mapping[str, object]],
        *,
        top_n: int | EllipsisType | None = ...,
        score_threshold: LeastScore | EllipsisType | None = ...,
    ) -> Ranking:
        """`rerank` for asyncio and trio: the same arguments, results and errors."""
        port = await self._evented_port()
        return await self._call(port, query, documents, top_n, score_threshold)

    def select(
        self,
        query: str,
        items: Iterable[T],
        *,
        key: Callable[[T], str],
        top_n: int | EllipsisType | None = ...,
        score_threshold: LeastScore | EllipsisType | None = ...,
    ) -> Selection[T]:
        """Selects items of any kind by the text that `key` gives of each, as in `sorted`.

            reranker.select("send a mail", tools, key=lambda tool: tool.description, top_n=5)

        Args:
            query: what the items should fit; not blank.
            items: the candidates. They are not changed.
            key: gives the text of an item that is scored; a plain function.
            top_n: for this call instead of the option; None: all.
            score_threshold: for this call instead of the option; None: no threshold.

        Raises:
            AssistersError: see the tree in `assisters_rerank.errors`.
        """
        items = given_list(items, "items")
        ranking = self.rerank(
            query, _texts(items, key), top_n=top_n, score_threshold=score_threshold
        )
        return Selection(tuple(items[ranked.index] for ranked in ranking), ranking)

    async def aselect(
        self,
        query: str,
        items: Iterable[T],
        *,
        key: Callable[[T], str],
        top_n: int | EllipsisType | None = ...,
        score_threshold: LeastScore | EllipsisType | None = ...,
    ) -> Selection[T]:
        """`select` for asyncio and trio: the same arguments, results and errors."""
        items = given_list(items, "items")
        ranking = await self.arerank(
            query, _texts(items, key), top_n=top_n, score_threshold=score_threshold
        )
        return Selection(tuple(items[ranked.index] for ranked in ranking), ranking)

    async def _arerank_patiently(
        self, query: str, documents: Iterable[str | Mapping[str, object]]
    ) -> Ranking:
        """`arerank` of one query among many: it waits for its turn for as long as that takes.

        `timeout` begins with the turn, and again with each further attempt.
        """
        port = await self._evented_port()
        return await self._call(port, query, documents, ..., ..., math.inf)

    def _through(
        self,
        port: Callable[[Clients, HttpClient | None], Port],
        query: str,
        documents: Iterable[str | Mapping[str, object]],
        top_n: int | EllipsisType | None = ...,
        score_threshold: LeastScore | EllipsisType | None = ...,
    ) -> Ranking:
        """`rerank` over a port of this make, as evaluations and progress bars have their own."""
        made = self._blocking_port(port)
        return run_blocking(self._call(made, query, documents, top_n, score_threshold))

    async def _call(
        self,
        port: Port,
        query: str,
        documents: Iterable[str | Mapping[str, object]],
        top_n: int | EllipsisType | None,
        score_threshold: LeastScore | EllipsisType | None,
        queue_deadline: float | None = None,
    ) -> Ranking:
        return await rerank_flow.rerank(
            port,
            self,
            self._state,
            _checked_query(query),
            _checked_documents(documents),
            self.top_n if top_n is ... else checked_top_n(top_n),
            self.score_threshold
            if score_threshold is ...
            else checked_score_threshold(score_threshold, self.model),
            queue_deadline,
        )


def _texts(items: list[T], key: Callable[[T], str]) -> list[str]:
    return [given_text(key(item), "key", f"items[{place}]") for place, item in enumerate(items)]


def _checked_query(query: object) -> str:
    if not isinstance(query, str):
        raise ConfigurationError(f"query: give a string, not {type(query).__name__}.")
    if not query.strip():
        raise ConfigurationError("query: it is blank; give a query with text.")
    return query


def _checked_documents(documents: object) -> list[Document]:
    listed = given_list(documents, "documents", "strings or mappings")
    return [
        Document(document, document) if isinstance(document, str) else _document(document, place)
        for place, document in enumerate(listed)
    ]


def _document(document: object, place: int) -> Document:
    if isinstance(document, Mapping):
        text = document.get("text")
        if isinstance(text, str):
            return Document(text, document)
        raise ConfigurationError(f"documents[{place}]: it has no string under 'text'.")
    method = next((theirs for name, theirs in _FRAMEWORKS_OWN if hasattr(document, name)), None)
    raise ConfigurationError(
        f"documents[{place}]: give a string or a mapping with 'text', "
        f"not {type(document).__name__}{f'; {method} takes these' if method else ''}."
    )
