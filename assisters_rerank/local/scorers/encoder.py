"""What an encoder is, and which one makes the vectors of `/embeddings`."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Literal, Protocol, get_args

from ...errors import ConfigurationError
from .hashed import HashedEncoder
from .loaded_once import LoadedOnce

logger = logging.getLogger(__name__)

EncoderName = Literal["static", "hashed"]
ENCODERS: tuple[str, ...] = get_args(EncoderName)


class Encoder(Protocol):
    """Turns texts into vectors, each on its own, from any thread."""

    @property
    def name(self) -> str:
        """What an answer's `model` says, e.g. `"local-static"`."""
        ...

    def encode(self, text: str) -> Sequence[float]:
        """The vector of a text that is not blank, as long as any other's."""
        ...


def load_encoder(name: str = "static") -> Encoder:
    """The encoder of this name; loaded once a process, from whichever thread asks first.

    Where wordllama is missing, `"static"` gives the hashed encoder and logs a warning.

    Raises `ConfigurationError` for an unknown name.
    """
    return _loaded(name)


def _build_encoder(name: str) -> Encoder:
    if name == "hashed":
        return HashedEncoder()
    if name != "static":
        raise ConfigurationError(f"Unknown encoder {name!r}; give one of {', '.join(ENCODERS)}.")
    # They import NumPy: not before it is needed.
    from .static import StaticEncoder
    from .word_vectors import WordVectorsMissingError

    try:
        return StaticEncoder()
    except WordVectorsMissingError as error:
        logger.warning("%s: the local server embeds by terms only (%s)", error, HashedEncoder.name)
        return HashedEncoder()


_loaded = LoadedOnce(lambda name: _build_encoder(name))
