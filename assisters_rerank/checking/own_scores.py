"""Whether a document's score is its own, or depends on chance or on the others of its request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .asking import Asking
from .probe_texts import GRADED, QUERY
from .server_report import CompanyFound, ScoresFound

# Of the spread of all scores. Half precision and padding to the longest of a batch change a score
# by some thousandths; a list-wise model's change by several hundredths.
_TOLERANCE = 0.02

_TIMES = 3
_ALONE = 3


async def find_company(asking: Asking, scores: ScoresFound) -> CompanyFound | None:
    """Asks for the same documents again, in parts, some by themselves, and in another order.

    None if there is nothing to compare: not enough answers, or all scores are alike.
    """
    spread = scores.spread
    whole = [await _scores(asking, GRADED) for _ in range(_TIMES)]
    together = whole[0]
    if not all(whole) or not spread:
        return None
    parts = [GRADED[::2], GRADED[1::2], *([text] for text in GRADED[1 : 1 + _ALONE])]
    apart = [await _scores(asking, part) for part in parts]
    turned = await _scores(asking, GRADED[::-1])
    if not (all(apart) and turned):
        return None
    return CompanyFound(
        repeated=max(_difference(together, again) for again in whole[1:]) / spread,
        in_company=max(_difference(together, part) for part in apart) / spread,
        reordered=_difference(together, turned) / spread,
        tolerance=_TOLERANCE,
    )


async def _scores(asking: Asking, texts: Sequence[str]) -> dict[str, float]:
    reply = await asking.ask(QUERY, texts)
    return dict(zip(texts, reply.scores, strict=False))


def _difference(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    return max(abs(one[text] - other[text]) for text in one.keys() & other.keys())
