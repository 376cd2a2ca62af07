"""Whether labelled questions are ranked rightly, and where the scores lie."""

from __future__ import annotations

from collections.abc import Sequence

from .asking import Asking
from .labelled_questions import EASY, HARD, Question
from .server_report import RankingFound, ScoresFound

# Of the scores' size: less is a rounding error.
_NOTHING = 1e-6


async def judge(asking: Asking) -> tuple[RankingFound, ScoresFound] | None:
    """Asks all the questions; None if no easy one was answered."""
    easy = await _answers(asking, EASY)
    hard = await _answers(asking, HARD)
    if not easy:
        return None
    scores = [score for _, found in easy + hard for score in found]
    found = RankingFound(
        easy_right=sum(_is_first(question, found) for question, found in easy),
        easy=len(easy),
        hard_right=sum(_is_first(question, found) for question, found in hard),
        hard=len(hard),
        easy_last=sum(min(found) == found[question.right] for question, found in easy),
        alike=all(_are_alike(found) for _, found in easy),
    )
    return found, ScoresFound(min(scores), max(scores))


async def _answers(
    asking: Asking, questions: Sequence[Question]
) -> list[tuple[Question, tuple[float, ...]]]:
    replies = [(each, await asking.ask(each.query, each.documents)) for each in questions]
    return [(question, reply.scores) for question, reply in replies if reply.scores]


def _is_first(question: Question, scores: Sequence[float]) -> bool:
    others = (score for place, score in enumerate(scores) if place != question.right)
    return scores[question.right] > max(others)


def _are_alike(scores: Sequence[float]) -> bool:
    return max(scores) - min(scores) <= _NOTHING * max(map(abs, scores), default=0.0)
