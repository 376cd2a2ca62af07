"""What both components take for their older callback manager."""

from __future__ import annotations

import pytest
from llama_index.core.callbacks import CallbackManager
from llama_index.core.schema import NodeWithScore

from assisters_rerank import ConfigurationError
from assisters_rerank.local import LocalServer
from llama_index_assisters import AssistersEmbedding, AssistersRerank

from ..plugins.cases import QUERY

Component = type[AssistersRerank] | type[AssistersEmbedding]

both = pytest.mark.parametrize("component", [AssistersRerank, AssistersEmbedding])


class Theirs(CallbackManager):
    """A user's own."""


@both
@pytest.mark.parametrize("kind", [CallbackManager, Theirs])
def test_one_is_taken_by_the_constructor_and_by_assignment(
    component: Component, kind: type[CallbackManager]
) -> None:
    first, second = kind(), kind()
    made = component(callback_manager=first)
    assert made.callback_manager is first
    made.callback_manager = second
    assert made.callback_manager is second


@both
def test_each_has_one_of_its_own(component: Component) -> None:
    made = [component(), component(callback_manager=None), component(), component()]
    made[-1].callback_manager = None
    managers = [one.callback_manager for one in made]
    assert {type(manager) for manager in managers} == {CallbackManager}
    assert len({id(manager) for manager in managers}) == len(made)


@both
@pytest.mark.parametrize("wrong", ["handlers", [], CallbackManager])
def test_anything_else_is_refused_at_once(component: Component, wrong: object) -> None:
    told = rf"callback_manager: give a CallbackManager, not {type(wrong).__name__}$"
    with pytest.raises(ConfigurationError, match=told):
        component(callback_manager=wrong)
    made = component()
    before = made.callback_manager
    with pytest.raises(ConfigurationError, match=told):
        made.callback_manager = wrong
    assert made.callback_manager is before


async def test_a_rerank_works_with_none_given(
    colour: str, server: LocalServer, nodes: list[NodeWithScore]
) -> None:
    reranker = AssistersRerank(base_url=server.base_url, callback_manager=None)
    if colour == "sync":
        found = reranker.postprocess_nodes(nodes, query_str=QUERY)
    else:
        found = await reranker.apostprocess_nodes(nodes, query_str=QUERY)
    assert len(found) == len(nodes)
