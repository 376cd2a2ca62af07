"""What a reader has to know before the figures: lost queries, judgements, cut texts, warm-up."""

from __future__ import annotations

from ..results import Evaluation, ModelResult
from . import wording

_FEWER_JUDGED = 0.01


def of_queries(evaluation: Evaluation) -> list[str]:
    """What holds for all models."""
    facts = []
    if evaluation.relevance_level > 1:
        facts.append(
            f"Relevant: a grade of {evaluation.relevance_level:,} or more. nDCG counts all grades"
        )
    if evaluation.without_relevant:
        facts.append(
            f"{wording.queries(evaluation.without_relevant)} of {evaluation.queries:,} without a "
            "relevant candidate: no reranker can help there"
        )
    return facts


def of_model(evaluation: Evaluation, model: ModelResult) -> list[str]:
    """What holds for one."""
    if not model.figures:
        return []
    first, own = evaluation.judged_at_10, model.judged_at_10
    facts = [
        f"judged@10: {wording.unit(first)} of the first stage's first ten documents have a "
        f"judgement, {wording.unit(own)} of the model's"
    ]
    if own < first - _FEWER_JUDGED:
        facts[0] += ". What nobody judged counts as wrong, so the model may be better than measured"
    if model.truncated:
        facts.append(
            f"{model.truncated:,} of {wording.count(model.pairs, 'pair')} longer than the model's "
            "window: it did not read their ends"
        )
    if model.warm_up_calls:
        facts.append(f"{wording.count(model.warm_up_calls, 'warm-up call')} left out of latencies")
    return facts
