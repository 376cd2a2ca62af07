"""A scorer that reads no more of a pair than a window holds, as real cross-encoders do."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from ...text.tokens import AROUND_A_PAIR, estimate_tokens
from .scorer import Scorer


class WindowedScorer:
    """Another scorer, which gets of each document only what fits into the window with the query.

    Query and document fill the window together, and the document is cut (transformers calls this
    `only_second`). A query that fills the window leaves no room for the documents. Tokens are
    estimated as the client does, so that what `Reranker(max_tokens=...)` takes to fit is read to
    its end.

    Args:
        scorer: what scores.
        max_tokens: the window, with the four special tokens of a pair.
    """

    def __init__(self, scorer: Scorer, max_tokens: int) -> None:
        self.name = f"{scorer.name}/{max_tokens}-tokens"
        self._scorer = scorer
        self._max_tokens = max_tokens

    def score(self, query: str, documents: Sequence[str]) -> list[float]:
        """The scores of the documents' beginnings."""
        room = self._max_tokens - estimate_tokens(query) - AROUND_A_PAIR
        return self._scorer.score(query, [beginning(document, room) for document in documents])


def windowed(scorer: Scorer, max_tokens: int | None) -> Scorer:
    """The scorer with this window; as it is, without one."""
    return scorer if max_tokens is None else WindowedScorer(scorer, max_tokens)


def beginning(text: str, tokens: int) -> str:
    """What comes first in the text and is estimated at so many tokens, or a little fewer."""
    if tokens < 1:
        return ""
    if estimate_tokens(text) <= tokens:
        return text
    # No character is estimated above one token, and few below an eighth.
    end = 8 * tokens
    while end < len(text) and estimate_tokens(text[:end]) <= tokens:
        end *= 2
    lengths = range(tokens + 1, min(end, len(text)) + 1)
    kept = bisect_right(lengths, tokens, key=lambda length: estimate_tokens(text[:length]))
    return text[: tokens + kept]
