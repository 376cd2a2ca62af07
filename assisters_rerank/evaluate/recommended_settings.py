"""What an evaluation recommends, as a file of settings that `Reranker.from_file` reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from itertools import combinations
from os import PathLike
from pathlib import Path
from typing import Any

import tomli_w

from ..errors import ConfigurationError
from ..reranker import Reranker
from .report.wording import share
from .results import MAIN_MEASURE, Evaluation, ModelResult
from .verdicts import Verdict, verdict

_TOP_N = 10
"""What the main measure looks at."""

# Whatever else the scores were made with, or the recommendation would be one for other scores.
# No address: it is another in production, and may hold a key.
KEPT = (
    "dialect", "long_documents", "max_tokens", "max_passage_tokens", "token_margin",
    "score_activation", "extra_body", "max_documents_per_request", "listwise",
)  # fmt: skip


def save_settings(
    path: str | PathLike[str],
    evaluation: Evaluation,
    rerankers: Sequence[Reranker],
    *,
    on: date | None = None,
) -> None:
    """Writes the settings that an evaluation recommends; never a key, nor an address.

    The model with the highest nDCG@10, the first ten documents, the threshold that reaches the
    wanted precision and the number of candidates that is enough, if these hold on held-out
    queries. Comments say what it rests on.

    Args:
        path: the file, usually `rerank.toml`.
        evaluation: its result.
        rerankers: those that were evaluated.
        on: the date in the file; today if None.

    Raises:
        ConfigurationError: `rerankers` are not those of the evaluation, or the file cannot be
            written.
    """
    best = max(evaluation.models, key=lambda model: model.figures[MAIN_MEASURE].mean)
    reranker = _reranker_of(best, evaluation, rerankers)
    depth = best.chosen_depth
    candidates = depth.candidates if depth is not None and depth.holds else evaluation.candidates
    about = _about(evaluation, best, on or date.today())
    options = _options(best, reranker)
    if without := [name for name, value in options.items() if _has_null(value)]:
        about.append(f"Give in code, since TOML has no null: {', '.join(without)}.")
    tables = {
        "reranker": {name: value for name, value in options.items() if name not in without},
        "first_stage": {"candidates": candidates},
    }
    text = "".join(f"# {line}\n" for line in about) + "\n" + tomli_w.dumps(tables)
    try:
        Path(path).write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written: {error.strerror}.") from error


def _reranker_of(
    best: ModelResult, evaluation: Evaluation, rerankers: Sequence[Reranker]
) -> Reranker:
    # One model may be there twice; the results have the order of the rerankers.
    results = [model for model in evaluation.models if model.model == best.model]
    same = [reranker for reranker in rerankers if reranker.model == best.model]
    if len(same) == len(results):
        return same[[model is best for model in results].index(True)]
    # One of them ended before its first query, and it is not known which.
    if same and all(_options(best, each) == _options(best, same[0]) for each in same):
        return same[0]
    raise ConfigurationError(
        "rerankers: give those of the evaluation, in their order, without those that ended before "
        "their first query."
    )


def _options(best: ModelResult, reranker: Reranker) -> dict[str, Any]:
    options: dict[str, Any] = {"model": best.model, "top_n": _TOP_N}
    if best.threshold_for_precision is not None:
        options["score_threshold"] = {best.model: best.threshold_for_precision}
    given = {
        name: value
        for name, value in reranker.model_dump(mode="json", exclude_defaults=True).items()
        if name in KEPT and value is not None
    }
    return options | given


def _has_null(value: object) -> bool:
    if isinstance(value, Mapping):
        return any(map(_has_null, value.values()))
    return value is None or (isinstance(value, list) and any(map(_has_null, value)))


def _about(evaluation: Evaluation, best: ModelResult, on: date) -> list[str]:
    figure = best.figures[MAIN_MEASURE]
    others = [model for model in evaluation.models if model is not best]
    lines = [
        f"Recommended by assisters-rerank eval on {on.isoformat()}.",
        f"Collection: {evaluation.collection!a}, {evaluation.queries:,} queries, "
        f"{evaluation.candidates:,} candidates each from {evaluation.first_stage!a}.",
        f"{MAIN_MEASURE} {evaluation.first[MAIN_MEASURE].mean:.3f} -> {figure.mean:.3f}: "
        f"{figure.gain:+.3f} (95 % interval {figure.low:+.3f} to {figure.high:+.3f}).",
    ]
    if verdict(figure) is not Verdict.BETTER:
        lines.append("It is not certain that this reranker helps on this collection.")
    lines += [_next_to(evaluation, best, model) for model in others]
    if best.answered_by not in (None, best.model):
        lines.append(f"The server says that {best.answered_by!a} answered.")
    threshold, depth = best.chosen_threshold, best.chosen_depth
    if threshold is not None and best.threshold_for_precision is not None:
        lines.append(
            f"The threshold was chosen for a precision of {evaluation.wanted_precision:g}"
            + _held_out(threshold.precision, threshold.low, threshold.high)
        )
    elif evaluation.wanted_precision is not None:
        lines.append(f"No threshold holds a precision of {evaluation.wanted_precision:g}.")
    if depth is not None and depth.holds:
        lines.append(
            f"{depth.candidates:,} candidates give {share(depth.share)} of the best gain"
            + _held_out(depth.gain, depth.low, depth.high)
        )
    else:
        lines.append("No smaller number of candidates is sure to be enough; these are all.")
    if evaluation.stopped:
        lines.append(f"The evaluation ended early: {evaluation.stopped!a}.")
    return lines


def _next_to(evaluation: Evaluation, best: ModelResult, other: ModelResult) -> str:
    mean = f"Next to it: {other.model!a} {other.figures[MAIN_MEASURE].mean:.3f}"
    for two, pair in zip(combinations(evaluation.models, 2), evaluation.pairs, strict=False):
        told = verdict(pair.difference)
        is_of_both = all(any(each is one for one in two) for each in (best, other))
        if is_of_both and told not in (Verdict.BETTER, Verdict.WORSE):
            return f"{mean}; it is not certain which of the two is better."
    return f"{mean}."


def _held_out(value: float | None, low: float | None, high: float | None) -> str:
    if value is None or low is None or high is None:
        return "."
    return f"; on held-out queries {value:.3f} (95 % interval {low:.3f} to {high:.3f})."
