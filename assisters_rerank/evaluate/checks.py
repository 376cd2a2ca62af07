"""Checks before any request, so that nobody pays for an evaluation that cannot be measured."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Integral, Real
from typing import get_args

from ..errors import ConfigurationError
from ..reranker import Reranker
from ..settings import named_kind
from .data.collection import HIGHEST_GRADE, Candidates, Collection
from .own_documents import Identical


def check_arguments(
    collection: Collection,
    rerankers: Sequence[Reranker],
    depth: int,
    wanted_precision: float | None,
    max_cost: float | None,
    at_once: int,
    measures: Sequence[str],
    relevance_level: int,
    identical: str,
) -> None:
    """Raises `ConfigurationError` for an impossible argument."""
    if not isinstance(collection, Collection):
        raise ConfigurationError(
            f"collection: give a Collection, such as read_collection({str(collection)[:40]!r})."
        )
    if not rerankers:
        raise ConfigurationError("rerankers: give at least one.")
    for reranker in rerankers:
        if not isinstance(reranker, Reranker):
            raise ConfigurationError(
                f"rerankers: give instances of Reranker, not {named_kind(reranker)}."
            )
    if isinstance(measures, str):
        raise ConfigurationError(f"measures: give a list of names, [{measures!r}].")
    if identical not in get_args(Identical):
        raise ConfigurationError(
            f"identical: give one of {', '.join(get_args(Identical))}, not {identical!r}."
        )
    for name, value in (
        ("depth", depth),
        ("at_once", at_once),
        ("relevance_level", relevance_level),
    ):
        if not isinstance(value, Integral) or value < 1:
            raise ConfigurationError(f"{name}: give a whole number from 1 on, not {value!r}.")
    if wanted_precision is not None and not _is_number(wanted_precision, 1):
        raise ConfigurationError(f"wanted_precision: give 0 to 1, not {wanted_precision!r}.")
    if max_cost is not None and not _is_number(max_cost, math.inf):
        raise ConfigurationError(f"max_cost: give dollars, 0 or more, not {max_cost!r}.")


def _is_number(value: object, most: float) -> bool:
    return isinstance(value, Real) and 0 <= float(value) <= most


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
