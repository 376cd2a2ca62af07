"""What an evaluation finds, as plain values: what the terminal, the JSON and the page show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..usage import Usage

MEASURES = ("nDCG@10", "MRR@10", "Recall@10", "Recall@100", "P@10", "MAP")
"""ir-measures' names, except MRR@10 (`RR@10`), Recall@k (`R@k`) and MAP (`AP`)."""

MAIN_MEASURE = "nDCG@10"
"""What an evaluation is about: its verdict, the depth, and the queries that moved."""

PerQuery = Mapping[str, Mapping[str, float]]
"""Measure, then query id, to a value of 0…1."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A measure's mean over the queries, and against the first stage.

    Attributes:
        mean: 0…1.
        gain: difference of the means; 0 for the first stage itself.
        low: lower end of the 95 % interval of the gain (paired t interval over the queries).
        high: its upper end.
        p: of a paired randomisation test against no gain, for this row only.
        p_corrected: likewise, corrected (Holm) for the number of models, if it is nDCG@10; else for
            the number of other rows, and at least that of nDCG@10. The verdict goes by this one.
        differing: queries whose value differs from the first stage's.
    """

    mean: float
    gain: float
    low: float
    high: float
    p: float = 1.0
    p_corrected: float = 1.0
    differing: int = 0


@dataclass(frozen=True, slots=True)
class Depth:
    """What reranking so many candidates gives and takes.

    Attributes:
        candidates: how many of the first stage's candidates were reranked; the rest follow in
            the first stage's order.
        ndcg_at_10: mean over the queries.
        p50_ms: median latency of one call with so many candidates, in milliseconds; None if it
            was not measured (all of its scores came from the cache).
        p95_ms: 95th percentile; None if fewer than 20 calls were measured.
        calls: how many calls the latencies are of.
        dollars_per_1000_queries: None if the price is unknown.
    """

    candidates: int
    ndcg_at_10: float
    p50_ms: float | None
    p95_ms: float | None
    calls: int
    dollars_per_1000_queries: float | None


@dataclass(frozen=True, slots=True)
class Threshold:
    """What keeping only documents with at least this score leaves, of all candidates.

    Attributes:
        score: the threshold.
        precision: relevant ones among what is kept, over all queries together; None if nothing is.
        recall: kept ones among the relevant candidates, over all queries together.
        documents: mean number of documents kept for a query.
    """

    score: float
    precision: float | None
    recall: float
    documents: float


@dataclass(frozen=True, slots=True)
class ChosenDepth:
    """The fewest candidates that give 95 % of the best gain in nDCG@10.

    Attributes:
        candidates: how many.
        share: of the best gain, on all queries.
        gain: over the first stage, chosen on one half of the queries and measured on the other:
            the mean over many halves; None of fewer than 4 queries, like the other two.
        low: lower end of its 95 % interval.
        high: upper end.
        holds: the gain of all candidates is certain, and so is this one. Else take none.
    """

    candidates: int
    share: float
    gain: float | None = None
    low: float | None = None
    high: float | None = None
    holds: bool = False


@dataclass(frozen=True, slots=True)
class ChosenThreshold:
    """The lowest score that surely has the wanted precision; without one, that of the best F1.

    Attributes:
        score: the threshold.
        documents: how many candidates of all queries have at least this score: it rests on them.
        queries: how many queries these are of.
        precision: of what is kept, chosen on one half of the queries and measured on the other: the
            mean over many halves; None if too few halves have one, like the next three.
        low: lower end of its 95 % interval.
        high: upper end.
        recall: measured likewise.
        holds: the precision reaches the wanted one there. Else take none.
    """

    score: float
    documents: int
    queries: int
    precision: float | None = None
    low: float | None = None
    high: float | None = None
    recall: float | None = None
    holds: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """A query whose nDCG@10 the rerank changed.

    Attributes:
        query: its id.
        text: its text.
        before: nDCG@10 of the first stage.
        after: nDCG@10 of the rerank.
        top_before: the first stage's first documents: (id, beginning of the text, grade).
        top_after: the rerank's.
    """

    query: str
    text: str
    before: float
    after: float
    top_before: Sequence[tuple[str, str, int]] = ()
    top_after: Sequence[tuple[str, str, int]] = ()


@dataclass(frozen=True, slots=True)
class ModelResult:
    """One model over the candidates.

    Attributes:
        model: as it was asked for.
        answered_by: as the server names it; None if it does not.
        figures: by measure.
        improved: queries whose nDCG@10 rose.
        worsened: queries whose nDCG@10 fell.
        unchanged: the others.
        changes: the queries that moved most, the largest change first, both ways.
        worse: ids of all queries that got worse, the worst first.
        depths: from few candidates to all.
        thresholds: rising.
        threshold_for_precision: the score of `chosen_threshold`, if it holds and a precision was
            wanted; else None.
        usage: what it took.
        published: the service's own figures for it, where it publishes some and the server names
            no other model: measures by name (0…1, means over BEIR), and `ms@10`, `ms@50`, … for
            latencies with so many documents.
        judged_at_10: share of the first ten documents that have a judgement, whatever it says.
        pairs: how many pairs of query and document were scored.
        truncated: pairs of which the model did not read the end, by estimated tokens; None if its
            window is unknown.
        warm_up_calls: calls that began before the first answer had come. They open connections and
            wake the server up, and are in no latency.
        chosen_depth: None if no number of candidates gains anything.
        chosen_threshold: None if no score surely has the wanted precision.
        values: each measure of each query, for a later run's gate.
    """

    model: str
    answered_by: str | None
    figures: Mapping[str, Figure]
    improved: int
    worsened: int
    unchanged: int
    changes: Sequence[Change]
    worse: Sequence[str]
    depths: Sequence[Depth]
    thresholds: Sequence[Threshold]
    threshold_for_precision: float | None
    usage: Usage
    published: Mapping[str, float]
    judged_at_10: float = 0.0
    pairs: int = 0
    truncated: int | None = None
    warm_up_calls: int = 0
    chosen_depth: ChosenDepth | None = None
    chosen_threshold: ChosenThreshold | None = None
    values: PerQuery = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two models by nDCG@10, query by query.

    Attributes:
        model: the one.
        other: what it is compared with.
        difference: `mean` is the first one's, `gain` its difference to the other one's mean, with
            the interval of that; `p_corrected` is corrected for the number of pairs (Holm).
    """

    model: str
    other: str
    difference: Figure


@dataclass(frozen=True, slots=True)
class Gate:
    """A model against a baseline: the report of an earlier run.

    Attributes:
        model: the one that was measured now.
        baseline: the earlier one, and in which file.
        measure: what they are compared by.
        difference: `mean` is the one now, `gain` its difference to the earlier one, on the queries
            that both have done; `p_corrected` is corrected for the number of gates (Holm).
        queries: how many these are.
        passed: it is not significantly below the baseline. Too few queries that differ pass, too.
        of: how many queries the baseline has.
        changed: how many of these have another text or other judgements now, and were left aside.
    """

    model: str
    baseline: str
    measure: str
    difference: Figure
    queries: int
    passed: bool
    of: int = 0
    changed: int = 0


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A whole evaluation.

    Attributes:
        collection: its name, e.g. the folder's.
        documents: how many it has.
        queries: how many have a relevant document and were done by all `models`: those that all
            figures are of.
        candidates: candidates per query, at most.
        first_stage: what made them, e.g. `"BM25"`.
        first: the first stage's figures, by measure.
        oracle: the figures of the same candidates in the best possible order: what no reranker
            can exceed.
        models: one result for each model.
        pairs: each two of the models; empty with one model.
        judged_at_10: share of the first stage's first ten documents that have a judgement.
        without_relevant: queries none of whose candidates is relevant: no reranker can help them.
        relevance_level: the lowest grade that is relevant, for all but nDCG, which knows grades.
        at_service_prices: the dollars by depth are what the service would bill, whatever was paid.
        wanted_precision: what `threshold_for_precision` was asked for.
        stopped: why it ended before all queries were done; None if it did not.
        failed: it ended so because of a failure, and not because the money was spent.
        seconds: how long it took.
        left_out: ids of queries that no request could be made of, and why.
        notes: what was left out or made of the data before the first request, a sentence each.
        gates: each model against a baseline, if one was given.
        asked: query id to a digest of its text and judgements, for a later run's gate.
    """

    collection: str
    documents: int
    queries: int
    candidates: int
    first_stage: str
    first: Mapping[str, Figure]
    oracle: Mapping[str, Figure]
    models: Sequence[ModelResult]
    wanted_precision: float | None
    stopped: str | None
    seconds: float
    left_out: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()
    pairs: Sequence[Pair] = ()
    judged_at_10: float = 0.0
    without_relevant: int = 0
    relevance_level: int = 1
    at_service_prices: bool = False
    failed: bool = False
    gates: Sequence[Gate] = ()
    asked: Mapping[str, str] = field(default_factory=dict)
