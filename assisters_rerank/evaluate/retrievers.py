"""A collection from questions put to a LangChain or LlamaIndex retriever, neither imported."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol, TypeVar

from ..errors import ConfigurationError
from .data.collection import Candidates, Collection

Found = TypeVar("Found")
Found_co = TypeVar("Found_co", covariant=True)

Relevant = Iterable[str] | Mapping[str, int]
"""Ids of the relevant documents, or these with their grades."""


class LangChainRetriever(Protocol[Found_co]):
    """What is asked by `invoke`: any LangChain retriever, or a chain that ends in one."""

    def invoke(self, input: str, /) -> Sequence[Found_co]:
        """The documents for a question, best first."""
        ...


class LlamaIndexRetriever(Protocol[Found_co]):
    """What is asked by `retrieve`: any LlamaIndex retriever."""

    def retrieve(self, question: str, /) -> Sequence[Found_co]:
        """The nodes for a question, best first."""
        ...


def collection_from_retriever(
    retriever: LangChainRetriever[Found] | LlamaIndexRetriever[Found],
    questions: Iterable[tuple[str, Relevant]],
    depth: int = 100,
    *,
    id_of: Callable[[Found], str] | None = None,
    text_of: Callable[[Found], str] | None = None,
    name: str | None = None,
) -> tuple[Collection, Candidates]:
    """Asks a retriever each question: what it finds are the candidates and the documents.

    Args:
        retriever: it decides itself how many it finds; set that to at least `depth`.
        questions: with the relevant documents' ids, or grades by id. Query ids are their places,
            from `"1"` on. A relevant document that is not retrieved counts as not found.
        depth: candidates per question, at most.
        id_of: gives the id that `questions` uses. By default a LangChain document's `id`, else
            its `metadata["id"]`; a LlamaIndex node's `node_id`.
        text_of: gives the text to rerank. By default a document's `page_content`, and a node's
            content with the metadata meant for embeddings, as our plugins send them.
        name: the collection's; by default the retriever's class.

    Raises:
        ConfigurationError: no questions, one that is blank or has no relevant document; a document
            without an id; one id for different texts; or no relevant document was retrieved for
            any question, which means that the ids are of different kinds.
    """
    asked = _asked(questions)
    if depth < 1:
        raise ConfigurationError(f"depth: give at least 1, not {depth}.")
    queries = {str(place): question for place, (question, _) in enumerate(asked, 1)}
    qrels = {str(place): grades for place, (_, grades) in enumerate(asked, 1)}
    documents: dict[str, str] = {}
    candidates: dict[str, list[str]] = {}
    for query, question in queries.items():
        # The same document twice, as retrievers that join others' results give it, counts once.
        ids: dict[str, None] = {}
        for found in _retrieve(retriever, question):
            if len(ids) == depth:
                break
            document = _id(found) if id_of is None else id_of(found)
            if not isinstance(document, str) or not document:
                raise ConfigurationError(
                    f"question {query}: a retrieved {type(found).__name__} has the id "
                    f"{document!r}; give id_of, a function that returns the one in the questions."
                )
            text = _text(found) if text_of is None else text_of(found)
            if documents.setdefault(document, text) != text:
                raise ConfigurationError(
                    f"question {query}: the id {document!r} stands for different texts; the ids "
                    "must be those of what is retrieved, the passages and not their sources."
                )
            ids[document] = None
        candidates[query] = list(ids)
    _check_ids(documents, qrels)
    called = name or type(retriever).__name__
    return Collection(called, documents, queries, qrels), candidates


def _asked(questions: Iterable[tuple[str, Relevant]]) -> list[tuple[str, dict[str, int]]]:
    asked = []
    for place, (question, relevant) in enumerate(questions, 1):
        if not isinstance(question, str) or not question.strip():
            raise ConfigurationError(f"question {place}: the question is {question!r}.")
        if isinstance(relevant, str) or not isinstance(relevant, Iterable):
            raise ConfigurationError(
                f"question {place}: give a list of relevant ids or grades by id, not {relevant!r}."
            )
        given = relevant if isinstance(relevant, Mapping) else dict.fromkeys(relevant, 1)
        for document, grade in given.items():
            if not isinstance(document, str) or not isinstance(grade, int):
                raise ConfigurationError(
                    f"question {place}: ids must be strings and grades whole numbers, "
                    f"not {document!r} and {grade!r}."
                )
        grades = {document: max(int(grade), 0) for document, grade in given.items()}
        if not any(grades.values()):
            raise ConfigurationError(f"question {place}: no document is relevant to it.")
        asked.append((question, grades))
    if not asked:
        raise ConfigurationError("questions: the list is empty; give at least one.")
    return asked


def _retrieve(
    retriever: LangChainRetriever[Found] | LlamaIndexRetriever[Found], question: str
) -> Sequence[Found]:
    # A Protocol's isinstance would do too, but says nothing more than this about what they are.
    invoke = getattr(retriever, "invoke", None)
    asks = invoke if invoke is not None else getattr(retriever, "retrieve", None)
    if asks is None:
        raise ConfigurationError(
            f"retriever: {type(retriever).__name__} has neither LangChain's `invoke` nor "
            "LlamaIndex's `retrieve`."
        )
    found: Sequence[Found] = asks(question)
    return found


def _id(found: object) -> object:
    for attribute in ("node_id", "id"):
        value: object = getattr(found, attribute, None)
        if value is not None:
            return value
    metadata = getattr(found, "metadata", None)
    return metadata.get("id") if isinstance(metadata, Mapping) else None


def _text(found: object) -> str:
    content = getattr(found, "get_content", None)
    # MetadataMode.EMBED by its value: LlamaIndex is not imported here.
    text = content("embed") if callable(content) else getattr(found, "page_content", None)
    if not isinstance(text, str):
        raise ConfigurationError(
            f"retriever: it gave a {type(found).__name__}, which is no document; give text_of."
        )
    return text


def _check_ids(documents: Mapping[str, str], qrels: Mapping[str, Mapping[str, int]]) -> None:
    relevant = [name for grades in qrels.values() for name, grade in grades.items() if grade]
    if not any(name in documents for name in relevant):
        seen = f"look like {next(iter(documents))!r}" if documents else "are none"
        raise ConfigurationError(
            "No relevant document was retrieved for any question: the relevant ids look like "
            f"{relevant[0]!r}, the retrieved ones {seen}. If these are different kinds of ids, "
            "give id_of."
        )
