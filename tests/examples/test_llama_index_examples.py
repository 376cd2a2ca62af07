"""Each example for LlamaIndex runs without a key, shows what it says, and calls nobody else."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from assisters_rerank.local import LocalServer

from .conftest import run_example
from .this_machine_only import guard

pytestmark = pytest.mark.slow  # a fresh interpreter for each

RIGHT, SECOND, NEAREST = (
    "## A disc brake that squeals",
    "## A rim brake that squeals",
    "## Bedding in new disc pads",
)
SCORED = re.compile(r"^ *(?P<score>\d\.\d+) +(?P<rest>.+)$", re.MULTILINE)


@pytest.fixture(autouse=True)
def _this_machine_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PYTHONPATH", str(guard(tmp_path)))


def _scored(output: str) -> list[tuple[float, str]]:
    """The lines that begin with a score, parted from it."""
    return [(float(found["score"]), found["rest"]) for found in SCORED.finditer(output)]


def _falling(rows: list[tuple[float, str]]) -> bool:
    scores = [score for score, _ in rows]
    return scores == sorted(scores, reverse=True)


def test_query_engine() -> None:
    output = run_example("llama_index/query_engine.py")
    assert output.startswith("No ASSISTERS_API_KEY: ")
    rows = [(vector, *rest.split(maxsplit=1)) for vector, rest in _scored(output)]
    assert [heading for *_, heading in rows] == [RIGHT, SECOND, NEAREST]
    vectors, reranked = [row[0] for row in rows], [float(row[1]) for row in rows]
    assert vectors == sorted(vectors)  # of these three, the first stage has the right one last
    assert reranked == sorted(reranked, reverse=True)
    prompt = output.partition("What the model was given:")[2]
    assert prompt.count("## ") == 3
    assert prompt.index(RIGHT) < prompt.index(SECOND) < prompt.index(NEAREST)
    assert prompt.index(NEAREST) < prompt.index("Query: Why does my brake squeal?")


def test_query_engine_with_a_key() -> None:
    with LocalServer(api_key="ask_mine") as server:
        output = run_example(
            "llama_index/query_engine.py",
            ASSISTERS_API_KEY="ask_mine",
            ASSISTERS_BASE_URL=server.base_url,
        )
        requests = server.requests
        assert server.base_url in output.splitlines()[0]
    assert not output.startswith("No ASSISTERS_API_KEY")
    assert _scored(output)[0][1].endswith(RIGHT)
    # The second stage got the first one's candidates, and the key came along.
    (request,) = (request for request in requests if request.query == "Why does my brake squeal?")
    assert len(request.documents) == 20
    assert {request.status for request in requests} == {200}


def test_the_guard_refuses_strangers(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", "import socket; socket.create_connection(('192.0.2.1', 80))"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith("socket.getaddrinfo: 192.0.2.1")


def test_chat_engine() -> None:
    output = run_example("llama_index/chat_engine.py")
    squeal, bedding, tandems = output.split("\nYou: ")[1:]
    for turn, first, said in (
        (squeal, RIGHT, "Squealing that came overnight is nearly always oil"),
        (bedding, NEAREST, "New pads brake badly until"),
    ):
        rows = _scored(turn)
        assert rows[0][1] == first
        assert _falling(rows)
        assert all(score >= 0.5 for score, _ in rows)
        assert f"Engine:  {said}" in turn
    assert not _scored(tandems)
    assert "Engine:  Empty Response" in tandems


def test_citation_engine() -> None:
    output = run_example("llama_index/citation_engine.py")
    rows = _scored(output)
    assert len(rows) == 2
    assert _falling(rows)
    page, start, end = re.split(", characters | to ", rows[0][1])
    assert page == "lights-and-batteries.md"
    first, second = output.split("Source ")[1:]
    # The passage that answers, and nothing else of its page.
    assert first.startswith("1:\n## Charging in the cold\nA lithium battery must not be charged")
    assert first.count("## ") == second.count("## ") == 1
    assert int(end) - int(start) < 300


def test_workflow() -> None:
    output = run_example("llama_index/workflow.py")
    squeal, tour = output.split("\n> ")[1:]
    assert squeal.count("## ") == 2
    assert squeal.index(RIGHT) < squeal.index(SECOND) < squeal.index("Query: Why does my brake")
    assert tour.splitlines() == [
        "Who won the Tour de France?",
        "The handbook says nothing about that.",
    ]


def test_vector_database() -> None:
    output = run_example("llama_index/vector_database.py")
    assert "storage.sqlite" in output.partition("Files: ")[2].splitlines()[0]
    found, reranked = map(_scored, output.split("Qdrant, then the rerank:"))
    assert len(found) == len(reranked) == 3
    assert _falling(found)
    assert _falling(reranked)
    assert found[0][1] == NEAREST
    assert RIGHT not in [heading for _, heading in found]
    assert reranked[0][1] == RIGHT


def test_agent_with_many_tools() -> None:
    output = run_example("llama_index/agent_with_many_tools.py")
    assert output.startswith("No ASSISTERS_API_KEY: ")
    before, after = output.split("\nAfter, ")
    assert re.findall(r"  (\d+) tools, [\d,]+ tokens: create_event, ", before) == ["200"] * 2
    (first, second) = re.findall(r"  5 tools, (\d+) tokens: send_mail, ", after)
    assert int(first) == int(second) < 1_000
    assert "The tool says: send_mail was called with: The tyres are here." in after
    # The tool that is called is looked up by its name, which is another rerank.
    assert after.endswith("\n4 rerank requests, 400 tools scored\n")
