"""What becomes of a long document, and from which length on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..text.tokens import AROUND_A_PAIR, estimate_tokens
from .asking import Asking
from .probe_texts import GRADED, QUERY, filler, long_pair
from .server_report import CompanyFound, LengthsFound, ScoresFound, SizesFound

_FIRST = 16
_TRIED = (64, 128, 256, 512, 1024, 2048, 4096, 8192)
_STEPS = 6

# Of the timeout: a document of twice the length may take four times as long.
_SHARE_OF_TIMEOUT = 0.2

# Of a score: two texts that are alike as far as they are read get the same one, but for rounding.
_NOTHING = 1e-6


@dataclass(frozen=True, slots=True)
class _Tried:
    """What became of documents that are alike for so many words."""

    outcome: str
    seconds: float = 0.0
    status: int | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Sends two documents that differ at their ends only: equal scores say that these are cut off.

    Where a score depends on the others of its request, or a request takes only one document, each
    of the two goes in a request of its own, in the same company.
    """

    asking: Asking
    apart: bool
    company: tuple[str, ...]
    noise: float
    """The difference that chance makes."""

    async def sent(self, words: int) -> _Tried:
        """With so many words before the ends."""
        pair = long_pair(words)
        requests = [[each, *self.company] for each in pair] if self.apart else [list(pair)]
        scores: list[float] = []
        seconds = 0.0
        for documents in requests:
            reply = await self.asking.ask(QUERY, documents)
            if reply.refusal is not None:
                return _Tried("refused", 0.0, reply.refusal.status, str(reply.refusal))
            if reply.error is not None:
                return _Tried("unanswered", 0.0, None, str(reply.error))
            scores += reply.scores[: 1 if self.apart else 2]
            seconds = reply.seconds
        one, other = scores
        alike = abs(one - other) <= max(_NOTHING * max(abs(one), abs(other)), 4 * self.noise)
        return _Tried("cut" if alike else "read", seconds)


async def find_lengths(
    asking: Asking,
    scores: ScoresFound | None,
    company: CompanyFound | None,
    sizes: SizesFound | None,
) -> LengthsFound:
    """Doubles the length until the end is cut off or refused, and halves from there."""
    if company is not None and not company.deterministic:
        return LengthsFound("not told", 0, None, "the same request gets other scores each time")
    one_by_one = sizes is not None and sizes.most < 2
    listwise = company is not None and company.listwise is True
    noise = 0.0 if company is None or scores is None else company.noise * scores.spread
    others = GRADED[:1] if listwise and not one_by_one else ()
    pairs = _Pairs(asking, one_by_one or listwise, others, noise)
    first = await pairs.sent(_FIRST)
    if first.outcome != "read":
        why = first.reason or "the end of a short document makes no difference either"
        return LengthsFound("not told", 0, first.status, why)
    read, too_long, end = _FIRST, _FIRST, first
    for words in _TRIED:
        end = await pairs.sent(words)
        if end.outcome != "read":
            too_long = words
            break
        read = words
        if end.seconds > _SHARE_OF_TIMEOUT * asking.reranker.timeout:
            break
    if end.outcome in ("read", "unanswered"):
        return LengthsFound("read", _tokens(read, whole=True), None, end.reason)
    for _ in range(_STEPS):
        middle = (read + too_long) // 2
        tried = await pairs.sent(middle)
        if tried.outcome == "read":
            read = middle
        elif tried.outcome == end.outcome:
            too_long = middle
        else:
            break
    outcome: Literal["cut", "refused"] = "cut" if end.outcome == "cut" else "refused"
    return LengthsFound(outcome, _tokens(read, whole=outcome == "refused"), end.status, end.reason)


def _tokens(words: int, *, whole: bool) -> int:
    """Of the query and what is alike, or of the whole document."""
    document = long_pair(words)[0] if whole else filler(words)
    return estimate_tokens(QUERY) + estimate_tokens(document) + AROUND_A_PAIR
