"""Copies of documents are what pydantic's own would be, whatever kind of document is given."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Mapping
from functools import cached_property
from typing import Any, Self

import pytest
from langchain_core.documents import Document
from langchain_core.load import dumps
from pydantic import ConfigDict, PrivateAttr

from langchain_assisters import AssistersRerank

from ..plugins.cases import QUERY

TEXT = "Paris is the capital of France."


class Frozen(Document):
    model_config = ConfigDict(frozen=True)


class Open(Document):
    model_config = ConfigDict(extra="allow")


class Private(Document):
    _note: list[str] = PrivateAttr(default_factory=lambda: ["kept"])


class Cached(Document):
    @cached_property
    def words(self) -> list[str]:
        return self.page_content.split()


class Counted(Document):
    copies: int = 0

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        return super().model_copy(update={**(update or {}), "copies": self.copies + 1}, deep=deep)


def cached() -> Cached:
    document = Cached(page_content=TEXT)
    assert document.words  # it is stored in the document now
    return document


def with_something_of_the_users_own() -> Document:
    document = Document(page_content=TEXT)
    document.__dict__["own"] = 1
    return document


def with_private_values() -> Document:
    document = Document(page_content=TEXT)
    object.__setattr__(document, "__pydantic_private__", {"_own": 1})
    object.__setattr__(document, "__pydantic_extra__", {"more": 2})
    return document


DOCUMENTS = {
    "text only": Document(page_content=TEXT),
    "all fields": Document(page_content=TEXT, metadata={"source": "a"}, id="7"),
    "not validated": Document.model_construct(page_content=TEXT, metadata={"page": 1}),
    "scored before": Document(page_content=TEXT, metadata={"relevance_score": 0.1, "page": 1}),
    "something of the user's own": with_something_of_the_users_own(),
    "private values": with_private_values(),
    "frozen": Frozen(page_content=TEXT, metadata={"source": "a"}),
    "open": Open(page_content=TEXT, more=[1]),  # type: ignore[call-arg]
    "private": Private(page_content=TEXT),
    "cached": cached(),
    "a way of its own": Counted(page_content=TEXT),
}


def parts(document: Document) -> list[Any]:
    return [
        type(document),
        vars(document),
        document.model_fields_set,
        document.__pydantic_extra__,
        document.__pydantic_private__,
        document.model_dump(exclude_unset=True),
    ]


@pytest.mark.parametrize("kind", DOCUMENTS)
@pytest.mark.parametrize("colour", ["sync", "async"])
async def test_a_copy_is_what_model_copy_makes(
    kind: str, colour: str, compressor: AssistersRerank
) -> None:
    document = DOCUMENTS[kind]
    before = copy.deepcopy(parts(document))
    if colour == "sync":
        (copied,) = compressor.compress_documents([document], QUERY)
    else:
        (copied,) = await compressor.acompress_documents([document], QUERY)
    score = copied.metadata["relevance_score"]
    assert isinstance(score, float)
    changed = {"metadata": {**document.metadata, "relevance_score": score}}
    expected = document.model_copy(update=changed)
    assert parts(copied) == parts(expected)
    assert copied == expected
    assert parts(document) == before
    assert copied.metadata is not document.metadata
    assert copied.model_fields_set is not document.model_fields_set


def test_a_copy_is_pickled_dumped_and_changed_as_any_document(compressor: AssistersRerank) -> None:
    document = DOCUMENTS["all fields"]
    (copied,) = compressor.compress_documents([document], QUERY)
    assert pickle.loads(pickle.dumps(copied)) == copied
    assert copy.deepcopy(copied) == copied
    assert dumps(copied) == dumps(document.model_copy(update={"metadata": copied.metadata}))
    copied.page_content = "another"
    copied.metadata["more"] = 1
    assert document.page_content == TEXT
    assert document.metadata == {"source": "a"}
