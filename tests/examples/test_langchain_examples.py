"""Each LangChain example runs without a key, and its rerank puts the right passage first."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from assisters_rerank import estimate_tokens
from assisters_rerank.local import LocalServer

from .conftest import run_example
from .this_machine_only import guard

pytestmark = pytest.mark.slow  # a fresh interpreter for each


@pytest.fixture(autouse=True)
def _this_machine_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PYTHONPATH", str(guard(tmp_path)))


def _after(output: str, heading: str) -> list[str]:
    """The lines below `heading`, to the next empty one."""
    return [
        line.strip() for line in output.split(f"\n{heading}\n")[1].split("\n\n")[0].splitlines()
    ]


def test_rag_chain() -> None:
    output = run_example("langchain/rag_chain.py")
    assert output.startswith("No ASSISTERS_API_KEY: ")
    found, prompt = output.split("\nWhat the language model reads after the rerank:\n")
    assert "Bedding in new disc pads" in found
    assert "A disc brake that squeals" not in found
    instruction, *passages, question = prompt.strip().split("\n\n")
    assert instruction == "Answer from these passages alone."
    assert len(passages) == 3
    assert passages[0].startswith("A disc brake that squeals\n")
    assert question.startswith("Question: My disc brake squeals")


def test_rag_chain_with_a_key() -> None:
    with LocalServer(api_key="ask_mine") as server:
        output = run_example(
            "langchain/rag_chain.py",
            ASSISTERS_API_KEY="ask_mine",
            ASSISTERS_BASE_URL=server.base_url,
        )
    assert output.startswith("ASSISTERS_BASE_URL is set: ")
    assert "\n\nA disc brake that squeals\n" in output


def test_compression() -> None:
    output = run_example("langchain/compression.py")
    (chapters,) = _after(output, "The vector store's chapters:")
    assert chapters.startswith("wheels-and-bearings.md, drivetrain.md, ")
    _, *found = output.split(" characters ")
    assert len(found) == 2
    assert "\ndrivetrain.md, score " in output
    span, heading, *_ = found[0].splitlines()
    assert heading == "## Taking pedals off"
    start, _, end, _, size = span.removesuffix(":").split()
    assert 0 < int(end) - int(start) < int(size) / 5


def test_agent() -> None:
    output = run_example("langchain/agent.py")
    _, question, call, passages, answer = output.split(" Message ")
    assert "Which oil does it take?" in question
    assert "search_handbook" in call
    assert "A belt is never oiled." in passages
    # The chain's oil, which the vectors put first, is below the threshold.
    assert "Oiling a chain" not in passages
    assert "No, a belt is never oiled." in answer


def test_agent_with_many_tools() -> None:
    output = run_example("langchain/agent_with_many_tools.py")
    assert output.startswith("No ASSISTERS_API_KEY: ")
    before, after = output.split("\nAfter, ")
    assert re.findall(r"  (\d+) tools, [\d,]+ tokens: create_event, ", before) == ["200"] * 2
    (first, second) = re.findall(r"  5 tools, (\d+) tokens: send_mail, ", after)
    assert int(first) == int(second) < 1_000
    assert "send_mail was called with: The tyres are here." in after
    assert after.endswith("\n2 rerank requests, 200 tools scored\n")


def test_rag_with_budget() -> None:
    output = run_example("langchain/rag_with_budget.py")
    sizes = re.findall(r"^(.*): (\d+) chapters, ([\d,]+) tokens$", output, re.MULTILINE)
    assert sizes[0] == ("Before", "9", "4,117")
    whole, passages = (int(tokens.replace(",", "")) for *_, tokens in sizes[1:])
    assert passages < whole <= 1_500
    prompt = output.split("\nWhat the language model reads:\n")[1]
    assert "## A disc brake that squeals\nSquealing that came overnight" in prompt
    assert estimate_tokens(prompt) < passages + 50
    assert "… " in prompt
    assert prompt.strip().endswith("Question: My disc brake squeals since yesterday. What is it?")


def test_streaming_and_batch() -> None:
    output = run_example("langchain/streaming_and_batch.py")
    batch = _after(output, "batch, three questions side by side in threads:")
    headings = [line.split("  ")[-1] for line in batch]
    assert headings == ["Belt drives", "A disc brake that squeals", "A rim brake that squeals"]
    assert _after(output, "abatch, the same on the event loop, without a thread for each:") == batch
    (streamed,) = _after(output, "astream, token by token, once the rerank is done:")
    assert streamed.count("|") > 10
    assert streamed.replace("|", "").startswith("No. A belt is rinsed with water")
    assert output.endswith("\n7 rerank requests, 140 passages scored\n")


def test_vector_database() -> None:
    output = run_example("langchain/vector_database.py")
    assert "storage.sqlite" in output.split("\nFiles: ")[1].splitlines()[0]
    first, *_ = _after(output, "Qdrant:")
    assert first == "The chain skips under load"
    reranked = _after(output, "Qdrant, then the rerank:")
    assert len(reranked) == 3
    assert reranked[0].endswith(" Measuring a worn chain")
