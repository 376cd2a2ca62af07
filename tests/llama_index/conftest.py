"""A real server, nodes that it ranks differently from the first stage, and bad days."""

from __future__ import annotations

import copy
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from llama_index.core import VectorStoreIndex
from llama_index.core.embeddings import MockEmbedding
from llama_index.core.llms import MockLLM
from llama_index.core.schema import NodeWithScore, TextNode

from assisters_rerank.local import LocalServer
from llama_index_assisters import AssistersRerank

from ..plugins.cases import KEY, QUERY, TEXTS
from ..plugins.fixtures import (  # noqa: F401 - fixtures are found by their names
    best_first,
    colour,
    content,
    contents,
    cut,
    dead_url,
    guarded,
    no_request,
    one_rerank,
    padded,
    server,
    single_thread,
    with_one_answer,
)
from ..plugins.scales import scales  # noqa: F401 - likewise
from .doubles import TOP


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No key and no address from the machine that runs the tests, and no model of OpenAI's."""
    for name in ("ASSISTERS_API_KEY", "ASSISTERS_BASE_URL", "OPENAI_API_KEY", "IS_TESTING"):
        monkeypatch.delenv(name, raising=False)

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("an engine asked for the default model")

    monkeypatch.setattr("llama_index.core.settings.resolve_llm", refuse)
    monkeypatch.setattr("llama_index.core.settings.resolve_embed_model", refuse)


@pytest.fixture
def nodes(padded: tuple[str, ...]) -> list[NodeWithScore]:
    return [
        NodeWithScore(node=TextNode(text=text, id_=f"node-{place}"), score=1 - place / 10)
        for place, text in enumerate(padded)
    ]


@pytest.fixture
def postprocessor(server: LocalServer, cut: dict[str, Any]) -> AssistersRerank:
    return AssistersRerank(base_url=server.base_url, api_key=KEY, **cut)


@pytest.fixture
def index(nodes: list[NodeWithScore]) -> VectorStoreIndex:
    return VectorStoreIndex([node.node for node in nodes], embed_model=MockEmbedding(embed_dim=4))


@pytest.fixture
def top(postprocessor: AssistersRerank) -> AssistersRerank:
    postprocessor.top_n = TOP
    return postprocessor


@pytest.fixture
def stages(top: AssistersRerank) -> dict[str, Any]:
    """What `as_query_engine` and its like are given."""
    return {"llm": MockLLM(), "similarity_top_k": len(TEXTS), "node_postprocessors": [top]}


@pytest.fixture
def answering() -> Callable[..., AssistersRerank]:
    """A postprocessor whose server gives one fixed answer, over the user's own httpx clients."""

    def made(status: int, content: object, **options: Any) -> AssistersRerank:
        return AssistersRerank(**with_one_answer(status, content), **options)

    return made


@pytest.fixture
def reranked(colour: str) -> Callable[..., Awaitable[list[NodeWithScore]]]:
    """The same call, sync or async, which must leave its input as it was."""

    async def called(
        postprocessor: AssistersRerank, nodes: list[NodeWithScore], **given: Any
    ) -> list[NodeWithScore]:
        given = given or {"query_str": QUERY}
        before = copy.deepcopy(nodes)
        try:
            if colour == "sync":
                return postprocessor.postprocess_nodes(nodes, **given)
            return await postprocessor.apostprocess_nodes(nodes, **given)
        finally:
            assert [node.model_dump() for node in nodes] == [node.model_dump() for node in before]

    return called
