"""What an honest server's scores make of a list, for tests where the ranking is not the point."""

from __future__ import annotations

from assisters_rerank import Ranking

from .answers import score


def assert_right(ranking: Ranking, texts: list[str]) -> None:
    """The ranking of all these distinct texts, none blank, by `answers.score`."""
    assert [(r.index, r.relevance_score) for r in ranking] == sorted(
        ((i, score(text)) for i, text in enumerate(texts)), key=lambda pair: -pair[1]
    )
    assert [r.text for r in ranking] == [texts[r.index] for r in ranking]
