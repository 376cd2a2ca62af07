"""The measures from their definitions, for one query: nothing here comes from a library."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence


def _gains(ranked: Sequence[str], grades: Mapping[str, int]) -> list[int]:
    return [max(0, grades.get(document, 0)) for document in ranked]


def _relevant(grades: Mapping[str, int]) -> int:
    return sum(grade > 0 for grade in grades.values())


def _dcg(gains: Sequence[int]) -> float:
    return sum(gain / math.log2(rank + 1) for rank, gain in enumerate(gains, start=1))


def ndcg_at_10(ranked: Sequence[str], grades: Mapping[str, int]) -> float:
    ideal = sorted((max(0, grade) for grade in grades.values()), reverse=True)
    return _dcg(_gains(ranked, grades)[:10]) / _dcg(ideal[:10])


def mrr_at_10(ranked: Sequence[str], grades: Mapping[str, int]) -> float:
    hits = (rank for rank, gain in enumerate(_gains(ranked, grades)[:10], start=1) if gain)
    first = next(hits, None)
    return 1 / first if first else 0.0


def recall_at(k: int, ranked: Sequence[str], grades: Mapping[str, int]) -> float:
    return sum(gain > 0 for gain in _gains(ranked, grades)[:k]) / _relevant(grades)


def precision_at_10(ranked: Sequence[str], grades: Mapping[str, int]) -> float:
    return sum(gain > 0 for gain in _gains(ranked, grades)[:10]) / 10


def average_precision(ranked: Sequence[str], grades: Mapping[str, int]) -> float:
    hits = [rank for rank, gain in enumerate(_gains(ranked, grades), start=1) if gain]
    return sum(found / rank for found, rank in enumerate(hits, start=1)) / _relevant(grades)


def all_measures(ranked: Sequence[str], grades: Mapping[str, int]) -> dict[str, float]:
    """By the report's names."""
    return {
        "nDCG@10": ndcg_at_10(ranked, grades),
        "MRR@10": mrr_at_10(ranked, grades),
        "Recall@10": recall_at(10, ranked, grades),
        "Recall@100": recall_at(100, ranked, grades),
        "P@10": precision_at_10(ranked, grades),
        "MAP": average_precision(ranked, grades),
    }
