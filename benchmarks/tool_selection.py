"""What it takes to choose five of 200 tools on the local server, scorer and all."""

from __future__ import annotations

from itertools import cycle
from pathlib import Path

from assisters_rerank import Reranker
from assisters_rerank.local import LocalServer
from benchmarks.measure import Figure, milliseconds, show

TOOLS = Path(__file__).parents[1] / "examples" / "tools.tsv"
QUESTIONS = (
    "Which clients still owe us money?",
    "Book a flight to Rome for me on the 3rd.",
    "Why did the pipeline go red last night?",
    "Add milk and bread to my shopping list.",
)


def run(rounds: int = 40) -> list[Figure]:
    """The median of warm calls, each with another question than the one before."""
    tools = [line.replace("\t", ": ") for line in TOOLS.read_text(encoding="utf-8").splitlines()]
    asked = cycle(QUESTIONS)
    with LocalServer() as server, Reranker(base_url=server.base_url) as reranker:
        taken = milliseconds(
            lambda: reranker.select(next(asked), tools, key=lambda tool: tool, top_n=5), rounds
        )
    return show("Tools", [Figure("5 of 200 tools, on the local server", taken, 20.0, "ms")])
