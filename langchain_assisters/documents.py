"""Documents in and out: which ones are taken, and copies with scores, cut to passages if wanted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from langchain_core.documents import Document

from assisters_rerank import ConfigurationError, RankedDocument, Ranking
from assisters_rerank.plugins import (
    CUT_OFF,
    PASSAGES,
    Cutting,
    FrameworkDocument,
    Shown,
    excerpt_of,
    given_list,
    noted,
)

SCORE = "relevance_score"
DEGRADED = "rerank_degraded"

# Pydantic's own way to fill a model, which may be frozen.
_set = object.__setattr__


def listed(documents: Iterable[Document]) -> list[Document]:
    """A list of our own, of which each is a document of LangChain's."""
    listed = given_list(documents, "documents")
    for place, document in enumerate(listed):
        if not isinstance(document, Document):
            raise ConfigurationError(
                f"documents[{place}]: give a LangChain Document, not {type(document).__name__}."
            )
        # LangChain checks these only in the constructor.
        text, metadata = document.page_content, document.metadata
        # A dict by itself first: to ask for a Mapping takes several times as long.
        if not isinstance(text, str) or not isinstance(metadata, (dict, Mapping, type(None))):
            raise ConfigurationError(
                f"documents[{place}]: page_content has to be a string and metadata a dict; they "
                f"are {type(text).__name__} and {type(metadata).__name__}."
            )
    return listed


def sent(
    documents: Sequence[Document], texts: Sequence[str], cutting: Cutting | None
) -> list[FrameworkDocument]:
    """The documents with the texts to score, where more than the texts is needed of them."""

    def given(document: Document, text: str) -> FrameworkDocument:
        def shown(ranked: RankedDocument) -> Shown:
            content = _scored(document, ranked, cutting).page_content
            return Shown(content, content)

        return FrameworkDocument(text, document.page_content, shown)

    return [given(document, text) for document, text in zip(documents, texts, strict=True)]


def scored(
    documents: Sequence[Document], ranking: Ranking, cutting: Cutting | None
) -> list[Document]:
    """Copies of the documents in their new order; id and subclass survive.

    With `cutting`, a document of which passages were scored is cut down to some of them.
    """
    return [_scored(documents[ranked.index], ranked, cutting) for ranked in ranking]


def _scored(document: Document, ranked: RankedDocument, cutting: Cutting | None) -> Document:
    metadata = dict(document.metadata or {})
    changes: dict[str, object] = {"metadata": metadata}
    # What an earlier pass said about the document no longer holds.
    metadata.pop(DEGRADED, None)
    if ranked.relevance_score is None:
        metadata.pop(SCORE, None)
        metadata[DEGRADED] = True
    else:
        metadata[SCORE] = ranked.relevance_score
    if cutting is not None or PASSAGES in metadata or ranked.context_end is not None:
        found = excerpt_of(document.page_content, ranked, metadata, cutting)
        if found is not None:
            metadata[PASSAGES] = noted(found.spans)
            if ranked.context_end is not None:
                metadata[CUT_OFF] = True
            changes["page_content"] = found.text
    return _copied(document, changes)


def _copied(document: Document, changes: Mapping[str, object]) -> Document:
    """What `document.model_copy(update=changes)` gives, in half the time of it.

    Of 100 documents, that saves a tenth of a call.
    """
    # A subclass may copy itself in its own way, and have more than fields.
    if (
        type(document) is not Document
        or document.__pydantic_private__
        or document.__pydantic_extra__
    ):
        return document.model_copy(update=changes)
    copied = Document.__new__(Document)
    _set(copied, "__dict__", {**document.__dict__, **changes})
    _set(copied, "__pydantic_fields_set__", {*document.__pydantic_fields_set__, *changes})
    _set(copied, "__pydantic_extra__", None)
    _set(copied, "__pydantic_private__", None)
    return copied
