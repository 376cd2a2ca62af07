"""`help` and `inspect.signature` of what users import are short and say what they mean."""

from __future__ import annotations

import inspect
import pydoc
import re
from importlib import import_module

import pytest
from pydantic import BaseModel

import langchain_assisters
import llama_index_assisters
from assisters_rerank import Price, Reranker, RerankOptions
from assisters_rerank.settings.readable_class import type_text

MODELS = [
    getattr(import_module(package), name)
    for package in ("assisters_rerank", "langchain_assisters", "llama_index_assisters")
    for name in import_module(package).__all__
    if isinstance(getattr(import_module(package), name), type)
    and issubclass(getattr(import_module(package), name), BaseModel)
]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: f"{model.__module__}.{model.__name__}")
def test_help_is_short_and_shows_no_validator(model: type[BaseModel]) -> None:
    said = pydoc.plain(pydoc.render_doc(model))
    # With what pydantic and the frameworks have, up to 1,900. From Python 3.13 on each parameter of
    # a signature has a line of its own.
    assert len(said.splitlines()) <= 350
    assert not re.search(r" at 0x|Validator|Undefined|Annotated|FieldInfo", said)
    assert not re.search(r"Methods inherited from (pydantic|langchain_core|llama_index\.)", said)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: f"{model.__module__}.{model.__name__}")
def test_a_signature_has_each_option_by_name(model: type[BaseModel]) -> None:
    signature = inspect.signature(model)
    assert list(signature.parameters) == list(model.model_fields)
    assert {each.kind for each in signature.parameters.values()} == {inspect.Parameter.KEYWORD_ONLY}


def test_a_class_that_is_built_later_keeps_its_signature() -> None:
    RerankOptions.model_rebuild(force=True)  # as the first use of it as a field does
    assert "at 0x" not in str(inspect.signature(RerankOptions))


def test_a_signature_is_written_as_people_write_types() -> None:
    shown = str(inspect.signature(Reranker))
    assert "top_n: int | None = None" in shown
    assert "score_threshold: float | dict[str, float] | None = None" in shown
    assert "long_documents: Literal['as_is', 'truncate', 'split', 'error'] = 'as_is'" in shown
    assert "count_tokens: Callable[[str], int] | None = None" in shown
    assert "prices: dict[str, float | Price] = {}" in shown
    assert str(inspect.signature(Price)).startswith("(*, per_million_tokens: float | None = None")
    required = inspect.signature(langchain_assisters.RerankRetriever).parameters["base_retriever"]
    assert required.default is inspect.Parameter.empty
    assert type_text(tuple[int, ...]) == "tuple[int, ...]"


def test_an_address_from_the_environment_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSISTERS_BASE_URL", "https://example.org/v1?key=secret")
    assert "base_url: str = <factory>" in str(inspect.signature(Reranker))


def test_a_subclass_of_the_users_shows_its_own_names_too() -> None:
    class Mine(llama_index_assisters.AssistersRerank):
        extra: int = 1

        def more(self) -> None:
            """Says more."""

    said = pydoc.plain(pydoc.render_doc(Mine))
    assert "Says more." in said
    assert "extra: int = 1" in said


def test_only_help_leaves_out_what_is_inherited() -> None:
    assert {"with_retry", "model_dump", "rerank"} <= set(dir(langchain_assisters.AssistersRerank))
    assert "to_dict" in dir(llama_index_assisters.AssistersRerank)


def test_an_object_has_no_signature_of_its_class() -> None:
    reranker = Reranker(base_url="http://localhost:1")
    assert not hasattr(reranker, "__signature__")
