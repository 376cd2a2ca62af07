"""The demo's first stage: BM25's candidates."""

from __future__ import annotations

import ast
import logging
import sys

import pytest

from assisters_rerank.demo.bm25 import FirstStage
from assisters_rerank.demo.corpus import Passage

from ..test_readme import CODE

pytestmark = pytest.mark.xdist_group("standard library")  # one worker reads it


@pytest.fixture(scope="module")
def first_stage(stdlib: list[Passage]) -> FirstStage:
    return FirstStage(stdlib)


def test_rare_words_decide(first_stage: FirstStage) -> None:
    found = first_stage.search("lru_cache memory address of a maxsize decorator", 50)
    assert found[0].name == "functools.lru_cache"
    assert len(found) == 50
    assert len({passage.name for passage in found}) == 50


def test_a_smaller_k_gives_the_head_of_the_same_list(first_stage: FirstStage) -> None:
    query = "run a command and capture its output"
    assert first_stage.search(query, 5) == first_stage.search(query, 50)[:5]


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="other docstrings, another order")
def test_the_order_before_in_the_readme_is_its_own(first_stage: FirstStage) -> None:
    values = {
        statement.targets[0].id: ast.literal_eval(statement.value)
        for statement in ast.parse(CODE[0]).body[:4]
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name)
    }
    found = first_stage.search(values["question"], 6)
    assert [passage.name for passage in found] == [
        text.partition(":")[0] for text in values["texts"]
    ]


@pytest.mark.parametrize("query", ["", "   ", "the of and", "qqqzzzxxx", "?!", "ü 中文"])
def test_nothing_in_common_finds_nothing(first_stage: FirstStage, query: str) -> None:
    assert first_stage.search(query, 50) == []


def test_only_passages_that_share_a_word_are_found() -> None:
    passages = [
        Passage(name, text, "")
        for name, text in {"a": "red apple", "b": "green apple", "c": "blue sky"}.items()
    ]
    assert {passage.name for passage in FirstStage(passages).search("apple", 50)} == {"a", "b"}


def test_bm25s_stays_silent(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """It logs and draws progress bars unless told not to."""
    with caplog.at_level(logging.DEBUG):
        FirstStage([Passage("a", "red apple", "")]).search("the", 1)
    assert capfd.readouterr() == ("", "")
    assert [record for record in caplog.records if record.name == "bm25s"] == []
