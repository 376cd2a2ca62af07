"""Test doubles: a first stage and a language model whose every word is known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from llama_index.core import QueryBundle
from llama_index.core.llms import MockLLM
from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import MetadataMode, NodeWithScore
from pydantic import PrivateAttr

TOP = 3


class FirstStage(BaseRetriever):
    """All nodes, in the order in which they are kept."""

    def __init__(self, nodes: list[NodeWithScore]) -> None:
        super().__init__()
        self.nodes = nodes

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return self.nodes


class Scripted(MockLLM):
    """Says what it is told to, one reply after the other."""

    _replies: Iterator[str] = PrivateAttr()

    def _generate_text(self, length: int) -> str:
        return next(self._replies)


def scripted(*replies: str) -> Scripted:
    model = Scripted(max_tokens=1)
    model._replies = iter(replies)
    return model


async def streamed(colour: str, answer: Any) -> str:
    """What a streaming answer says in the end."""
    if colour == "sync":
        return "".join(answer.response_gen)
    return "".join([token async for token in answer.async_response_gen()])


def texts_of(nodes: Sequence[NodeWithScore]) -> list[str]:
    return [node.node.get_content(MetadataMode.NONE) for node in nodes]


def assert_in_order(answer: str, texts: Sequence[str]) -> None:
    """The mock model repeats its prompt, so the context's order shows in its answer."""
    places = [answer.index(text) for text in texts]
    assert places == sorted(places)
