"""The postprocessor inside LlamaIndex's chat engines.

Each sends exactly one rerank per message, and answers from the nodes in the server's order.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from llama_index.core import VectorStoreIndex
from llama_index.core.base.llms.types import ChatMessage, MessageRole
from llama_index.core.memory import ChatMemoryBuffer

from assisters_rerank.local import LocalServer
from assisters_rerank.plugins import Content

from ..plugins.cases import QUERY
from .doubles import TOP, assert_in_order, streamed, texts_of

OneRerank = Callable[[], AbstractContextManager[None]]
BestFirst = Callable[..., list[str]]
MODES = ["default", "context", "condense_plus_context", "condense_question"]


@pytest.fixture
def content(contents: Content) -> Content:
    """Every test of this module runs with whole nodes and with their passages."""
    return contents


def memory(history: list[ChatMessage]) -> ChatMemoryBuffer:
    # The default one keeps a thread with a database, which outlives the test's loop.
    return ChatMemoryBuffer.from_defaults(chat_history=[*history], token_limit=10_000)


def chosen(mode: str) -> dict[str, str]:
    return {} if mode == "default" else {"chat_mode": mode}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("history", [[], [ChatMessage("Hello.", role=MessageRole.USER)]])
async def test_chat_engines(
    mode: str,
    history: list[ChatMessage],
    colour: str,
    index: VectorStoreIndex,
    stages: dict[str, Any],
    best_first: BestFirst,
    one_rerank: OneRerank,
    server: LocalServer,
) -> None:
    engine = index.as_chat_engine(memory=memory(history), **chosen(mode), **stages)
    with one_rerank():
        answer = engine.chat(QUERY) if colour == "sync" else await engine.achat(QUERY)
    # Most of them have the model rewrite the question, which the mock model does at length.
    asked = server.requests[-1].query
    assert QUERY in asked
    expected = best_first(asked)[:TOP]
    assert texts_of(answer.source_nodes) == expected
    assert_in_order(str(answer), expected)


@pytest.mark.parametrize("mode", MODES[:3])
async def test_streaming_chat_engines(
    mode: str,
    colour: str,
    index: VectorStoreIndex,
    stages: dict[str, Any],
    best_first: BestFirst,
    one_rerank: OneRerank,
) -> None:
    expected = best_first()[:TOP]
    engine = index.as_chat_engine(memory=memory([]), **chosen(mode), **stages)
    with one_rerank():
        answer = engine.stream_chat(QUERY) if colour == "sync" else await engine.astream_chat(QUERY)
        said = await streamed(colour, answer)
    assert texts_of(answer.source_nodes) == expected
    assert_in_order(said, expected)
