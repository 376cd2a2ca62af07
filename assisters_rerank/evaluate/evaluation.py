"""`evaluate`: the first stage, each reranker and the oracle on one collection."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from os import PathLike

from ..errors import ConfigurationError
from ..reranker import Reranker
from ..settings import given_list
from .checks import check_arguments
from .collection_scores import check_reranker
from .curves import depths_up_to, oracle, reordered
from .data.collection import Candidates, Collection
from .export import Export
from .measures import check_measures, figures, with_defaults
from .model_results import Judged, model_results
from .own_documents import Identical
from .preparation import left_out_note, prepare
from .reranker_scores import score_each
from .results import MEASURES, Evaluation


def evaluate(
    collection: Collection,
    rerankers: Reranker | Sequence[Reranker],
    *,
    candidates: Candidates | None = None,
    first_stage: str | None = None,
    depth: int = 100,
    wanted_precision: float | None = None,
    max_cost: float | None = None,
    at_once: int = 1,
    measures: Sequence[str] = (),
    relevance_level: int = 1,
    at_service_prices: bool = False,
    export: str | PathLike[str] | None = None,
    identical: Identical = "drop",
    progress: Callable[[int], None] = lambda _: None,
) -> Evaluation:
    """Measures what rerankers gain over the first stage on a collection with relevance judgements.

    Args:
        collection: documents, judged queries and judgements: `read_collection(…)`,
            `collection_from_retriever(…)`, or your own.
        rerankers: one, or several to compare; give each a cache, and an interrupted run goes on
            where it stopped.
        candidates: the first stage's documents for each query, best first; else those that the
            collection's files have, else BM25's.
        first_stage: what made the candidates, for the report.
        depth: candidates per query.
        wanted_precision: report the threshold that reaches it, 0…1.
        max_cost: dollars for all rerankers together; the run stops before more is spent, by
            estimated tokens. What is in a cache costs nothing.
        at_once: queries under way at the same time; latencies are most reliable with 1.
        measures: ir-measures' names (`"nDCG@5"`, `"ERR@20"`) of what is measured next to the
            default ones.
        relevance_level: the lowest grade that counts as relevant, for thresholds and for measures
            that know no grades. Queries without such a document are in no figure.
        at_service_prices: estimate the dollars by depth by the service's published prices, for a
            server that costs nothing.
        export: folder for the runs in TREC's format, the first stage's and each reranker's with
            its scores, and for the values of each query (JSON; Parquet where pyarrow is).
        identical: `"drop"` leaves a document out of the candidates of a query that has the same id
            and text; `"keep"` does not, `"drop_ids"` does so whatever its text is (BEIR's rule).
        progress: called with 1 for each query that a reranker has finished.

    Returns:
        What was found. A query of which a reranker could make no request (it leaves no room in the
        window) is in `left_out`, and in no figure. If it ended early, `stopped` says why. All
        figures, also the first stage's and the oracle's, are then those of the queries that all
        reported models have done; a model without any of these is left out.

    Raises:
        ConfigurationError: an impossible argument, no relevant document among any candidates, no
            query that can be asked (all checked before any request), or `max_cost` does not cover
            one query.
        AssistersError: of the first call; later ones end the run.
    """
    started = time.perf_counter()
    if isinstance(rerankers, Reranker):
        rerankers = [rerankers]
    rerankers = given_list(rerankers, "rerankers")
    check_arguments(
        collection,
        rerankers,
        depth,
        wanted_precision,
        max_cost,
        at_once,
        measures,
        relevance_level,
        identical,
    )
    names = with_defaults(measures, relevance_level)
    for reranker in rerankers:
        check_reranker(reranker, max_cost)
    prepared = prepare(
        collection, rerankers, candidates, first_stage, depth, identical, relevance_level
    )
    collection, found = prepared.collection, prepared.candidates
    added = [name for name in names if name not in MEASURES]
    check_measures(added, relevance_level, found, collection.qrels)
    if prepared.left_out:
        progress(len(prepared.left_out) * len(rerankers))
    depths = depths_up_to(max(map(len, found.values()), default=0) or 1)
    exported = Export(export)
    exported.write("first-stage", found)
    measurable = {
        query
        for query, grades in collection.qrels.items()
        if max(grades.values(), default=0) >= relevance_level
    }
    scores = score_each(
        rerankers,
        prepared,
        depths,
        measurable,
        exported,
        max_cost=max_cost,
        at_once=at_once,
        progress=progress,
    )
    if not scores.reported:
        raise ConfigurationError(f"There is nothing to report yet: {'; '.join(scores.stopped)}.")
    # The same queries for all, or a run that was stopped would compare the figures of some with
    # those of others.
    found = {query: documents for query, documents in found.items() if query in scores.common}
    judged = Judged.of(
        collection, found, depths, names, relevance_level, wanted_precision, at_service_prices
    )
    first = judged.first
    if export is not None:
        exported.write_values(
            {"first-stage": first}
            | {
                tag: judged.values(reordered(found, scored.scores, depth))
                for tag, (_, scored) in zip(scores.tags, scores.reported, strict=True)
            }
        )
    models, pairs = model_results(judged, scores.reported)
    return Evaluation(
        collection=collection.name,
        documents=len(collection.documents),
        queries=len(measurable & scores.common),
        candidates=max(map(len, found.values()), default=0),
        first_stage=prepared.first_stage,
        first=figures(first, first),
        oracle=figures(judged.values(oracle(found, collection.qrels)), first),
        models=models,
        pairs=pairs,
        wanted_precision=wanted_precision,
        stopped="; ".join(scores.stopped) or None,
        seconds=time.perf_counter() - started,
        left_out={**prepared.left_out, **scores.left_out},
        notes=(*prepared.notes, *left_out_note(scores.left_out)),
        judged_at_10=judged.judged_at_10(found),
        without_relevant=judged.without_relevant(),
        relevance_level=relevance_level,
        at_service_prices=at_service_prices,
        failed=scores.failed,
        asked={query: told for query, told in collection.asked().items() if query in scores.common},
    )
