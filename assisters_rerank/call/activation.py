"""What becomes of raw scores: some servers answer in logits, which a sigmoid maps to 0…1."""

from __future__ import annotations

import math


def sigmoid(score: float) -> float:
    """The logistic function, for a logit of any size."""
    if score >= 0:
        return 1 / (1 + math.exp(-score))
    power = math.exp(score)  # of a large positive number it would overflow
    return power / (1 + power)
