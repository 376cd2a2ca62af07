"""From a raw score to a relevance score of 0…1."""

from __future__ import annotations

import math


def logistic(raw: float, middle: float, steepness: float) -> float:
    """A curve that rises from 0 to 1, is 0.5 at `middle` and keeps the order of raw scores."""
    return 1 / (1 + math.exp(-steepness * (raw - middle)))
