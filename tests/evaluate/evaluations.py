"""Evaluations to look at, made by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from assisters_rerank import Usage
from assisters_rerank.evaluate.results import (
    MEASURES,
    Change,
    ChosenDepth,
    ChosenThreshold,
    Depth,
    Evaluation,
    Figure,
    Gate,
    ModelResult,
    Pair,
    Threshold,
)

HOSTILE = (
    "\"'>{{ 7 * 7 }}{% raw %}<script>console.error('ran')</script><img src=https://example.org/x.png"
    " onerror=alert(1)> "
    "&\n& \x1b[31mred\x07 \u202eback \ud800 [bold]not markup[/bold] ]]> --> مرحبا 漢字 " + "x" * 400
)

FIRST = {
    name: Figure(mean, 0.0, 0.0, 0.0)
    for name, mean in zip(MEASURES, (0.679, 0.643, 0.802, 0.921, 0.091, 0.637), strict=True)
}
ORACLE = {
    name: Figure(mean, mean - FIRST[name].mean, 0.2, 0.28)
    for name, mean in zip(MEASURES, (0.921, 0.921, 0.921, 0.921, 0.104, 0.921), strict=True)
}


def figures(gain: float, half: float, differing: int = 133) -> Mapping[str, Figure]:
    """The same gain in every measure but Recall@100, which a rerank of 100 cannot change."""
    p = 0.0002 if abs(gain) > half else 0.21
    found = {
        name: Figure(first.mean + at, at, at - width, at + width, p, 2 * p, differing)
        for name, first in FIRST.items()
        for at, width in [(gain / 9, half / 9) if name == "P@10" else (gain, half)]
    }
    return {**found, "Recall@100": FIRST["Recall@100"]}


def change(query: str, before: float, after: float, text: str = "") -> Change:
    """A query with three documents before and after."""
    documents = [
        (f"{query}-doc-{i}", f"Evidence number {i} on inflammation and cells. " * i, i % 2)
        for i in range(1, 5)
    ]
    text = text or f"Does treatment {query} reduce inflammation in adult patients?"
    return Change(query, text, before, after, tuple(documents[1:]), tuple(documents[::-1][:3]))


def depths(gain: float, *, ms: bool = True, price: bool = True) -> Sequence[Depth]:
    """Ten depths whose gain flattens."""
    return tuple(
        Depth(
            n,
            0.679 + gain * (1 - 0.5 ** (n / 15)),
            20 + 2.8 * n if ms else None,
            35 + 4.1 * n if ms else None,
            30 if ms else 0,
            0.0123 * n if price else None,
        )
        for n in range(10, 101, 10)
    )


THRESHOLDS = tuple(
    Threshold(
        i / 40,
        None if i == 40 else 0.03 + 0.95 * i / 40,
        (1 - i / 40) ** 0.5,
        100 * 0.86**i if i < 40 else 0.0,
    )
    for i in range(41)
)

NO_DEPTH = ChosenDepth(30, 0.961, 0.004, -0.02, 0.03)

BGE = ModelResult(
    model="bge-reranker-v2",
    answered_by=None,
    figures=figures(0.033, 0.021),
    improved=92,
    worsened=41,
    unchanged=167,
    changes=(
        change("q-11", 0.0, 1.0),
        change("q-205", 0.95, 0.21),
        change("q-7", 0.31, 0.9),
        change("q-90", 0.63, 0.0),
    ),
    worse=("q-205", "q-90", *(f"q-{i}" for i in range(300, 339))),
    depths=depths(0.034),
    thresholds=THRESHOLDS,
    threshold_for_precision=THRESHOLDS[30].score,
    usage=Usage(
        models=("bge-reranker-v2",),
        requests=301,
        retries=2,
        documents_sent=18_000,
        documents_cached=12_000,
        total_tokens=4_812_345,
        tokens_estimated=True,
        cost=0.2406,
    ),
    published={"nDCG@10": 0.542, "Recall@100": 0.783, "ms@10": 50, "ms@50": 150, "ms@100": 300},
    judged_at_10=0.09,
    pairs=30_000,
    truncated=1_058,
    warm_up_calls=1,
    chosen_depth=ChosenDepth(70, 0.961, 0.031, 0.01, 0.052, True),
    chosen_threshold=ChosenThreshold(
        THRESHOLDS[30].score, 324, 201, 0.73, 0.69, 0.78, 0.5, holds=True
    ),
)

ONE_MODEL = Evaluation(
    collection="SciFact",
    documents=5_183,
    queries=300,
    candidates=100,
    first_stage="BM25",
    first=FIRST,
    oracle=ORACLE,
    models=(BGE,),
    wanted_precision=0.7,
    stopped=None,
    seconds=93.4,
    judged_at_10=0.12,
    without_relevant=24,
)

WORSE = replace(
    BGE,
    model="jina-reranker",
    answered_by="jina-reranker-v2-base-multilingual",
    figures=figures(-0.052, 0.03),
    improved=30,
    worsened=120,
    unchanged=150,
    depths=depths(-0.05),
    thresholds=tuple(
        replace(t, score=24 * t.score - 12, precision=0.6 * (t.precision or 0)) for t in THRESHOLDS
    ),
    threshold_for_precision=None,
    published={},
    chosen_depth=None,
    chosen_threshold=ChosenThreshold(8.0, 12, 11, 0.574, 0.4, 0.7, 0.02),
)

TWO_MODELS = replace(
    ONE_MODEL,
    models=(BGE, WORSE),
    pairs=(
        Pair(
            "bge-reranker-v2",
            "jina-reranker",
            Figure(0.712, 0.085, 0.05, 0.12, 0.0002, 0.0002, 140),
        ),
    ),
)

STOPPED = replace(
    ONE_MODEL,
    queries=12,
    models=(
        replace(BGE, figures=figures(0.02, 0.05, 11), chosen_depth=NO_DEPTH, chosen_threshold=None),
    ),
    stopped="the next query could cost more than --max-cost 0.25 leaves",
)

UNKNOWN = replace(
    ONE_MODEL,
    wanted_precision=None,
    models=(
        replace(
            BGE,
            depths=depths(0.034, ms=False, price=False),
            threshold_for_precision=None,
            chosen_threshold=ChosenThreshold(0.65, 324, 201, 0.73, 0.69, 0.78, 0.5, holds=True),
            usage=replace(BGE.usage, cost=None, search_units=7, tokens_estimated=False),
            published={},
        ),
    ),
)

ONE_QUERY = replace(
    ONE_MODEL,
    queries=1,
    documents=1,
    models=(
        replace(
            BGE,
            figures=figures(0.3, 0.0, 1),
            improved=1,
            worsened=0,
            unchanged=0,
            changes=(change("only", 0.3, 0.6),),
            worse=(),
            depths=depths(0.3)[:1],
            thresholds=(Threshold(0.5, 1.0, 1.0, 1.0),),
            threshold_for_precision=None,
            chosen_depth=ChosenDepth(10, 1.0),
            chosen_threshold=ChosenThreshold(0.5, 1, 1),
        ),
    ),
)

NOTHING = replace(
    ONE_MODEL,
    queries=0,
    first={},
    oracle={},
    models=(
        ModelResult("m", None, {}, 0, 0, 0, (), (), (), (), None, Usage(), {}),
        replace(WORSE, depths=(), thresholds=(), changes=(), worse=()),
    ),
    stopped="the service could not be reached",
)

HOSTILE_TEXTS = replace(
    ONE_MODEL,
    collection=HOSTILE,
    first_stage=HOSTILE,
    models=(
        replace(
            BGE,
            model=HOSTILE,
            answered_by=HOSTILE + "!",
            changes=(
                replace(
                    change(HOSTILE, 0.2, 0.9, HOSTILE),
                    top_before=((HOSTILE, HOSTILE, 1), ("", "", 0)),
                ),
                Change("x" * 300, "", 0.9, 0.2),
            ),
            worse=(HOSTILE, "y" * 300),
            published={HOSTILE: 0.5},
        ),
    ),
    stopped=HOSTILE,
)

LOCAL = replace(
    ONE_MODEL,
    models=(replace(BGE, usage=replace(BGE.usage, cost=0.0)),),
    relevance_level=2,
    at_service_prices=True,
)

_LOWER = Figure(0.7, -0.031, -0.05, -0.012, 0.002, 0.004, 120)

GATED = replace(
    TWO_MODELS,
    gates=(
        Gate("bge-reranker-v2", "bge-reranker-v2 in baseline.json", "nDCG@10", _LOWER, 300, False),
        Gate(
            "jina-reranker",
            "jina-reranker in baseline.json",
            "nDCG@10",
            Figure(0.64, -0.001, -0.004, 0.002, 0.5, 1.0, 7),
            298,
            True,
        ),
    ),
    left_out={"q17": "query: it has 600 tokens, the window 512.", "<b>": HOSTILE},
    notes=("2 queries left out, which cannot be asked ('q17', '<b>'): the query is too long.",),
)

ALL: Mapping[str, Evaluation] = {
    "one model": ONE_MODEL,
    "two models": TWO_MODELS,
    "stopped": STOPPED,
    "unknown": UNKNOWN,
    "one query": ONE_QUERY,
    "nothing": NOTHING,
    "no model": replace(ONE_MODEL, models=()),
    "local": LOCAL,
    "hostile": HOSTILE_TEXTS,
    "gated": GATED,
}
