"""What a plugin for a framework takes from inside; all else that it needs is public.

A plugin is a class of the framework with our options. With `content="passage"` it cuts copies of
the framework's own documents down to their best passage: when, where, and what their metadata say.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from .errors import ConfigurationError
from .lazy_names import lazy_names
from .options.rerank_options import RerankOptions, TopN, checked_top_n
from .options.thresholds import (
    LeastScore,
    ScoreThreshold,
    check_models,
    checked_score_threshold,
)
from .ranking import RankedDocument
from .settings import STRICT, Settings
from .text.passages import Passage, placed_in
from .wire.destination import API_KEY_VARIABLE

__all__ = [
    "API_KEY_VARIABLE",
    "PASSAGE_END",
    "PASSAGE_START",
    "STRICT",
    "Content",
    "Cut",
    "LeastScore",
    "ScoreThreshold",
    "Settings",
    "TopN",
    "best_cut",
    "call_options",
    "check_models",
    "checked_cut",
    "checked_score_threshold",
    "checked_top_n",
    "lazy_names",
    "only_sync_is_overridden",
    "plain_number",
    "shown_threshold",
]

Content = Literal["document", "passage"]

_CALL_OPTIONS = ("score_threshold", "top_n")

PASSAGE_START, PASSAGE_END = "passage_start", "passage_end"


class Cut(NamedTuple):
    """What is left of a text, and where that stands in the first text, for the metadata.

    They differ if the text is itself what an earlier pass has left of a longer one.
    """

    span: Passage
    noted: dict[str, object]


def call_options(keywords: Mapping[str, Any]) -> dict[str, Any]:
    """The options that a framework's call was given; their values are not checked here.

    Raises:
        ConfigurationError: there are other keywords.
    """
    others = sorted(keywords.keys() - set(_CALL_OPTIONS))
    if others:
        raise ConfigurationError(
            f"{', '.join(others)}: a call takes only the options {' and '.join(_CALL_OPTIONS)}; "
            "give other options to the constructor."
        )
    return dict(keywords)


def shown_threshold(threshold: Any, model: str) -> Any:
    """What traces show of a call's threshold: the model's own number, where that is certain."""
    if not isinstance(threshold, Mapping):
        return threshold
    return threshold[model] if model in threshold else dict(threshold)


def plain_number(value: Any) -> float | None:
    """A number of any library (numpy, torch, Decimal) as a float, which JSON takes.

    None for what has no finite value: JSON has neither NaN nor infinity.
    """
    try:
        number = float(value)
    except Exception:  # what another library's `__float__` raises is its own choice
        return None
    return number if math.isfinite(number) else None


def checked_cut(options: RerankOptions, content: Content) -> bool:
    """Whether documents are to be cut.

    Raises:
        ConfigurationError: they are, but no passages are scored.
    """
    if content == "passage" and options.long_documents != "split":
        raise ConfigurationError(
            "content='passage': only long_documents='split' scores passages; give that as well."
        )
    return content == "passage"


def best_cut(own: str, ranked: RankedDocument, metadata: Mapping[str, object]) -> Cut | None:
    """Where to cut `own`, a document's own text, which is a part of the text that was scored.

    None if the text was scored as a whole, or the best passage holds nothing of `own`.
    """
    span = placed_in(own, ranked.text, ranked.passage)
    if span is None:
        return None
    first = _beginning(own, metadata)
    return Cut(span, {PASSAGE_START: first + span.start, PASSAGE_END: first + span.end})


def _beginning(own: str, metadata: Mapping[str, object]) -> int:
    start, end = metadata.get(PASSAGE_START), metadata.get(PASSAGE_END)
    # Of another length, it is not this text that they are about.
    if isinstance(start, int) and isinstance(end, int) and end - start == len(own):
        return start
    return 0


def only_sync_is_overridden(instance: object, sync: str, evented: str) -> bool:
    """Whether a user's subclass has its own sync method, but not an async one.

    The frameworks' own base classes then run the sync one in a thread. What they inherit from us
    would go round it.
    """
    kinds = [vars(kind) for kind in type(instance).__mro__]
    return next(n for n, kind in enumerate(kinds) if sync in kind) < next(
        n for n, kind in enumerate(kinds) if evented in kind
    )
