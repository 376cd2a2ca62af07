"""What a plugin for a framework takes from inside; all else that it needs is public.

A plugin is a class of the framework with our options. With `content="passages"` it cuts copies
of the framework's own documents down to passages: when, where, and what their metadata say.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BeforeValidator, Field

from .call.context import FrameworkDocument, Shown
from .errors import ConfigurationError
from .lazy_names import lazy_names
from .notebook import RankedTable, Row, pieces_of_excerpt
from .options.rerank_options import RerankOptions, TopN, checked_top_n
from .options.thresholds import (
    LeastScore,
    ScoreThreshold,
    check_models,
    checked_score_threshold,
)
from .ranking import RankedDocument
from .settings import STRICT, Settings, given_list, given_text, named_kind, near_name, no_bool
from .text.excerpts import Excerpt, Span, excerpt, noted_excerpt, placed_in, shortened, whole
from .wire.destination import API_KEY_VARIABLE

__all__ = [
    "API_KEY_VARIABLE",
    "CUT_OFF",
    "PASSAGES",
    "STRICT",
    "Content",
    "Cutting",
    "FrameworkDocument",
    "LeastScore",
    "PassageThreshold",
    "RankedTable",
    "ScoreThreshold",
    "Settings",
    "Shown",
    "TopN",
    "call_options",
    "check_models",
    "checked_cut",
    "checked_score_threshold",
    "checked_top_n",
    "excerpt_of",
    "given_list",
    "given_text",
    "lazy_names",
    "named_kind",
    "noted",
    "noted_excerpt",
    "only_sync_is_overridden",
    "plain_number",
    "ranked_table",
    "shown_threshold",
]

Content = Literal["document", "passages"]
PassageThreshold = Annotated[float, BeforeValidator(no_bool), Field(allow_inf_nan=False)] | None

_CALL_OPTIONS = ("score_threshold", "top_n")

PASSAGES, CUT_OFF = "passages", "context_truncated"


class Cutting(NamedTuple):
    """Which passages documents are cut to: the best one, and those with at least this score."""

    least: float | None

    def takes(self, score: float) -> bool:
        """Whether a passage with this score is kept, besides the best one."""
        return self.least is not None and score >= self.least


def call_options(keywords: Mapping[str, Any], arguments: Collection[str] = ()) -> dict[str, Any]:
    """The options that a framework's call was given; their values are not checked here.

    Args:
        keywords: everything that it was given by name.
        arguments: what else it takes by name, which an unknown name may have meant.

    Raises:
        ConfigurationError: there are other keywords.
    """
    others = sorted(keywords.keys() - set(_CALL_OPTIONS))
    if others:
        near = [near_name(other, (*arguments, *_CALL_OPTIONS)) for other in others]
        meant = " and ".join(dict.fromkeys(name for name in near if name))
        raise ConfigurationError(
            f"{', '.join(others)}: a call takes only the options {' and '.join(_CALL_OPTIONS)}; "
            + (f"did you mean {meant}?" if meant else "give other options to the constructor.")
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


def checked_cut(options: RerankOptions, content: Content, least: float | None) -> Cutting | None:
    """How documents are to be cut; None if they are not.

    Raises:
        ConfigurationError: they are, but no passages are scored, or the other way round.
    """
    if content == "passages":
        if options.long_documents != "split":
            raise ConfigurationError(
                "content='passages': only long_documents='split' scores passages; give that as "
                "well."
            )
        return Cutting(least)
    if least is not None:
        raise ConfigurationError(
            "passage_threshold: it chooses among passages; give content='passages' as well."
        )
    return None


def excerpt_of(
    own: str, ranked: RankedDocument, metadata: Mapping[str, object], cutting: Cutting | None
) -> Excerpt | None:
    """What is left of `own`, a document's text, which is a part of the text that was scored.

    None if nothing is to be said of passages: the text was scored as a whole, or no passage to be
    kept holds any of it. The text is `own` itself if only an earlier excerpt has a new score. It is
    cut off at `context_end`.
    """
    before = noted_excerpt(own, metadata.get(PASSAGES)) if PASSAGES in metadata else None
    found = None
    if cutting is not None and ranked.passage is not None:
        kept = [
            (*placed, score)
            for start, end, score in ranked.passages
            if (start, end) == ranked.passage or cutting.takes(score)
            if (placed := placed_in(own, ranked.text, start, end)) is not None
        ]
        found = excerpt(own, kept, before or whole(own))
    if found is None and (before is not None or ranked.context_end is not None):
        spans = (before or whole(own)).spans
        found = Excerpt(own, tuple((*span[:2], ranked.relevance_score) for span in spans))
    if found is not None and ranked.context_end is not None:
        return shortened(found, ranked.context_end)
    return found


def noted(spans: Sequence[Span]) -> list[list[float | None]]:
    """The spans as they stand in metadata, which have to be JSON."""
    return [list(span) for span in spans]


def ranked_table(
    documents: Iterable[tuple[str, float | None, Mapping[str, object]]],
    degraded: str,
    hidden: Collection[str] = (),
) -> RankedTable:
    """A table of a framework's reranked documents: of each the text, the score, the metadata.

    `degraded` is the field of metadata that marks a document without a score; `hidden` are other
    fields that the table does not show.
    """
    rows, scored = [], 0
    for text, score, metadata in documents:
        marked = metadata.get(degraded) is True
        about = " · ".join(
            f"{key}: {str(value)[:200]}"
            for key, value in metadata.items()
            if key not in (PASSAGES, degraded, *hidden)
        )
        pieces = pieces_of_excerpt(text, metadata.get(PASSAGES))
        rows.append(Row(None, None if marked else score, pieces, about))
        scored += not marked
    return RankedTable(tuple(rows), degraded=bool(rows) and not scored)


def only_sync_is_overridden(instance: object, sync: str, evented: str) -> bool:
    """Whether a user's subclass has its own sync method, but not an async one.

    The frameworks' own base classes then run the sync one in a thread. What they inherit from us
    would go round it.
    """
    kind: type = type(instance)
    return _comes_first(kind, sync, evented)


@lru_cache(maxsize=256)  # each async call asks
def _comes_first(kind: type, one: str, other: str) -> bool:
    """Whether a class has the one method from nearer by than the other."""
    bases = kind.__mro__
    return next(n for n, base in enumerate(bases) if one in vars(base)) < next(
        n for n, base in enumerate(bases) if other in vars(base)
    )
