"""The postprocessor inside LlamaIndex's query engines.

Each sends exactly one rerank per retrieval, and answers from the nodes in the server's order.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from llama_index.core import VectorStoreIndex
from llama_index.core.indices.query.query_transform.base import IdentityQueryTransform
from llama_index.core.llms import MockLLM
from llama_index.core.query_engine import (
    CitationQueryEngine,
    RouterQueryEngine,
    SubQuestionQueryEngine,
    TransformQueryEngine,
)
from llama_index.core.question_gen import LLMQuestionGenerator
from llama_index.core.selectors import LLMSingleSelector
from llama_index.core.tools import QueryEngineTool

from assisters_rerank.local import LocalServer
from assisters_rerank.plugins import Content

from ..plugins.cases import QUERY, TEXTS
from ..plugins.long import without_filler
from .doubles import TOP, assert_in_order, scripted, streamed, texts_of

OneRerank = Callable[[], AbstractContextManager[None]]
BestFirst = Callable[..., list[str]]


@pytest.fixture
def content(contents: Content) -> Content:
    """Every test of this module runs with whole nodes and with their passages."""
    return contents


async def test_query_engine(
    colour: str,
    index: VectorStoreIndex,
    stages: dict[str, Any],
    best_first: BestFirst,
    one_rerank: OneRerank,
    server: LocalServer,
) -> None:
    expected = best_first()[:TOP]
    engine = index.as_query_engine(**stages)
    with one_rerank():
        answer = engine.query(QUERY) if colour == "sync" else await engine.aquery(QUERY)
    assert sorted(without_filler(server.requests[-1].documents)) == sorted(TEXTS)
    assert server.requests[-1].query == QUERY
    assert texts_of(answer.source_nodes) == expected
    assert_in_order(str(answer), expected)
    assert not [text for text in TEXTS if text in str(answer) and text not in expected]


async def test_streaming_query_engine(
    colour: str,
    index: VectorStoreIndex,
    stages: dict[str, Any],
    best_first: BestFirst,
    one_rerank: OneRerank,
) -> None:
    expected = best_first()[:TOP]
    engine = index.as_query_engine(streaming=True, **stages)
    with one_rerank():
        answer = engine.query(QUERY) if colour == "sync" else await engine.aquery(QUERY)
        said = await streamed(colour, answer)
    assert texts_of(answer.source_nodes) == expected
    assert_in_order(said, expected)


@pytest.mark.parametrize("mode", ["refine", "tree_summarize", "simple_summarize", "accumulate"])
async def test_response_modes(
    mode: str,
    colour: str,
    index: VectorStoreIndex,
    stages: dict[str, Any],
    best_first: BestFirst,
    one_rerank: OneRerank,
) -> None:
    expected = best_first()[:TOP]
    engine = index.as_query_engine(response_mode=mode, **stages)
    with one_rerank():
        answer = engine.query(QUERY) if colour == "sync" else await engine.aquery(QUERY)
    assert texts_of(answer.source_nodes) == expected
    assert_in_order(str(answer), expected)


async def test_citation_query_engine(
    colour: str,
    index: VectorStoreIndex,
    stages: dict[str, Any],
    best_first: BestFirst,
    one_rerank: OneRerank,
) -> None:
    expected = best_first()[:TOP]
    engine = CitationQueryEngine.from_args(index, **stages)
    with one_rerank():
        answer = engine.query(QUERY) if colour == "sync" else await engine.aquery(QUERY)
    cited = [f"Source {n}:\n{text}\n" for n, text in enumerate(expected, 1)]
    assert texts_of(answer.source_nodes) == cited
    assert_in_order(str(answer), expected)


async def test_router_query_engine(
    colour: str,
    index: VectorStoreIndex,
    stages: dict[str, Any],
    best_first: BestFirst,
    one_rerank: OneRerank,
) -> None:
    expected = best_first()[:TOP]
    tool = QueryEngineTool.from_defaults(index.as_query_engine(**stages), "docs", "The manual.")
    engine = RouterQueryEngine(
        LLMSingleSelector.from_defaults(llm=scripted('[{"choice": 1, "reason": "fits"}]')),
        [tool],
        llm=MockLLM(),
    )
    with one_rerank():
        answer = engine.query(QUERY) if colour == "sync" else await engine.aquery(QUERY)
    assert texts_of(answer.source_nodes) == expected


async def test_transform_query_engine(
    colour: str,
    index: VectorStoreIndex,
    stages: dict[str, Any],
    best_first: BestFirst,
    one_rerank: OneRerank,
) -> None:
    expected = best_first()[:TOP]
    engine = TransformQueryEngine(index.as_query_engine(**stages), IdentityQueryTransform())
    with one_rerank():
        answer = engine.query(QUERY) if colour == "sync" else await engine.aquery(QUERY)
    assert texts_of(answer.source_nodes) == expected


# Python says so of a loop that was closed with its connections open.
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_sub_questions_are_asked_in_loops_of_their_own(
    colour: str,
    index: VectorStoreIndex,
    stages: dict[str, Any],
    best_first: BestFirst,
    server: LocalServer,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """In sync LlamaIndex starts a loop for them in a thread, and never ends it in good order."""
    asked = [QUERY, "How do I sort a list?"]
    items = [{"sub_question": question, "tool_name": "docs"} for question in asked]
    engine = SubQuestionQueryEngine.from_defaults(
        [QueryEngineTool.from_defaults(index.as_query_engine(**stages), "docs", "The manual.")],
        llm=MockLLM(),
        question_gen=LLMQuestionGenerator.from_defaults(
            llm=scripted(*[json.dumps({"items": items})] * 2)
        ),
        verbose=False,
    )
    expected = [text for question in asked for text in best_first(question)[:TOP]]
    for _ in range(2):  # the second time, the first one's loop is gone
        before = len(server.requests)
        answer = engine.query("What?") if colour == "sync" else await engine.aquery("What?")
        assert sorted(sent.query for sent in server.requests[before:]) == sorted(asked)
        answers, sources = answer.source_nodes[: len(asked)], answer.source_nodes[len(asked) :]
        assert texts_of(sources) == expected
        for text, question in zip(texts_of(answers), asked, strict=True):
            assert_in_order(text, [question, *best_first(question)[:TOP]])
    # A sub-question that fails is logged, and left out; so is a session that nobody closed.
    assert not [record for record in caplog.records if record.name.startswith("llama_index")]
    assert not [told for told in caplog.messages if told.startswith("Unclosed")]
