"""`timeout` bounds the work that is done here too: counting tokens, splitting long documents."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from assisters_rerank import BudgetExceeded, ConfigurationError, Embedder, Reranker
from assisters_rerank.text.passages import passages
from assisters_rerank.text.tokens import TokenCounter

pytest.importorskip("semantic_text_splitter")


class Slow:
    """A tokenizer whose every count takes a second, as the clock says."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked, self.late = 0, 0.0
        clock = time.monotonic
        monkeypatch.setattr(time, "monotonic", lambda: clock() + self.late)

    def __call__(self, text: str) -> int:
        self.asked += 1
        self.late += 1.0
        return max(1, len(text) // 4)


@pytest.mark.parametrize("long_documents", ["truncate", "split", "error"])
def test_counting_ends_with_the_time(long_documents: str, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = Slow(monkeypatch)
    texts = [f"text {number}" for number in range(50)] + ["A sentence. " * 1000]
    reranker = Reranker(
        base_url="http://127.0.0.1:9/v1",
        timeout=5,
        count_tokens=slow,
        long_documents=long_documents,
    )
    with pytest.raises(BudgetExceeded, match="tokens were counted"):
        reranker.rerank("q", texts)
    assert slow.asked <= 6


def test_passing_through_ends_with_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = Slow(monkeypatch)
    reranker = Reranker(
        base_url="http://127.0.0.1:9/v1", timeout=5, count_tokens=slow, on_error="passthrough"
    )
    assert reranker.rerank("q", [f"text {number}" for number in range(50)]).degraded
    assert slow.asked <= 6


def test_counting_embeddings_ends_with_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = Slow(monkeypatch)
    embedder = Embedder(
        model="m",
        base_url="http://127.0.0.1:9/v1",
        timeout=5,
        count_tokens=slow,
        tokens_per_minute=1_000_000,
    )
    with pytest.raises(BudgetExceeded, match="tokens were counted"):
        embedder.embed_documents([f"text {number}" for number in range(50)])
    assert slow.asked <= 6


@pytest.mark.parametrize("given", [None, len], ids=["estimated", "counted"])
def test_splitting_ends_between_two_pieces(given: Callable[[str], int] | None) -> None:
    left = 20

    def check_time() -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise BudgetExceeded("scripted")

    with pytest.raises(BudgetExceeded, match="scripted"):
        passages("One sentence of some words. " * 5000, 64, TokenCounter(given, check_time))
    assert left == -1


def test_the_users_own_errors_stay_what_they_are() -> None:
    reranker = Reranker(base_url="http://127.0.0.1:9/v1", count_tokens=lambda text: -1)
    with pytest.raises(ConfigurationError, match="count_tokens"):
        reranker.rerank("q", ["a"])
