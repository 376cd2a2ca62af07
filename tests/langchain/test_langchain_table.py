"""Reranked documents as a table in notebooks: what it says of passages, metadata and no scores."""

from __future__ import annotations

import pytest
from langchain_core.documents import Document

from assisters_rerank import ConfigurationError
from assisters_rerank.local import LocalServer
from langchain_assisters import AssistersRerank, as_table

from ..plugins.cases import QUERY
from ..plugins.long import ANSWER, CUT, LONG, OTHER, SHORT
from ..plugins.tables import marks, rows, warning

DOCUMENTS = [
    Document("A <b>bold</b> recipe", metadata={"source": "a&b.md", "page": 3}),
    Document(SHORT, metadata={"relevance_score": "high"}),
]


def test_a_row_has_rank_score_text_and_metadata(compressor: AssistersRerank) -> None:
    found = compressor.compress_documents(DOCUMENTS, QUERY)
    scores = [f"{document.metadata['relevance_score']:.4f}" for document in found]
    assert rows(as_table(found)) == [
        ["1", scores[0], SHORT],
        ["2", scores[1], "A <b>bold</b> recipesource: a&b.md · page: 3"],
    ]
    assert repr(as_table(found)) == "<RankedTable of 2 documents>"


def test_passages_are_marked_and_what_is_left_out(server: LocalServer) -> None:
    cutting = AssistersRerank(
        base_url=server.base_url, api_key="ask_x", passage_threshold=0.0, **CUT
    )
    (found,) = cutting.compress_documents([Document(LONG)], QUERY)
    assert len(found.metadata["passages"]) == 1  # all neighbours
    assert len(marks(as_table([found]))) == 1
    best = cutting.with_options(passage_threshold=None)
    (found,) = best.compress_documents([Document(LONG)], QUERY)
    ((*_, text),) = rows(as_table([found]))
    assert text.startswith("… ")
    assert ANSWER[:30] in text
    assert "passages" not in text


def test_several_passages_have_their_scores() -> None:
    note = [[5, 8, 0.25], [20, 25, 0.75]]
    document = Document("one … three", metadata={"passages": note, "relevance_score": 0.75})
    assert marks(as_table([document])) == ["0.2500 one", "0.7500 three"]
    ((_, _, text),) = rows(as_table([document]))
    assert text == "… 0.2500 one … 0.7500 three"
    document.metadata["passages"] = [[5, 8, "high"], [20, 25, None]]
    assert marks(as_table([document])) == []
    document.metadata["passages"] = "of the user's own"
    assert rows(as_table([document]))[0][2].startswith("one … three")


def test_documents_without_scores_are_said_to_be_degraded(dead_url: str) -> None:
    lost = AssistersRerank(
        base_url=dead_url, api_key="ask_x", on_error="passthrough", max_retries=0
    )
    found = lost.compress_documents([Document(OTHER)], QUERY)
    assert rows(as_table(found))[0][1] == "\N{EN DASH}"
    assert "Degraded" in warning(as_table(found))
    assert warning(as_table([])) == ""
    assert warning(as_table(DOCUMENTS)) == ""


def test_only_a_list_of_documents_is_taken() -> None:
    with pytest.raises(ConfigurationError, match=r"documents\[0\]: give a LangChain Document"):
        as_table(["text"])  # type: ignore[list-item]
