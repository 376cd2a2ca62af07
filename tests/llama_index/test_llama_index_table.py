"""Reranked nodes as a table in notebooks: what it says of passages, metadata and no scores."""

from __future__ import annotations

from typing import Any

import pytest
from llama_index.core import VectorStoreIndex
from llama_index.core.base.response.schema import Response
from llama_index.core.schema import NodeWithScore, TextNode

from assisters_rerank import ConfigurationError
from assisters_rerank.local import LocalServer
from llama_index_assisters import AssistersRerank, as_table

from ..plugins.cases import QUERY
from ..plugins.long import ANSWER, CUT, LONG, SHORT
from ..plugins.tables import marks, rows, warning


def node(text: str, **metadata: object) -> NodeWithScore:
    return NodeWithScore(node=TextNode(text=text, metadata=metadata), score=0.125)


def test_the_sources_of_an_answer_are_a_table(
    index: VectorStoreIndex, stages: dict[str, Any]
) -> None:
    sources = index.as_query_engine(**stages).query(QUERY).source_nodes
    shown = rows(as_table(sources))
    assert [row[0] for row in shown] == ["1", "2", "3"]
    assert [row[1] for row in shown] == [f"{source.score or 0:.4f}" for source in sources]
    assert [row[2] for row in shown] == [" ".join(source.text.split()) for source in sources]


def test_passages_are_marked_and_metadata_shown(server: LocalServer) -> None:
    cutting = AssistersRerank(
        base_url=server.base_url, api_key="ask_x", keep_retrieval_score=True, **CUT
    )
    found = cutting.postprocess_nodes([node(LONG, title="<A>"), node(SHORT)], query_str=QUERY)
    shown = {row[2].split("title")[0]: row[2] for row in rows(as_table(found))}
    (cut,) = [text for text in shown.values() if "title: <A>" in text]
    assert cut.startswith("… ")
    assert ANSWER[:30] in cut
    assert cut.endswith("title: <A> · retrieval_score: 0.125")
    assert any(ANSWER[:30] in mark for mark in marks(as_table(found)))


def test_first_scores_are_not_shown_as_relevance(dead_url: str) -> None:
    lost = AssistersRerank(
        base_url=dead_url, api_key="ask_x", on_error="passthrough", max_retries=0
    )
    found = lost.postprocess_nodes([node(SHORT)], query_str=QUERY)
    assert found[0].score == 0.125
    assert rows(as_table(found)) == [["1", "\N{EN DASH}", SHORT]]
    assert "Degraded" in warning(as_table(found))


def test_only_a_list_of_nodes_is_taken() -> None:
    with pytest.raises(ConfigurationError, match=r"nodes\[0\]: give a NodeWithScore"):
        as_table([TextNode(text="a")])  # type: ignore[list-item]
    with pytest.raises(ConfigurationError, match="not Response; its source_nodes are one"):
        as_table(Response("a", source_nodes=[]))  # type: ignore[arg-type]
