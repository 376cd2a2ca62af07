"""`select` and `aselect`: items of any kind, by the text that a key gives."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import BaseModel

from assisters_rerank import ConfigurationError, Reranker, Selection
from assisters_rerank.local import LocalServer


@dataclass(frozen=True)
class Tool:
    name: str
    description: str


class One(BaseModel):
    """Going through it gives its fields."""

    text: str


TOOLS = [
    Tool("walk", "visit every folder below a directory"),
    Tool("run", "run a command and capture its output"),
    Tool("parse", "read a table of comma-separated values"),
]
QUERY = "run a command"


def described(tool: Tool) -> str:
    return tool.description


def selected(colour: str, reranker: Reranker, items: Any, **more: Any) -> Selection[Any]:
    more = {"key": described, **more}
    if colour == "sync":
        return reranker.select(QUERY, items, **more)
    return asyncio.run(reranker.aselect(QUERY, items, **more))


@pytest.fixture(params=["sync", "async"])
def colour(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def reranker(local_server: LocalServer) -> Reranker:
    return Reranker(base_url=local_server.base_url)


def test_the_items_come_back_themselves(colour: str, reranker: Reranker) -> None:
    selection = selected(colour, reranker, iter(TOOLS))
    ranking = reranker.rerank(QUERY, [tool.description for tool in TOOLS])
    assert selection[0] is TOOLS[1]
    assert list(selection) == [TOOLS[ranked.index] for ranked in ranking]
    assert len(selection) == 3
    assert selection[:2] == (selection[0], selection[1])
    assert selection.ranking.results == ranking.results


def test_top_n_and_threshold_hold(colour: str, reranker: Reranker) -> None:
    assert list(selected(colour, reranker, TOOLS, top_n=1)) == [TOOLS[1]]
    assert list(selected(colour, reranker, TOOLS, top_n=0)) == []
    assert list(selected(colour, reranker, TOOLS, score_threshold=2)) == []
    chosen = reranker.with_options(top_n=2)
    assert len(selected(colour, chosen, TOOLS)) == 2
    assert len(selected(colour, chosen, TOOLS, top_n=None)) == 3


def test_no_items_are_no_request(colour: str, reranker: Reranker) -> None:
    selection = selected(colour, reranker, [])
    assert list(selection) == []
    assert selection.ranking.usage.requests == 0


def test_a_failing_service_lets_all_items_through(colour: str) -> None:
    lost = Reranker(base_url="http://127.0.0.1:9/v1", max_retries=0, on_error="passthrough")
    selection = selected(colour, lost, TOOLS)
    assert list(selection) == TOOLS
    assert selection.ranking.degraded


async def late(tool: Tool) -> str:
    return tool.description


@pytest.mark.parametrize(
    ("items", "key", "said"),
    [
        (TOOLS, lambda tool: len(tool.name), r"key: it gave int for items\[0\]"),
        (TOOLS, late, r"key: it gave coroutine for items\[0\]; give a plain function"),
        ("text", described, "items: give a list, not str"),
        ({"a": 1}, described, "items: give a list, not dict"),
        (5, described, "items: give a list, not int"),
        (One(text="a"), str, "items: give a list, not One"),
    ],
)
def test_what_cannot_be_selected_is_refused(
    colour: str, reranker: Reranker, items: Any, key: Any, said: str
) -> None:
    with pytest.raises(ConfigurationError, match=said):
        selected(colour, reranker, items, key=key)


def test_a_keys_own_error_comes_through(colour: str, reranker: Reranker) -> None:
    with pytest.raises(AttributeError, match="nothing"):
        selected(colour, reranker, TOOLS, key=lambda tool: tool.nothing)
