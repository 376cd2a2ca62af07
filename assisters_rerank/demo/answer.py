"""What both frameworks are asked with and give back, in terms that no framework owns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from ..catalogue import AUTO, CATALOGUE
from ..usage import Usage


@dataclass(frozen=True, slots=True)
class Setup:
    """What both frameworks are run with.

    Attributes:
        candidates: how many passages the first stage hands to the reranker.
        top_n: how many of them the reranker gives back.
        model: id of the reranking model.
        base_url: the server that scores.
    """

    candidates: int
    top_n: int
    model: str
    base_url: str

    @property
    def long_documents(self) -> Literal["split", "as_is"]:
        """What becomes of docstrings beyond the model's window, which has to be known to split."""
        return "split" if self.model in (AUTO, *CATALOGUE) else "as_is"


@dataclass(frozen=True, slots=True)
class Answer:
    """The passages in their final order, and what they took.

    Attributes:
        framework: which of the frameworks was asked.
        results: name and relevance score of each passage, best first.
        seconds: wall time of the whole call, first stage and framework included.
        usage: requests and tokens, as the server counted them.
        model: the model that the server says has scored.
    """

    framework: str
    results: tuple[tuple[str, float], ...]
    seconds: float
    usage: Usage
    model: str


Ask = Callable[[str], Answer]
