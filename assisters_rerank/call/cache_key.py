"""What a cached score depends on: the address, the model, and what else changes the requests."""

from __future__ import annotations

import json
from collections.abc import Sequence

from ..cache.call_cache import CallCache
from ..cache.score_cache import ScoreCache
from ..options.rerank_options import RerankOptions
from ..wire.address import short_form
from ..wire.dialects import ASSISTERS_DIALECT, dialect_of


def call_cache(
    cache: ScoreCache, options: RerankOptions, model: str, query: str, texts: Sequence[str]
) -> CallCache:
    """The cache as one call uses it, for these texts."""
    return CallCache(cache, short_form(options.base_url), model, query, texts, _variant(options))


def _variant(options: RerankOptions) -> str:
    """The user's own name for it, and further fields of the request."""
    own = options.dialect == ASSISTERS_DIALECT
    constants = {} if own else dialect_of(options.dialect).constants
    if not (options.extra_body or constants):
        return options.cache_namespace
    return json.dumps([options.cache_namespace, options.extra_body, constants], sort_keys=True)
