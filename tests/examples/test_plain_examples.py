"""Each example in plain Python runs without a key, and shows what it says."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from assisters_rerank.local import LocalServer

from .conftest import EXAMPLES, run_example
from .this_machine_only import guard

pytestmark = pytest.mark.slow  # a fresh interpreter for each


@pytest.fixture(autouse=True)
def _this_machine_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PYTHONPATH", str(guard(tmp_path)))


def _blocks(output: str) -> dict[str, list[str]]:
    """The lines below each heading; blocks are parted by empty lines."""
    blocks = [block.splitlines() for block in output.strip().split("\n\n")]
    return {heading: lines for heading, *lines in blocks}


def test_two_stage_search() -> None:
    first, *rest = run_example("plain/two_stage_search.py").splitlines()
    assert first.startswith("No ASSISTERS_API_KEY: ")
    assert len(rest) == 5
    assert "A disc brake that squeals" in rest[0]
    place = int(rest[0].split("was")[1].split(".")[0])
    assert place > 3
    assert sum("was  1." in line for line in rest[1:]) == 1


def test_two_stage_search_with_a_key() -> None:
    with LocalServer(api_key="ask_mine") as server:
        output = run_example(
            "plain/two_stage_search.py",
            ASSISTERS_API_KEY="ask_mine",
            ASSISTERS_BASE_URL=server.base_url,
        )
    assert "A disc brake that squeals" in output.splitlines()[1]


def test_two_stage_search_is_short() -> None:
    # As long as its syntax tree says, without comments and docstrings.
    tree = ast.parse((EXAMPLES / "plain/two_stage_search.py").read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.FunctionDef) and ast.get_docstring(node):
            node.body = node.body[1:]
    assert len(ast.unparse(tree).splitlines()) < 25


def test_hybrid() -> None:
    blocks = _blocks(run_example("plain/hybrid.py"))
    first = {
        query: {line.split()[0]: line.split(maxsplit=1)[1].split(" | ")[0] for line in lines}
        for query, lines in blocks.items()
        if lines
    }
    # Each first stage misses what the other one finds, and both miss the last.
    right, near = "A disc brake that squeals", "Bedding in new disc pads"
    assert first.pop("My disc brake squeals since yesterday") == {
        "BM25": right,
        "vectors": near,
        "fused": near,
        "reranked": right,
    }
    assert first.pop("What do I do about a squeaking disc?") == {
        "BM25": near,
        "vectors": right,
        "fused": near,
        "reranked": right,
    }
    assert first.pop("How do I stop a squeaking rim brake?") == {
        "BM25": near,
        "vectors": near,
        "fused": near,
        "reranked": "A rim brake that squeals",
    }
    assert not first


def test_near_duplicates() -> None:
    blocks = _blocks(run_example("plain/near_duplicates.py"))
    reranked, unique = blocks["reranked:"], blocks["unique:"]
    assert len(reranked) == len(unique) == 4
    assert [line.split("  ")[-1] for line in reranked[:2]] == [
        "Patching a tube, in short",
        "Patching a tube",
    ]
    # One of the two is gone, the others have moved up, and one more has come in.
    assert unique[:3] == [reranked[0], *reranked[2:]]
    assert unique[3] not in reranked


def test_score_filtering() -> None:
    blocks = _blocks(run_example("plain/score_filtering.py"))
    kept = {
        query: [int(line.split(": ")[1].split()[0]) for line in lines[:3]]
        for query, lines in blocks.items()
        if lines
    }
    battery, pedal, bread = kept.values()
    for counts in (battery, pedal):
        everything, no_noise, high = counts
        assert everything > 10 * no_noise
        assert no_noise > high > 0
    assert bread[1:] == [0, 0]
    *_, (*_, left_at_bread) = blocks.values()
    assert left_at_bread.strip() == "The handbook says nothing about that."
    assert "Taking pedals off" in blocks["Which way do I turn the left pedal to get it off?"][3]


def test_the_readme_lists_every_example() -> None:
    readme = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"\]\((\w+/\w+\.py)\)", readme))
    assert listed == {path.relative_to(EXAMPLES).as_posix() for path in EXAMPLES.glob("*/*.py")}
