"""The service's own two examples, with their calls as its model page prints them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from assisters_rerank import RankedDocument, arerank, rerank

if TYPE_CHECKING:
    from assisters_rerank.local import LocalServer


@dataclass
class Chunk:
    """What a first stage returns."""

    text: str


CHUNKS = [
    Chunk(text)
    for text in (
        "The weather forecast for today promises rain in the north.",
        "A refund is paid within fourteen days of the return.",
        "Our office is closed on public holidays.",
        "How long a refund takes depends on your bank; most refunds arrive within five days.",
        "The annual report lists revenue by region.",
        "Recipes for bread need flour, water, salt and yeast.",
        "Send the goods back to get your money.",
    )
]
QUESTION = "how long does a refund take"


@pytest.fixture(autouse=True)
def local_address(local_server: LocalServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The module-level functions find the server through the environment, as users would."""
    monkeypatch.setenv("ASSISTERS_BASE_URL", local_server.base_url)
    monkeypatch.setenv("ASSISTERS_API_KEY", "ask_your_key")


def test_retrieval_augmented_generation(local_server: LocalServer) -> None:
    asked = len(local_server.requests)
    reranked = rerank(
        model="bge-reranker-v2",
        query=QUESTION,
        documents=[c.text for c in CHUNKS],
        top_n=5,
    )
    context = "\n".join([r.document.text for r in reranked])
    lines = context.splitlines()
    assert len(lines) == 5
    assert set(lines[:2]) == {CHUNKS[1].text, CHUNKS[3].text}
    assert len(local_server.requests) == asked + 1


def test_relevance_scores() -> None:
    documents = [chunk.text for chunk in CHUNKS]
    results = rerank(
        model="bge-reranker-v2",
        query=CHUNKS[3].text,
        documents=documents,
    )
    high_relevance = [r for r in results if r.relevance_score > 0.7]
    assert len(results) == len(CHUNKS)
    assert high_relevance[0].index == 3
    assert len(high_relevance) < len(CHUNKS)


async def test_the_async_twins() -> None:
    documents = [chunk.text for chunk in CHUNKS]
    reranked = await arerank(model="bge-reranker-v2", query=QUESTION, documents=documents, top_n=5)
    assert list(reranked) == list(rerank(QUESTION, documents, top_n=5))
    first: RankedDocument = reranked[0]
    assert first.text == first.document.text == documents[first.index]
