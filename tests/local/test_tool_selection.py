"""How often the right one of 200 tools is among five: the figures in `docs/choosing.md`."""

from __future__ import annotations

import re

import pytest

from assisters_rerank import Reranker
from assisters_rerank.local import LocalServer
from assisters_rerank.local.scorers.scorer import ScorerName

from ..pages import DOCS
from ..plugins.many_tools import QUESTIONS, TOOLS, without_a_shared_word


def test_half_of_the_questions_share_no_word_with_their_tool() -> None:
    assert (len(TOOLS), len(QUESTIONS)) == (200, 40)
    assert {tool for tool, _ in QUESTIONS} <= TOOLS.keys()
    assert len(without_a_shared_word()) == 20


@pytest.mark.slow
@pytest.mark.parametrize("scorer", ["lexical", "embedded"])
def test_the_right_tool_among_five(scorer: ScorerName) -> None:
    with LocalServer(scorer=scorer) as server, Reranker(base_url=server.base_url) as reranker:
        found = [
            (tool, question)
            for tool, question in QUESTIONS
            if tool
            in reranker.select(
                question,
                list(TOOLS),
                key=lambda name: f"{name.replace('_', ' ')}: {TOOLS[name]}",
                top_n=5,
            )
        ]
    without = len(set(found) & set(without_a_shared_word()))
    page = (DOCS / "choosing.md").read_text(encoding="utf-8")
    row = re.search(rf"^\| `{scorer}`.*?\| (\d+) \| (\d+) \| (\d+) \|$", page, re.MULTILINE)
    assert row
    assert [*map(int, row.groups())] == [len(found) - without, without, len(found)]
