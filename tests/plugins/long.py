"""Documents that are longer than the model reads, and where the answer stands in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .cases import TEXTS

OPENING = "The opening is about barns that were painted long ago."
ANSWER = "To run a command and read what it prints, start it in a new process."
CLOSING = "The closing is about roofs that were painted long ago."

_FILLER = " ".join(
    f"The {thing} of the village was painted in another colour every year."
    for thing in ("fence", "boat", "house", "gate", "shed", "porch", "mill", "church") * 2
)

# The white space around it is the document's own, and must not put anything out of place.
LONG = f"\n{OPENING} {_FILLER}\n\n{ANSWER}\n\n{_FILLER} {CLOSING}\n"
OTHER = f"{CLOSING} {_FILLER}\n\nA browser opens at an address.\n\n{_FILLER} {OPENING}"
SHORT = "Run a command in a shell."

# A window of which the long documents have several, and the short ones one.
SPLIT: dict[str, Any] = {"long_documents": "split", "max_tokens": 80}
CUT: dict[str, Any] = {**SPLIT, "content": "passages"}

# The texts of the engines' tests with paragraphs around them that no query is about: with these
# options, a passage is one paragraph, and the best one is the text.
FILLER = "Quis nostrud exercitation ullamco laboris nisi ut aliquip ex ea commodo consequat."
PADDED = tuple(f"{FILLER}\n\n{text}\n\n{FILLER}" for text in TEXTS)
PASSAGES: dict[str, Any] = {"long_documents": "split", "max_passage_tokens": 24}


def without_filler(documents: Sequence[str]) -> list[str]:
    """What was sent of the texts themselves."""
    return [document for document in documents if document != FILLER]
