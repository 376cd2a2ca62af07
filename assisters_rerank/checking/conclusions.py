"""What follows from the figures of a check: problems and notes, a sentence or two each."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .server_report import RankingFound, ServerReport

_ADDRESS = re.compile(r"https?://\S+")

_PROBABLY = "the model was probably loaded wrongly, or is no reranker."


def problems(report: ServerReport, *, listwise: bool) -> Iterator[str]:
    """What would give wrong rankings, or none; `listwise`: the reranker takes the model for it."""
    if report.dialect is None:
        yield _unanswered(report)
        return
    company = report.company
    if report.ranking is None:
        few = report.sizes is not None and report.sizes.most < 4
        yield (
            "Whether it ranks rightly is not known: "
            + ("a request takes too few documents." if few else "no question was answered.")
        )
    elif wrong := _wrong(report.ranking):
        yield wrong
    if company is None:
        return
    if not company.deterministic:
        yield (
            "The same request gets other scores each time, by up to "
            f"{company.repeated:.0%} of the spread of all scores."
        )
    elif company.listwise and not listwise:
        yield (
            "List-wise: a document's score depends on the others of its request, so that scores "
            "of several requests cannot be merged. Give listwise=True, which sends every list in "
            "one request."
        )


def notes(report: ServerReport) -> Iterator[str]:
    """What else to know."""
    ranking, scores = report.ranking, report.scores
    if ranking is not None and ranking.verdict == "right":
        if ranking.easy_right < ranking.easy:
            wrong = ranking.easy - ranking.easy_right
            yield f"Of the {ranking.easy} easy questions {wrong} went wrong."
        if ranking.hard_right < ranking.hard / 2:
            yield (
                "It seems to compare words: of the questions that only the meaning decides, "
                f"{ranking.hard_right} of {ranking.hard} are right."
            )
    if scores is not None and 0.499 < scores.lowest < scores.highest < 0.732:
        yield "All scores lie in 0.5…0.73, as where a sigmoid is applied to scores in 0…1 again."
    if report.stopped is not None:
        yield f"The check ended early, {report.stopped}; the rest was not asked."


def _wrong(ranking: RankingFound) -> str | None:
    if ranking.verdict == "alike":
        return f"All scores are alike, so that no order follows from them: {_PROBABLY}"
    if ranking.verdict == "reversed":
        return (
            f"In {ranking.easy_last} of {ranking.easy} easy questions the right document comes "
            "last: low scores are the good ones here."
        )
    if ranking.verdict == "wrong":
        return (
            f"In only {ranking.easy_right} of {ranking.easy} easy questions the right document "
            f"comes first: {_PROBABLY}"
        )
    return None


def _unanswered(report: ServerReport) -> str:
    outcomes = [each.outcome for each in report.attempts]
    if not report.reachable or len(outcomes) == 1:
        return outcomes[-1]
    if report.key in ("missing", "wrong"):
        return next(
            outcome for outcome in outcomes if outcome.startswith(("Status 401", "Status 403"))
        )
    # An address that is not there is the least that a server can say. Of a model that it does not
    # have, a server speaks with the same status, and of the other dialects' fields with another.
    about_model = [each for each in outcomes if report.model in _words(each)]
    heard = [each for each in outcomes if not each.startswith("Status 404")]
    return f"It answered in none of the dialects. {(about_model or heard or outcomes)[0]}"


def _words(outcome: str) -> str:
    """What the server said, without the address that it was asked at."""
    return _ADDRESS.sub("", outcome)
