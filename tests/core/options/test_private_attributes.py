"""Private attributes, ours and a subclass's, are found as pydantic finds them."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import PrivateAttr

from assisters_rerank import Embedder, Reranker
from langchain_assisters import AssistersRerank as LangChainRerank
from llama_index_assisters import AssistersRerank as LlamaIndexRerank


class Noted(Reranker):
    _notes: list[str] = PrivateAttr(default_factory=list)
    _later: int = PrivateAttr()
    _shout: Callable[..., str] = PrivateAttr(default=lambda self: self.model.upper())


@pytest.fixture
def noted() -> Noted:
    return Noted(api_key="k" * 20)


def test_a_subclass_has_its_own(noted: Noted) -> None:
    noted._notes.append("a")
    assert noted._notes == ["a"]
    assert noted._shout() == "BGE-RERANKER-V2"  # pydantic binds a function
    assert not hasattr(noted, "_later")
    noted._later = 7
    assert noted._later == 7
    del noted._later
    with pytest.raises(AttributeError, match="_later"):
        _ = noted._later


def test_copies_and_pickles_have_them(noted: Noted) -> None:
    noted._notes.append("a")
    assert copy.copy(noted)._notes == ["a"]
    assert copy.deepcopy(noted)._notes == ["a"]
    assert noted.with_options(top_n=1)._notes == ["a"]
    plain = pickle.loads(pickle.dumps(Reranker(base_url="http://localhost:1/v1")))
    assert plain._left_out == frozenset()


@pytest.mark.parametrize("kind", [Reranker, Embedder, LangChainRerank, LlamaIndexRerank])
def test_a_name_that_is_missing_is_an_attribute_error_that_names_it(kind: Any) -> None:
    made = kind(base_url="http://localhost:1/v1", model="m")
    for name in ("topn", "_topn", "__topn__"):
        assert not hasattr(made, name)
        with pytest.raises(AttributeError, match=name):
            getattr(made, name)
    with pytest.raises(AttributeError):  # nor does it go in circles before there is anything
        _ = kind.__new__(kind)._state
