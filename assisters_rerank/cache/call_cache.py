"""One call's use of the user's cache: a cache that fails is logged, and costs only its scores."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from functools import cached_property

from .score_cache import CachedScore, ScoreCache, score_keys

logger = logging.getLogger("assisters_rerank")


class CallCache:
    """The cached scores of a call's texts. Both methods may read and write files."""

    def __init__(
        self,
        cache: ScoreCache,
        base_url: str,
        model: str,
        query: str,
        texts: Sequence[str],
        namespace: str = "",
    ) -> None:
        self._cache = cache
        self._about = base_url, model, query
        self._texts, self._namespace = texts, namespace

    @cached_property
    def _keys(self) -> list[str]:
        return score_keys(*self._about, self._texts, self._namespace)

    def recall(self) -> dict[int, CachedScore]:
        """What is known, by position in the texts; all of it by the same model."""
        try:
            found = self._cache.get_many(self._keys)
            known = {
                place: _checked(found[key]) for place, key in enumerate(self._keys) if key in found
            }
        except Exception as error:
            logger.warning("The cache could not be read; all is asked for: %s", _described(error))
            return {}
        if len({score.model for score in known.values()}) > 1:
            return {}  # the server has changed its model, and scores of two don't compare
        return known

    def remember(self, scores: Mapping[int, float], model: str | None) -> None:
        """Keeps what the server's `model` answered."""
        try:
            self._cache.set_many(
                {self._keys[place]: CachedScore(score, model) for place, score in scores.items()}
            )
        except Exception as error:
            logger.warning(
                "The cache could not be written; the scores are not kept: %s", _described(error)
            )


def _checked(entry: object) -> CachedScore:
    # A cache of the user's own may give lists, as JSON does.
    if isinstance(entry, Sequence) and len(entry) == 2:
        score, model = entry
        # Other makers' JSON, and databases, give 1.0 back as 1.
        number = isinstance(score, int | float) and not isinstance(score, bool)
        if number and math.isfinite(score) and isinstance(model, str | None):
            return CachedScore(float(score), model)
    raise ValueError(f"{entry!r:.100} is no (score, model)")


def _described(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"  # repr() leaves out the name of the file
