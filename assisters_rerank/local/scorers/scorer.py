"""What a scorer is, and which one serves."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Literal, Protocol, get_args

from ...errors import ConfigurationError
from .lexical import LexicalScorer
from .loaded_once import LoadedOnce

logger = logging.getLogger(__name__)

ScorerName = Literal["embedded", "lexical", "cross-encoder"]
SCORERS: tuple[str, ...] = get_args(ScorerName)


class Scorer(Protocol):
    """Scores (query, document) pairs, each on its own, from any thread."""

    @property
    def name(self) -> str:
        """What an answer's `model` says, e.g. `"local-embedded"`."""
        ...

    def score(self, query: str, documents: Sequence[str]) -> list[float]:
        """A relevance score of 0…1 for every document, in their order."""
        ...


def load_scorer(name: str = "embedded") -> Scorer:
    """The scorer of this name; loaded once a process, from whichever thread asks first.

    Where wordllama is missing, `"embedded"` gives the lexical scorer and logs a warning.
    `"cross-encoder"` is `CrossEncoderScorer` with its default model.

    Raises `ConfigurationError` for an unknown name, or a model that cannot be loaded.
    """
    return _loaded(name)


def _build_scorer(name: str) -> Scorer:
    if name == "lexical":
        return LexicalScorer()
    if name == "cross-encoder":
        from .cross_encoder import CrossEncoderScorer

        return CrossEncoderScorer()
    if name != "embedded":
        raise ConfigurationError(f"Unknown scorer {name!r}; give one of {', '.join(SCORERS)}.")
    # They import NumPy: not before it is needed.
    from .embedded import EmbeddedScorer
    from .word_vectors import WordVectorsMissingError

    try:
        return EmbeddedScorer()
    except WordVectorsMissingError as error:
        logger.warning("%s: the local server scores by terms only (%s)", error, LexicalScorer.name)
        return LexicalScorer()


_loaded = LoadedOnce(lambda name: _build_scorer(name))
