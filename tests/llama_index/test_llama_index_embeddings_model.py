"""`model` and LlamaIndex's `model_name` are one, however either is given or changed."""

from __future__ import annotations

from typing import Any

import pytest

from assisters_rerank import ConfigurationError
from llama_index_assisters import AssistersEmbedding

from ..plugins.vectors import Wire


def names(embedding: AssistersEmbedding) -> tuple[str, str]:
    return embedding.model, embedding.model_name


def test_the_default_goes_by_both_names() -> None:
    assert names(AssistersEmbedding()) == ("e5-large-v2", "e5-large-v2")


@pytest.mark.parametrize(
    "given",
    [
        {"model": "bge-base-en"},
        {"model_name": "bge-base-en"},
        {"model": "bge-base-en", "model_name": "bge-base-en"},
    ],
)
def test_either_name_is_taken(given: dict[str, str]) -> None:
    wire = Wire()
    embedding = AssistersEmbedding(**given, **wire.options())
    assert names(embedding) == ("bge-base-en", "bge-base-en")
    embedding.get_text_embedding("a")
    assert wire.texts == ["a"]  # it is no E5 model
    copied = AssistersEmbedding().model_copy(update=given)
    assert names(copied) == ("bge-base-en", "bge-base-en")


@pytest.mark.parametrize("name", ["model", "model_name"])
def test_assigning_either_changes_both(name: str) -> None:
    embedding = AssistersEmbedding()
    setattr(embedding, name, "bge-base-en")
    assert names(embedding) == ("bge-base-en", "bge-base-en")


def test_two_models_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="model_name"):
        AssistersEmbedding(model="bge-base-en", model_name="e5-large-v2")


@pytest.mark.parametrize("name", ["model", "model_name"])
@pytest.mark.parametrize("wrong", ["", None, 3, ["bge-base-en"]])
def test_no_model_at_all_is_refused_and_changes_nothing(name: str, wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match="model"):
        AssistersEmbedding(**{name: wrong})
    embedding = AssistersEmbedding(model="bge-base-en")
    with pytest.raises(ConfigurationError, match="model"):
        setattr(embedding, name, wrong)
    assert names(embedding) == ("bge-base-en", "bge-base-en")
