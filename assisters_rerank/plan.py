"""Pure: which texts to send for a list of documents, and where their scores go.

Equal texts are sent once, blank texts not at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Plan:
    """`texts` are to be scored; document i has the score of `texts[source[i]]`, or is blank."""

    texts: tuple[str, ...]
    source: tuple[int | None, ...]

    @classmethod
    def of(cls, documents: Sequence[str]) -> Plan:
        """The plan for these documents' texts."""
        places: dict[str, int] = {}
        source = tuple(
            places.setdefault(text, len(places)) if text and not text.isspace() else None
            for text in documents
        )
        return cls(tuple(places), source)

    def shards(self, size: int) -> list[range]:
        """Positions in `texts`, cut into requests of at most `size`."""
        total = len(self.texts)
        return [range(start, min(start + size, total)) for start in range(0, total, size)]

    def rank(
        self, scores: Mapping[int, float], top_n: int | None, score_threshold: float | None
    ) -> list[tuple[int, float]]:
        """(document, score) in falling order, cut by threshold and then by `top_n`.

        `scores` goes by position in `texts`. A text without one was left out by the server's own
        `top_n`, and stays out. Ties keep the documents' order; blank documents come last.
        """
        ranked = [
            (i, scores[s]) for i, s in enumerate(self.source) if s is not None and s in scores
        ]
        ranked.sort(key=lambda pair: -pair[1])  # stable, so ties keep their order
        blank_score = min(0.0, ranked[-1][1]) if ranked else 0.0
        ranked += [(i, blank_score) for i, s in enumerate(self.source) if s is None]
        if score_threshold is not None:
            ranked = [pair for pair in ranked if pair[1] >= score_threshold]
        return ranked[:top_n]
