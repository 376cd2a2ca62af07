"""Checks before any request, so that nobody pays for an evaluation that cannot be measured."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import ConfigurationError
from ..reranker import Reranker
from .data.collection import HIGHEST_GRADE, Candidates, Collection


def check_arguments(
    rerankers: Sequence[Reranker],
    depth: int,
    wanted_precision: float | None,
    max_cost: float | None,
    at_once: int,
    relevance_level: int,
) -> None:
    """Raises `ConfigurationError` for an impossible argument."""
    if not rerankers:
        raise ConfigurationError("rerankers: give at least one.")
    for name, value in (
        ("depth", depth),
        ("at_once", at_once),
        ("relevance_level", relevance_level),
    ):
        if not value >= 1:
            raise ConfigurationError(f"{name}: give at least 1, not {value}.")
    if wanted_precision is not None and not 0 <= wanted_precision <= 1:
        raise ConfigurationError(f"wanted_precision: give 0 to 1, not {wanted_precision:g}.")
    if max_cost is not None and not max_cost >= 0:
        raise ConfigurationError(f"max_cost: give dollars, 0 or more, not {max_cost:g}.")


def check_candidates(collection: Collection, candidates: Candidates, relevance_level: int) -> None:
    """Raises `ConfigurationError` for what could not be measured."""
    if collection.queries.keys() != collection.qrels.keys():
        raise ConfigurationError("collection: its queries must be those that qrels judges.")
    highest = max((g for grades in collection.qrels.values() for g in grades.values()), default=0)
    if highest <= 0:
        raise ConfigurationError("collection: no document is relevant to any query.")
    if highest < relevance_level:
        raise ConfigurationError(
            f"relevance_level: no grade is as high as {relevance_level}; the highest is {highest}."
        )
    for query, grades in collection.qrels.items():
        if max(grades.values(), default=0) > HIGHEST_GRADE:
            raise ConfigurationError(
                f"collection: query {query!r} has a grade above {HIGHEST_GRADE:,}, the highest."
            )
    if not any(candidates.values()):
        raise ConfigurationError("candidates: there are none for any query.")
    for query, documents in candidates.items():
        seen = set[str]()
        for document in documents:
            if document not in collection.documents:
                raise ConfigurationError(
                    f"candidates: query {query!r} has the document {document!r}, which is not in "
                    "the collection."
                )
            if document in seen:
                raise ConfigurationError(
                    f"candidates: query {query!r} has the document {document!r} twice."
                )
            seen.add(document)
        if documents and not collection.queries[query].strip():
            raise ConfigurationError(f"collection: the text of query {query!r} is blank.")
